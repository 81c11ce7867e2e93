//! Fences: where the words of others begin and end in a request.

use crate::debate::plan;

/// Marks what others wrote for one reader.
///
/// The mark derives from the debate's seed and the reader, so that it is the same in all requests of an agent and
/// providers can cache their beginning; no writer ever sees another reader's. Where a text holds it all the same,
/// a dash goes into it, and one more into what looks like that already: [`Fence::text`] can be undone exactly,
/// and the bare mark stands nowhere but in fences.
#[derive(Debug)]
pub(super) struct Fence {
    /// A letter that no hexadecimal number holds, so that the mark cannot overlap itself.
    letter: char,
    digits: String,
}

impl Fence {
    pub(super) fn of(seed: u64, reader: &str) -> Self {
        Self {
            letter: 'q',
            digits: format!("{:08x}", plan::draw(seed, &["fence", reader]) as u32),
        }
    }

    /// The mark itself.
    pub(super) fn mark(&self) -> String {
        format!("{}{}", self.letter, self.digits)
    }

    /// A text in its fence.
    pub(super) fn around(&self, label: &str, text: &str) -> String {
        self.around_marked(label, &self.text(text))
    }

    /// A text that has been through [`Fence::text`] in its fence.
    pub(super) fn around_marked(&self, label: &str, text: &str) -> String {
        let mark = self.mark();
        let label = self.text(&one_line(label));
        format!("[quote {mark} {label}]\n{text}\n[/quote {mark}]")
    }

    /// A text that does not hold the mark.
    pub(super) fn text(&self, text: &str) -> String {
        if !text.contains(&self.digits) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len() + 8);
        let mut rest = text;
        while let Some(at) = rest.find(&self.digits) {
            let before = &rest[..at];
            out.push_str(before);
            if before.trim_end_matches('-').ends_with(self.letter) {
                out.push('-');
            }
            out.push_str(&self.digits);
            rest = &rest[at + self.digits.len()..];
        }
        out + rest
    }
}

/// A label is one line, and ends where its bracket closes.
fn one_line(label: &str) -> String {
    let plain = |c: char| match c {
        '[' => '(',
        ']' => ')',
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        c => c,
    };
    label.chars().map(plain).collect()
}
