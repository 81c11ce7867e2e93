//! Telling others of calls: usage rows in the store, traces over OTLP, Langfuse, Sentry. All of it off the request path.
//!
//! Everything here is an [`Observer`](crate::events::Observer) or a queue of call records: no span, timer or task
//! belongs to a request. A receiver that is dead or slow loses records, which is counted, and costs no call anything.

mod callbacks;
mod config;
mod courier;
mod exporter;
mod langfuse;
mod otlp;
mod scrub;
mod sentry;
mod start;
mod stop;
mod tracer;
mod usage;

pub use config::ObserveConfig;
pub use config::UsageConfig;
pub use scrub::Scrubber;
pub use start::Observing;
pub use start::ObservingParts;
pub use tracer::Tracer;
pub use usage::UsageRecorder;
