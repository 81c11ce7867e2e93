//! The live lane: deltas of turns in flight, and word of durable events just stored.
//!
//! A slow reader loses live events and is told so; it re-reads durable ones from the store.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::envelope::Envelope;
use crate::types::DebateId;
use crate::types::TurnId;

/// Live events that a reader may be behind before it loses some.
const LIVE_CAPACITY: usize = 1024;

/// What kind of words a delta carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeechChannel {
    /// What the speaker says.
    Speech,
    /// What it thinks.
    Reasoning,
}

/// One live event.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// New words of a turn.
    Delta {
        /// The turn.
        turn: TurnId,
        /// Speech or reasoning.
        channel: SpeechChannel,
        /// Where the words begin, in Unicode scalar values of the turn's text on this channel.
        off: u64,
        /// The words.
        text: Arc<str>,
        /// When the upstream's chunk arrived here.
        arrived: Instant,
    },
    /// A quote in the words so far was looked up.
    Quote(LiveQuote),
    /// These durable events were stored, in order.
    Stored(Arc<[Envelope]>),
}

/// A quote that was looked up as soon as it ended, in the words of a turn in flight. The durable `claim.checked` follows
/// when the turn is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveQuote {
    /// The turn.
    pub turn: TurnId,
    /// Where its opening tag begins, in Unicode scalar values of the turn's speech.
    pub from: u64,
    /// Where its closing tag ends.
    pub to: u64,
    /// Whether it stands in a source.
    pub verified: bool,
    /// The title of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The text so far of a turn in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnText {
    /// The turn.
    pub turn: TurnId,
    /// Speech or reasoning.
    pub channel: SpeechChannel,
    /// All words so far.
    pub text: String,
}

/// New words of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The turn.
    pub turn: &'a TurnId,
    /// Speech or reasoning.
    pub channel: SpeechChannel,
    /// The words.
    pub text: &'a str,
    /// When the upstream's chunk arrived here.
    pub arrived: Instant,
}

/// What a reader gets: the text so far, and everything after it.
#[derive(Debug)]
pub struct LiveSubscription {
    /// The turns in flight at the moment of subscribing.
    pub in_flight: Vec<TurnText>,
    /// The last durable event that was told of before that moment; 0 when none was.
    pub stored_seq: u64,
    /// `true` when this process runs the debate, so that its events will be told here.
    pub runs_here: bool,
    /// What comes after that moment.
    pub receiver: broadcast::Receiver<LiveEvent>,
}

/// Carries live events from the driver of a debate to its watchers.
pub trait LiveLane: Send + Sync {
    /// Adds words to a turn in flight.
    fn delta(&self, debate: &DebateId, words: Words<'_>);

    /// Forgets the words of a turn: it ended, or is asked for again.
    fn forget(&self, debate: &DebateId, turn: &TurnId);

    /// Tells of durable events that were stored, and forgets the words of turns that they end.
    fn stored(&self, debate: &DebateId, events: Arc<[Envelope]>);

    /// Passes on what was found out about a quote. Words of its turn up to its end were passed on before.
    fn quote(&self, debate: &DebateId, quote: LiveQuote);

    /// Follows a debate.
    fn subscribe(&self, debate: &DebateId) -> LiveSubscription;
}

/// The live lane within one process.
#[derive(Debug, Default)]
pub struct LiveBus {
    debates: Mutex<HashMap<DebateId, LiveDebate>>,
}

#[derive(Debug)]
struct LiveDebate {
    sender: broadcast::Sender<LiveEvent>,
    texts: BTreeMap<(TurnId, SpeechChannel), Text>,
    stored_seq: u64,
    /// Events of a debate that this process runs are still to come.
    runs_here: bool,
}

#[derive(Debug, Default)]
struct Text {
    so_far: String,
    chars: u64,
}

impl LiveDebate {
    fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(LIVE_CAPACITY),
            texts: BTreeMap::new(),
            stored_seq: 0,
            runs_here: false,
        }
    }

    fn is_idle(&self) -> bool {
        self.texts.is_empty() && !self.runs_here && self.sender.receiver_count() == 0
    }
}

