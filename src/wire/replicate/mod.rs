//! Replicate's predictions: an input of the model's own, and an output of plain text.

mod prediction;
mod prompt;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use prediction::Prediction;
pub use prediction::PredictionStatus;
pub use prediction::replicate_prediction;
pub(super) use request::encode;
pub(super) use stream::Stream;
