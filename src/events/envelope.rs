//! An event with its place in the debate.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use super::body::EventBody;
use crate::types::DebateId;
use crate::types::TurnId;

/// A durable event before the store gives it its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The phase that it happens in.
    pub phase: Option<String>,
    /// The repetition of that phase, counted from 0.
    pub round: Option<u32>,
    /// The turn that it is about.
    pub turn: Option<TurnId>,
    /// What happens.
    pub body: EventBody,
}

impl Draft {
    /// An event about the debate as a whole.
    pub fn of_debate(body: EventBody) -> Self {
        Self {
            phase: None,
            round: None,
            turn: None,
            body,
        }
    }

    /// The event in its place.
    pub fn into_envelope(self, debate: DebateId, seq: u64, ts_ms: u64) -> Envelope {
        Envelope {
            v: 1,
            debate,
            seq,
            ts_ms,
            phase: self.phase,
            round: self.round,
            turn: self.turn,
            body: self.body,
        }
    }
}

/// A durable event as it is stored and sent:
/// `{"v":1,"type":…,"debate":…,"seq":…,"ts":…,"phase":…,"round":…,"turn":…,"data":{…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the protocol: 1.
    pub v: u8,
    /// The debate.
    pub debate: DebateId,
    /// Counts up by one per debate, from 1.
    pub seq: u64,
    /// When it was stored, RFC 3339 in JSON.
    #[serde(
        rename = "ts",
        serialize_with = "timestamp",
        deserialize_with = "from_timestamp"
    )]
    pub ts_ms: u64,
    /// The phase that it happens in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The repetition of that phase, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// The turn that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// What happens: `type` and `data`.
    #[serde(flatten)]
    pub body: EventBody,
}

/// Writes milliseconds since the Unix epoch as RFC 3339 with milliseconds.
pub fn rfc3339(ts_ms: u64) -> String {
    i64::try_from(ts_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(String::new, |ts| format!("{ts:.3}"))
}

fn timestamp<S: Serializer>(ts_ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*ts_ms))
}

fn from_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let ts: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    u64::try_from(ts.as_millisecond()).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_reads_back_as_it_was_written() {
        let draft = Draft {
            phase: Some("opening".into()),
            round: Some(0),
            turn: Some(TurnId::new("t_1")),
            body: EventBody::Paused {},
        };
        let envelope = draft.into_envelope(DebateId::new("d_1"), 7, 1_763_690_000_123);
        let json = serde_json::to_string(&envelope).unwrap();
        assert!(
            json.contains(r#""ts":"2025-11-21T01:53:20.123Z""#),
            "{json}"
        );
        assert!(json.contains(r#""type":"debate.paused""#), "{json}");
        assert_eq!(serde_json::from_str::<Envelope>(&json).unwrap(), envelope);
    }
}
