//! Words of all speakers in at most 30 frames a second; the first words of a turn go out at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;

use crate::events::SpeechChannel;
use crate::events::Words;
use crate::metrics::Metrics;
use crate::types::TurnId;

/// Shortest time between two frames: 30 a second.
pub(super) const WINDOW: Duration = Duration::from_millis(33);

/// Gathers words until they are due.
#[derive(Debug)]
pub(super) struct Coalescer {
    pieces: Vec<Piece>,
    /// Turns that have been heard of.
    begun: HashSet<TurnId>,
    urgent: bool,
    flushed_at: Option<Instant>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Piece {
    turn: TurnId,
    channel: SpeechChannel,
    off: u64,
    chars: u64,
    text: String,
    arrived: Instant,
}

impl Coalescer {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            pieces: Vec::new(),
            begun: HashSet::new(),
            urgent: false,
            flushed_at: None,
            metrics,
        }
    }

    /// Adds words. Those that continue a piece join it; others, after a loss, stand beside it with their own place.
    pub(super) fn push(&mut self, words: Words<'_>, off: u64) {
        let Words {
            turn,
            channel,
            text,
            arrived,
        } = words;
        let chars = text.chars().count() as u64;
        let joins = |piece: &&mut Piece| {
            piece.turn == *turn && piece.channel == channel && piece.off + piece.chars == off
        };
        if let Some(piece) = self.pieces.iter_mut().rev().find(joins) {
            piece.text.push_str(text);
            piece.chars += chars;
            return;
        }
        self.urgent |= self.begun.insert(turn.clone());
        self.pieces.push(Piece {
            turn: turn.clone(),
            channel,
            off,
            chars,
            text: text.to_owned(),
            arrived,
        });
    }

    /// Forgets a turn: it ended, or begins again.
    pub(super) fn forget(&mut self, turn: &TurnId) {
        self.begun.remove(turn);
        self.pieces.retain(|piece| piece.turn != *turn);
    }

    /// When the next frame is due; `None` when there are no words.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.pieces.first()?;
        let next = self.flushed_at.map_or(first.arrived, |at| at + WINDOW);
        Some(if self.urgent { first.arrived } else { next })
    }

    /// The data of a frame with all words so far.
    pub(super) fn take(&mut self, now: Instant) -> Option<Value> {
        if self.pieces.is_empty() {
            return None;
        }
        let free_at = if self.urgent {
            None
        } else {
            self.flushed_at.map(|at| at + WINDOW)
        };
        for piece in &self.pieces {
            let could_go = free_at.map_or(piece.arrived, |at| at.max(piece.arrived));
            self.metrics
                .relay_delay(now.saturating_duration_since(could_go));
        }
        self.flushed_at = Some(now);
        self.urgent = false;
        let delta = |piece: Piece| json!({"turn": piece.turn, "off": piece.off, "text": piece.text, "channel": piece.channel});
        let deltas: Vec<Value> = self.pieces.drain(..).map(delta).collect();
        Some(json!({ "deltas": deltas }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech<'a>(turn: &'a TurnId, text: &'a str, arrived: Instant) -> Words<'a> {
        Words {
            turn,
            channel: SpeechChannel::Speech,
            text,
            arrived,
        }
    }

    fn coalescer() -> Coalescer {
        Coalescer::new(Arc::new(Metrics::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_words_of_a_turn_go_out_at_once_and_later_ones_wait_for_the_window() {
        let (mut words, turn, start) = (coalescer(), TurnId::new("t_1"), Instant::now());
        words.push(speech(&turn, "Grü", start), 0);
        assert_eq!(words.due(), Some(start));
        words.take(start);
        tokio::time::advance(Duration::from_millis(5)).await;
        words.push(speech(&turn, "ße", Instant::now()), 3);
        words.push(speech(&turn, "!", Instant::now()), 5);
        assert_eq!(words.due(), Some(start + WINDOW));
        let data = words.take(start + WINDOW).unwrap();
        assert_eq!(
            data["deltas"],
            json!([{"turn": "t_1", "off": 3, "text": "ße!", "channel": "speech"}])
        );
        assert_eq!(words.due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn words_after_a_loss_keep_their_own_place() {
        let (mut words, turn, now) = (coalescer(), TurnId::new("t_1"), Instant::now());
        words.push(speech(&turn, "ab", now), 0);
        words.push(speech(&turn, "c", now), 9);
        let data = words.take(now).unwrap();
        assert_eq!(
            (
                data["deltas"][0]["off"].clone(),
                data["deltas"][1]["off"].clone()
            ),
            (json!(0), json!(9))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn all_speakers_share_a_frame() {
        let (mut words, now) = (coalescer(), Instant::now());
        for turn in ["t_1", "t_2"] {
            words.push(speech(&TurnId::new(turn), "x", now), 0);
        }
        assert_eq!(
            words.take(now).unwrap()["deltas"].as_array().unwrap().len(),
            2
        );
    }
}
