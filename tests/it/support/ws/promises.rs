//! What the stream of a debate promises, checked frame by frame. No I/O: a test feeds it literal frames.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

/// Types that are not stored and have no `seq`.
const TRANSIENT: &[&str] = &[
    "hello",
    "snapshot",
    "turn.delta",
    "verdict.delta",
    "claim.live",
    "event.revealed",
    "heartbeat",
    "presence",
    "ack",
    "error",
];

/// The last durable event of a debate is one of these.
const ENDINGS: &[&str] = &["debate.finished", "debate.cancelled", "debate.failed"];

/// A turn and the channel that its words came on.
type Speech = (String, String);

/// Watches one debate, over as many connections as it takes, and notes each broken promise:
///
/// - frames are JSON objects with `v`, `type` and this debate's id; a connection begins with `hello`;
/// - a durable event has a `seq`, comes exactly once, `+1` each, and none follows the debate's end;
/// - a transient frame has none, and its `after` is not ahead of the durable events delivered;
/// - a delta's `off` is where the text so far ends, counted in Unicode scalar values; `off` 0 starts again only
///   after a reconnect (text so far, which continues what was shown) or a `turn.reset`;
/// - the text of `turn.completed` is the deltas put together; where some were lost, each that came is in its place;
/// - a completed turn gets no further delta;
/// - a command is acknowledged exactly once.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// The `seq` of the last durable event: where to resume.
    pub(crate) after: u64,
    /// Every durable event, in order.
    pub(crate) events: Vec<Value>,
    /// The promises that were broken.
    pub(crate) broken: Vec<String>,
    /// Deltas that were missing. A slow reader may lose some; any other may not.
    pub(crate) gaps: usize,
    /// Deltas that came.
    pub(crate) deltas: usize,
    /// Completed turns whose text was compared with their deltas.
    pub(crate) compared: usize,
    gaps_allowed: bool,
    debate: String,
    connections: usize,
    greeted: bool,
    heard: BTreeMap<Speech, Heard>,
    /// What may start again at 0: it was being heard when the connection was lost.
    resumable: BTreeSet<Speech>,
    completed: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    ended: bool,
}

/// What was heard of one turn on one channel.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    pieces: Vec<(usize, String)>,
    lost: bool,
}

impl Promises {
    /// A watcher that has seen the durable events up to `after`.
    pub(crate) fn of(debate: &str, after: u64) -> Self {
        Self {
            debate: debate.to_owned(),
            after,
            ..Self::default()
        }
    }

    /// The reader will be slow, so that deltas may be lost.
    pub(crate) fn allowing_gaps(mut self) -> Self {
        self.gaps_allowed = true;
        self
    }

    /// A connection was made that resumes after [`Self::after`].
    pub(crate) fn connected(&mut self) {
        self.connections += 1;
        self.greeted = false;
        self.resumable = self.heard.keys().cloned().collect();
    }

    /// The debate's id.
    pub(crate) fn debate(&self) -> &str {
        &self.debate
    }

    /// `true` when the debate's last event has come.
    pub(crate) fn is_over(&self) -> bool {
        self.ended
    }

