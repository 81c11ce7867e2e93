//! Calling out: the clients that reach providers, and the offline provider inside this program.

mod connect;
pub mod demo;
mod failure;
#[cfg(feature = "legacy")]
pub mod legacy;
mod reply;
pub mod timeouts;
pub mod transport;
mod typed;
mod waits;

pub use demo::DemoClient;
pub use demo::DemoPace;
pub use timeouts::CallTimeouts;
pub use transport::Transport;
