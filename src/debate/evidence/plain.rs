//! The form in which a quote and its source are compared.

use crate::debate::fold;

/// Letters and digits in lower case, everything else one space, with one space at either end.
///
/// Apostrophes vanish instead, so that `don't` is one word however it is typed; the point or comma of a number
/// stays, so that `3.5` does not hold a `5`.
pub(super) fn normalised(text: &str) -> String {
    let mut out = String::from(" ");
    let folded = fold::folded(text);
    let mut letters = folded.chars().peekable();
    while let Some(c) = letters.next() {
        let in_number = matches!(c, '.' | ',')
            && out.ends_with(char::is_numeric)
            && letters.peek().is_some_and(|next| next.is_numeric());
        if c.is_alphanumeric() || in_number {
            out.push(c);
        } else if !out.ends_with(' ') && !matches!(c, '\'' | '\u{300}'..='\u{36f}') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// The parts of a quote that must all occur in order: what its ellipses separate. As it stands, and without the
/// marks that Markdown puts inside a line.
pub(super) fn parts(quote: &str) -> [Vec<String>; 2] {
    let mut bare = String::new();
    for line in quote.lines() {
        inline(line, &mut bare);
        bare.push('\n');
    }
    [quote, &bare].map(|text| {
        let folded = fold::folded(text).replace(". . .", "...");
        folded
            .split("...")
            .map(|part| normalised(part).trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    })
}

/// `true` when all parts occur in a normalised text one after the other, as whole words. No parts are nowhere.
pub(super) fn holds(form: &str, parts: &[String]) -> bool {
    let mut from = 0;
    for part in parts {
        match place(&form[from..], part) {
            Some(end) => from += end,
            None => return false,
        }
    }
    !parts.is_empty()
}

/// Where a part ends that occurs as whole words, in bytes.
fn place(form: &str, part: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = form[from..].find(part).map(|at| from + at) {
        let end = at + part.len();
        let begins = joined(form[..at].chars().next_back(), part.chars().next());
        let ends = joined(part.chars().next_back(), form[end..].chars().next());
        if !begins && !ends {
            return Some(end);
        }
        from = at + part.chars().next().map_or(1, char::len_utf8);
    }
    None
}

/// `true` when a cut between two characters would cut a word. Scripts that write no spaces have no such places.
fn joined(one: Option<char>, next: Option<char>) -> bool {
    let in_word = |c: Option<char>| {
        c.is_some_and(|c| c.is_lowercase() || c.is_numeric() || matches!(c, '.' | ','))
    };
    in_word(one) && in_word(next)
}

/// The words of a Markdown text without its markup.
///
/// Emphasis, code marks, headings, list numbers, tables and tags go, of a link its text stays. Text that is none
/// comes out nearly as it was; sources are therefore compared in both forms.
pub(super) fn without_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            continue;
        }
        inline(
            without_list_number(line.trim_start_matches(['>', ' '])),
            &mut out,
        );
        out.push('\n');
    }
    out
}

fn without_list_number(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = (1..=9).contains(&(line.len() - rest.len()));
    let item = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "));
    item.filter(|_| is_number).unwrap_or(line)
}

fn inline(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        rest = match c {
            // They stand inside words, too: `**wo**rd` is one word.
            '*' | '`' | '~' => tail,
            '_' if edge(out, tail) => tail,
            '\\' => match tail.chars().next() {
                Some(next) if next.is_ascii_punctuation() => {
                    out.push(next);
                    &tail[next.len_utf8()..]
                }
                Some(_) | None => {
                    out.push(' ');
                    tail
                }
            },
            '!' if tail.starts_with('[') => tail,
            '[' => match tail.strip_prefix('^').and_then(|note| note.split_once(']')) {
                Some((_, after)) => after,
                None => tail,
            },
            ']' => after_link(tail),
            '<' => match tag_end(tail) {
                Some(after) => after,
                None => {
                    out.push(' ');
                    tail
                }
            },
            '&' => entity(tail, out),
            other => {
                out.push(other);
                tail
            }
        };
    }
}

/// An underscore marks emphasis at the edge of a word only: `snake_case` holds none.
fn edge(before: &str, after: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !(word(before.chars().next_back()) && word(after.chars().next()))
}

/// Behind a link's text: leaves out `(address)` and `[reference]`.
fn after_link(tail: &str) -> &str {
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some((inner, after)) = tail
            .strip_prefix(open)
            .and_then(|rest| rest.split_once(close))
        {
            // A remark in brackets behind another one is no address.
            let address = !inner.contains(char::is_whitespace) || inner.contains(" \"");
            if address {
                return after;
            }
        }
    }
    tail
}

/// What stands behind an HTML tag or an address in angle brackets.
fn tag_end(tail: &str) -> Option<&str> {
    let (inner, after) = tail.split_once('>')?;
    let name = inner.trim_start_matches('/');
    let tag = name.starts_with(|c: char| c.is_ascii_alphabetic()) && inner.len() <= 300;
    (tag && !inner.contains('<')).then_some(after)
}

fn entity<'t>(tail: &'t str, out: &mut String) -> &'t str {
    for (name, text) in [
        ("amp;", "&"),
        ("lt;", "<"),
        ("gt;", ">"),
        ("quot;", "\""),
        ("#39;", "'"),
        ("apos;", "'"),
        ("nbsp;", " "),
    ] {
        if let Some(after) = tail.strip_prefix(name) {
            out.push_str(text);
            return after;
        }
    }
    out.push('&');
    tail
}
