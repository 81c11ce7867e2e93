//! Calling out: the clients that reach providers, and the offline provider inside this program.

pub mod timeouts;

pub use timeouts::CallTimeouts;