    /// The durable events of one type.
    pub(crate) fn events_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["type"] == kind)
    }

    /// Fails the test when a promise was broken.
    #[track_caller]
    pub(crate) fn assert_kept(&self) {
        assert!(
            self.broken.is_empty(),
            "broken over {} connections:\n{}",
            self.connections,
            self.broken.join("\n")
        );
    }

    /// Takes the text of one frame, and returns it parsed.
    pub(crate) fn take(&mut self, text: &str) -> Value {
        let Ok(frame @ Value::Object(_)) = serde_json::from_str(text) else {
            self.complain(format!("not a JSON object: {text:.80}"));
            return Value::Null;
        };
        let kind = frame["type"].as_str().unwrap_or_default().to_owned();
        if frame["v"] != 1 {
            self.complain(format!("{kind}: v is {}, not 1", frame["v"]));
        }
        if frame["debate"] != *self.debate {
            self.complain(format!("{kind}: belongs to debate {}", frame["debate"]));
        }
        if !self.greeted && kind != "hello" {
            self.complain(format!("{kind}: before hello"));
        }
        self.greeted = true;
        if TRANSIENT.contains(&kind.as_str()) {
            self.take_transient(&kind, &frame);
        } else {
            self.take_durable(&kind, &frame);
        }
        frame
    }

    fn complain(&mut self, what: String) {
        self.broken.push(what);
    }

    fn take_durable(&mut self, kind: &str, frame: &Value) {
        let Some(seq) = frame["seq"].as_u64() else {
            self.complain(format!("{kind}: a durable event without seq"));
            return;
        };
        if seq <= self.after {
            self.complain(format!("{kind}: seq {seq} came before"));
            return;
        }
        if seq != self.after + 1 {
            let missing = seq - self.after - 1;
            self.complain(format!("{kind}: seq {seq}, {missing} before it missing"));
        }
        if self.ended {
            self.complain(format!("{kind}: seq {seq} follows the debate's end"));
        }
        self.after = seq;
        self.ended |= ENDINGS.contains(&kind);
        self.events.push(frame.clone());
        let turn = frame["turn"].as_str().unwrap_or_default();
        match kind {
            "turn.reset" | "turn.failed" => self.heard.retain(|(of, _), _| of != turn),
            "turn.completed" => self.compare(turn, &frame["data"]["text"]),
            _ => {}
        }
    }

    fn take_transient(&mut self, kind: &str, frame: &Value) {
        if !frame["seq"].is_null() {
            self.complain(format!("{kind}: transient, but has seq {}", frame["seq"]));
        }
        if frame["after"]
            .as_u64()
            .is_some_and(|after| after > self.after)
        {
            let (ahead, after) = (&frame["after"], self.after);
            self.complain(format!("{kind}: after {ahead}, but {after} was delivered"));
        }
        match kind {
            "turn.delta" => {
                let deltas = frame["data"]["deltas"].as_array();
                if deltas.is_none_or(Vec::is_empty) {
                    self.complain(format!("turn.delta: no data.deltas in {frame}"));
                }
                for delta in deltas.into_iter().flatten() {
                    self.take_delta(delta);
                }
            }
            "ack" => {
                let id = frame["data"]["id"].as_str().or(frame["id"].as_str());
                let id = id.unwrap_or_default().to_owned();
                if id.is_empty() || !self.acknowledged.insert(id) {
                    self.complain(format!("ack: of no command, or the second one: {frame}"));
                }
            }
            _ => {}
        }
    }

    fn take_delta(&mut self, delta: &Value) {
        let (Some(turn), Some(off), Some(text), Some(channel)) = (
            delta["turn"].as_str(),
            delta["off"].as_u64(),
            delta["text"].as_str(),
            delta["channel"].as_str(),
        ) else {
            self.complain(format!(
                "turn.delta: wants turn, off, text, channel: {delta}"
            ));
            return;
        };
        self.deltas += 1;
        if self.completed.contains(turn) {
            self.complain(format!("turn.delta: {turn} is completed already"));
            return;
        }
        let speech = (turn.to_owned(), channel.to_owned());
        let off = usize::try_from(off).expect("an offset fits into memory");
        let may_restart = self.resumable.remove(&speech);
        let heard = self.heard.entry(speech).or_default();
        if off == 0 && may_restart {
            // What one replica has sent another may not have seen yet: shorter than before is no lie.
            let continues = text.starts_with(&heard.text) || heard.text.starts_with(text);
            let was = (!heard.lost && !continues).then(|| heard.text.clone());
            *heard = Heard::default();
            heard.push(0, text);
            if let Some(was) = was {
                self.complain(format!("{turn}: {text:?} does not continue {was:?}"));
            }
            return;
        }
        let expected = heard.text.chars().count();
        let (in_place, was_lost) = (off == expected, heard.lost);
        heard.lost |= !in_place;
        heard.push(off, text);
        if was_lost || in_place {
            return;
        }
        self.gaps += 1;
        if off < expected {
            self.complain(format!("{turn}: off {off} overlaps the {expected} before"));
        } else if !self.gaps_allowed {
            self.complain(format!(
                "{turn}: off {off}, but the text ends at {expected}"
            ));
        }
    }

    fn compare(&mut self, turn: &str, text: &Value) {
        if !self.completed.insert(turn.to_owned()) {
            self.complain(format!("{turn}: completed twice"));
        }
        let Some(text) = text.as_str() else {
            self.complain(format!("{turn}: completed without text"));
            return;
        };
        let speech = (turn.to_owned(), "speech".to_owned());
        let Some(heard) = self.heard.get(&speech) else {
            return; // replayed from the log, or said in one piece
        };
        self.compared += 1;
        let in_place = |(off, piece): &(usize, String)| {
            let tail: String = text.chars().skip(*off).collect();
            tail.starts_with(piece)
        };
        let fits = if heard.lost {
            heard.pieces.iter().all(in_place)
        } else {
            heard.text == text || (self.gaps_allowed && text.starts_with(&heard.text))
        };
        if !fits {
            let streamed = &heard.text;
            self.broken.push(format!(
                "{turn}: completed as {text:?}, streamed as {streamed:?}"
            ));
        }
    }
}

impl Heard {
    fn push(&mut self, off: usize, text: &str) {
        if !self.lost {
            self.text.push_str(text);
        }
        self.pieces.push((off, text.to_owned()));
    }
}

#[cfg(test)]
mod tests;
