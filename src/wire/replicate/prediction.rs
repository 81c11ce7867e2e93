//! A prediction: the thing that is asked for, waited for, streamed and cancelled.

use serde_json::Value;

use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::lenient;

/// What the answer to a request, or to a question after it, says about a prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub status: PredictionStatus,
    /// Where its output is streamed from; `None` when the model cannot stream.
    pub stream_url: Option<String>,
    /// Where to ask for it again.
    pub get_url: Option<String>,
    /// Where a POST stops it.
    pub cancel_url: Option<String>,
}

/// How far a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionStatus {
    /// It waits, maybe for its model to start, which can take minutes.
    Starting,
    /// It runs.
    Processing,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed,
    /// It was stopped.
    Canceled,
}

impl PredictionStatus {
    /// `true` when nothing more will come.
    pub fn is_over(self) -> bool {
        match self {
            Self::Starting | Self::Processing => false,
            Self::Succeeded | Self::Failed | Self::Canceled => true,
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "starting" | "queued" => Self::Starting,
            "processing" => Self::Processing,
            "succeeded" | "successful" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" | "aborted" => Self::Canceled,
            _ => return None,
        })
    }
}

/// Reads the body of a prediction, finished or not; its output is for
/// [`decode_response`](crate::wire::decode_response).
///
/// # Errors
/// `Malformed` for something else, `Upstream` for an error with the status of a success.
pub fn replicate_prediction(body: &[u8]) -> Result<Prediction, WireError> {
    let value = lenient::parse(body)?;
    let status = status(&value)?;
    let Some(id) = lenient::text(&value, "id") else {
        return Err(WireError::Malformed(
            "a prediction without an id".to_owned(),
        ));
    };
    let url = |key: &str| value.get("urls").and_then(|urls| lenient::text(urls, key));
    Ok(Prediction {
        id,
        status,
        stream_url: url("stream"),
        get_url: url("get"),
        cancel_url: url("cancel"),
    })
}

/// The status of a prediction; an error's status is a number.
pub(super) fn status(value: &Value) -> Result<PredictionStatus, WireError> {
    if let Some(word) = value.get("status").and_then(Value::as_str) {
        return PredictionStatus::of(word)
            .ok_or_else(|| WireError::Malformed(format!("a prediction that is {word:?}")));
    }
    match value.get("detail").is_some() || value.get("title").is_some() {
        true => Err(failure::in_success(value)),
        false => Err(WireError::Malformed("it is no prediction".to_owned())),
    }
}
