//! Open models without a parser of their own write their reasoning into the text, between `<think>` and `</think>`.

use crate::types::ChatChunk;
use crate::types::Delta;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Moves what stands between the tags from a stream's text to its reasoning. Only tags at the very beginning of
/// the answer count: further on they are words that somebody writes about.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    place: Place,
    /// The end of the text so far, as long as it may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Beginning,
    Inside,
    /// The blank lines between the reasoning and the answer belong to neither.
    Between,
    Answer,
}

impl ThinkTags {
    /// Splits the next chunk's text. A chunk that ends the answer gets what was held back.
    pub(super) fn split(&mut self, chunk: &mut ChatChunk) {
        if self.place != Place::Answer && !chunk.delta.text.is_empty() {
            let text = std::mem::take(&mut chunk.delta.text);
            self.held.push_str(&text);
            self.advance(&mut chunk.delta);
        }
        if chunk.finish.is_some() {
            self.give_up(&mut chunk.delta);
        }
    }

    /// What is still held when the stream ends without saying so.
    pub(super) fn finish(&mut self) -> Option<ChatChunk> {
        let mut chunk = ChatChunk::default();
        self.give_up(&mut chunk.delta);
        (!chunk.delta.is_empty()).then_some(chunk)
    }

    fn advance(&mut self, delta: &mut Delta) {
        if self.place == Place::Beginning {
            let begun = self.held.trim_start();
            if let Some(inside) = begun.strip_prefix(OPEN) {
                self.held = inside.to_owned();
                self.place = Place::Inside;
            } else if OPEN.starts_with(begun) {
                return;
            } else {
                self.place = Place::Answer;
            }
        }
        if self.place == Place::Inside {
            match self.held.find(CLOSE) {
                Some(end) => {
                    delta.reasoning.push_str(&self.held[..end]);
                    self.held.drain(..end + CLOSE.len());
                    self.place = Place::Between;
                }
                None => {
                    let keep = possible_tag(&self.held);
                    let sure = self.held.len() - keep;
                    delta.reasoning.extend(self.held.drain(..sure));
                }
            }
        }
        if self.place == Place::Between {
            self.held = self.held.trim_start().to_owned();
            if !self.held.is_empty() {
                self.place = Place::Answer;
            }
        }
        if self.place == Place::Answer {
            delta.text.push_str(&std::mem::take(&mut self.held));
        }
    }

    fn give_up(&mut self, delta: &mut Delta) {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Beginning | Place::Between | Place::Answer => delta.text.push_str(&held),
            Place::Inside => delta.reasoning.push_str(&held),
        }
    }
}

/// How many bytes at the end may be the beginning of the closing tag.
fn possible_tag(text: &str) -> usize {
    (1..CLOSE.len())
        .rev()
        .find(|length| text.ends_with(&CLOSE[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::FinishReason;

    fn split(pieces: &[&str]) -> (String, String) {
        let mut tags = ThinkTags::default();
        let (mut text, mut reasoning) = (String::new(), String::new());
        for (index, piece) in pieces.iter().enumerate() {
            let mut chunk = ChatChunk {
                finish: (index + 1 == pieces.len()).then_some(FinishReason::Stop),
                ..ChatChunk::default()
            };
            chunk.delta.text = (*piece).to_owned();
            tags.split(&mut chunk);
            text += &chunk.delta.text;
            reasoning += &chunk.delta.reasoning;
        }
        (text, reasoning)
    }

    #[test]
    fn tags_cut_anywhere_are_found() {
        let whole = "<think>\nIs 2 < 3? </thin yes\n</think>\n\nYes <think>";
        for cut in 0..whole.len() {
            let (text, reasoning) = split(&[&whole[..cut], &whole[cut..]]);
            assert_eq!(text, "Yes <think>", "cut at {cut}");
            assert_eq!(reasoning, "\nIs 2 < 3? </thin yes\n", "cut at {cut}");
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_stays_text() {
        assert_eq!(split(&["<th", "e end>"]).0, "<the end>");
        assert_eq!(split(&["<thi"]).0, "<thi");
        assert_eq!(split(&["a <think>b</think>"]).0, "a <think>b</think>");
    }

    #[test]
    fn reasoning_that_never_ends_is_reasoning() {
        assert_eq!(
            split(&["<think>on and </th"]),
            (String::new(), "on and </th".to_owned())
        );
    }
}