impl LiveBus {
    /// Runs `act` on a debate's lane, and drops the lane when nobody needs it any more.
    fn with<T>(&self, debate: &DebateId, act: impl FnOnce(&mut LiveDebate) -> T) -> T {
        let mut debates = self.debates.lock().unwrap_or_else(PoisonError::into_inner);
        let live = debates
            .entry(debate.clone())
            .or_insert_with(LiveDebate::new);
        let result = act(live);
        if live.is_idle() {
            debates.remove(debate);
        }
        result
    }
}

impl LiveLane for LiveBus {
    fn delta(&self, debate: &DebateId, words: Words<'_>) {
        let Words {
            turn,
            channel,
            text,
            arrived,
        } = words;
        self.with(debate, |live| {
            let so_far = live.texts.entry((turn.clone(), channel)).or_default();
            let off = so_far.chars;
            so_far.so_far.push_str(text);
            so_far.chars += text.chars().count() as u64;
            // An error means that nobody watches.
            let _ = live.sender.send(LiveEvent::Delta {
                turn: turn.clone(),
                channel,
                off,
                text: text.into(),
                arrived,
            });
        });
    }

    fn quote(&self, debate: &DebateId, quote: LiveQuote) {
        self.with(debate, |live| {
            // An error means that nobody watches.
            let _ = live.sender.send(LiveEvent::Quote(quote));
        });
    }

    fn forget(&self, debate: &DebateId, turn: &TurnId) {
        self.with(debate, |live| live.texts.retain(|(of, _), _| of != turn));
    }

    fn stored(&self, debate: &DebateId, events: Arc<[Envelope]>) {
        self.with(debate, |live| {
            for event in events.iter() {
                live.stored_seq = event.seq;
                live.runs_here = !event.body.ends_debate();
                if let Some(turn) = event.turn.as_ref().filter(|_| event.body.ends_text()) {
                    live.texts.retain(|(of, _), _| of != turn);
                }
            }
            let _ = live.sender.send(LiveEvent::Stored(events));
        });
    }

    fn subscribe(&self, debate: &DebateId) -> LiveSubscription {
        // Watchers leave without a word, so lanes that only they kept are dropped when the next one comes.
        self.debates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, live| !live.is_idle());
        self.with(debate, |live| {
            let in_flight = live
                .texts
                .iter()
                .map(|((turn, channel), text)| TurnText {
                    turn: turn.clone(),
                    channel: *channel,
                    text: text.so_far.clone(),
                })
                .collect();
            LiveSubscription {
                in_flight,
                stored_seq: live.stored_seq,
                runs_here: live.runs_here,
                receiver: live.sender.subscribe(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech<'a>(turn: &'a TurnId, text: &'a str) -> Words<'a> {
        Words {
            turn,
            channel: SpeechChannel::Speech,
            text,
            arrived: Instant::now(),
        }
    }

    #[tokio::test]
    async fn a_late_reader_gets_the_text_so_far_and_then_what_follows_it() {
        let (bus, debate, turn) = (LiveBus::default(), DebateId::new("d"), TurnId::new("t_1"));
        bus.delta(&debate, speech(&turn, "häl"));
        let mut subscription = bus.subscribe(&debate);
        bus.delta(&debate, speech(&turn, "lo"));
        assert_eq!(subscription.in_flight[0].text, "häl");
        let LiveEvent::Delta { off, text, .. } = subscription.receiver.recv().await.unwrap() else {
            panic!("not a delta")
        };
        assert_eq!((off, &*text), (3, "lo"));
    }

    #[test]
    fn a_debate_that_nobody_needs_takes_no_room() {
        let (bus, debate, turn) = (LiveBus::default(), DebateId::new("d"), TurnId::new("t_1"));
        bus.delta(&debate, speech(&turn, "x"));
        bus.forget(&debate, &turn);
        assert!(bus.debates.lock().unwrap().is_empty());
    }
}
