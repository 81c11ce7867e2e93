//! What each speaker is shown: exactly, in every shipped format, and whatever others write.

mod fitting;
mod injection;
mod leaks;
mod parser;
mod prefix;
mod sights;
mod snapshots;
