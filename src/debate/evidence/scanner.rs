//! Finding quotes in a text, as it streams in.

use super::MAX_QUOTES;
use super::Sources;
use crate::events::QuoteCheck;

/// A quote that is longer, in characters, is taken as one that was never closed.
const MAX_QUOTE_CHARS: usize = 4_000;

/// What is shown of a quote that was never closed, in characters.
const SHOWN_CHARS: usize = 200;

/// Longest tag, in characters: `<quote source="…">` is one, too.
const MAX_TAG_CHARS: usize = 120;

/// A quote and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundQuote {
    /// Where its opening tag begins, in Unicode scalar values from the beginning of the text.
    pub from: usize,
    /// Where its closing tag ends; where it was given up, when there is none.
    pub to: usize,
    /// What was found out. A quote without an end is never verified.
    pub check: QuoteCheck,
}

/// Looks quotes up while the text that holds them is still being written.
///
/// However the text is cut into pieces, the same quotes are found. A quote that begins inside another ends the
/// outer one, unverified: nobody can tell what it was meant to hold.
#[derive(Debug)]
pub struct QuoteScanner {
    sources: Sources,
    reader: Reader,
}

impl QuoteScanner {
    /// Begins a text.
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            reader: Reader::default(),
        }
    }

    /// Takes the next piece of the text in, and returns the quotes that end in it.
    pub fn feed(&mut self, piece: &str) -> Vec<FoundQuote> {
        let mut spans = Vec::new();
        for c in piece.chars() {
            self.reader.take(c, &mut spans);
        }
        self.looked_up(spans)
    }

    /// Ends the text. Returns the quote that was never closed, if there is one.
    pub fn finish(mut self) -> Vec<FoundQuote> {
        let mut spans = Vec::new();
        self.reader.end(&mut spans);
        self.looked_up(spans)
    }

    fn looked_up(&self, spans: Vec<Span>) -> Vec<FoundQuote> {
        let checked = spans.into_iter().map(|span| FoundQuote {
            from: span.from,
            to: span.to,
            check: match span.closed {
                true => self.sources.check(&span.text),
                false => QuoteCheck {
                    text: shortened(span.text.trim()),
                    verified: false,
                    source: None,
                },
            },
        });
        checked.collect()
    }
}

/// A quote, not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    from: usize,
    to: usize,
    /// Where it ends, in bytes.
    pub(super) end: usize,
    text: String,
    closed: bool,
}

/// All quotes of a whole text.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let (mut reader, mut spans) = (Reader::default(), Vec::new());
    for c in text.chars() {
        reader.take(c, &mut spans);
    }
    reader.end(&mut spans);
    spans
}

#[derive(Debug, Default)]
struct Reader {
    /// Characters and bytes taken in so far.
    chars: usize,
    bytes: usize,
    /// What may become a tag.
    tag: String,
    /// Where that begins.
    tag_at: (usize, usize),
    open: Option<Open>,
    found: usize,
}

#[derive(Debug)]
struct Open {
    from: usize,
    text: String,
    length: usize,
}

enum Tag {
    Opens,
    Closes,
    /// It may become one.
    Unfinished,
    None,
}

impl Reader {
    fn take(&mut self, c: char, spans: &mut Vec<Span>) {
        let at = (self.chars, self.bytes);
        self.chars += 1;
        self.bytes += c.len_utf8();
        if c == '<' {
            self.give_back(spans);
            self.tag_at = at;
            self.tag.push(c);
            return;
        }
        if self.tag.is_empty() {
            return self.text(c, spans);
        }
        self.tag.push(c);
        match kind(&self.tag) {
            Tag::Unfinished => {}
            Tag::None => self.give_back(spans),
            Tag::Opens => {
                let (chars, bytes) = self.tag_at;
                self.close(false, (chars, bytes), spans);
                self.tag.clear();
                self.open = (self.found < MAX_QUOTES).then(|| Open {
                    from: chars,
                    text: String::new(),
                    length: 0,
                });
            }
            Tag::Closes => {
                self.tag.clear();
                self.close(true, (self.chars, self.bytes), spans);
            }
        }
    }

    fn end(&mut self, spans: &mut Vec<Span>) {
        self.give_back(spans);
        self.close(false, (self.chars, self.bytes), spans);
    }

    /// What looked like the beginning of a tag is text.
    fn give_back(&mut self, spans: &mut Vec<Span>) {
        for c in std::mem::take(&mut self.tag).chars() {
            self.text(c, spans);
        }
    }

    fn text(&mut self, c: char, spans: &mut Vec<Span>) {
        let Some(open) = &mut self.open else { return };
        open.text.push(c);
        open.length += 1;
        if open.length > MAX_QUOTE_CHARS {
            self.close(false, (self.chars, self.bytes), spans);
        }
    }

    fn close(&mut self, closed: bool, (to, end): (usize, usize), spans: &mut Vec<Span>) {
        if let Some(Open { from, text, .. }) = self.open.take() {
            self.found += 1;
            spans.push(Span {
                from,
                to,
                end,
                text,
                closed,
            });
        }
    }
}

/// What stands between `<` and the last character so far; letter case makes no difference.
fn kind(tag: &str) -> Tag {
    let lower = tag.to_ascii_lowercase();
    let (word, closes) = if lower.starts_with("</") {
        ("</quote", true)
    } else {
        ("<quote", false)
    };
    let Some(rest) = lower.strip_prefix(word) else {
        return if word.starts_with(&lower) {
            Tag::Unfinished
        } else {
            Tag::None
        };
    };
    let complete = rest.ends_with('>');
    let spaced = rest.is_empty() || rest.starts_with(char::is_whitespace) || rest == ">";
    match (spaced, complete) {
        (false, _) => Tag::None,
        (true, true) if closes => Tag::Closes,
        (true, true) => Tag::Opens,
        (true, false) if lower.len() > MAX_TAG_CHARS => Tag::None,
        (true, false) => Tag::Unfinished,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}\u{2026}", &text[..cut]),
        None => text.to_owned(),
    }
}
