//! Calling out: the clients that reach providers, and the offline provider inside this program.

#[cfg(feature = "legacy")]
pub mod legacy;
pub mod timeouts;

pub use timeouts::CallTimeouts;
