//! Passing bodies and streams on as they came: a few members are edited, and a copy of what flows by is read.

mod edit;
mod tap;
mod whole;

pub use edit::Edits;
pub use edit::edited;
pub use edit::with_members;
pub use tap::Passed;
pub use tap::Tap;
pub use whole::read_whole;
