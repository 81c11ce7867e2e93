//! The options that a question gives as lines of its own. Pure.

/// Longest line that names an option by itself; where one is longer, all are named by their marks.
const MAX_NAME_CHARS: usize = 200;

/// What stands before an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `A)`, `(A)`, `A.` or `A:`; counted from 0.
    Letter(usize),
    /// `1)`, `(1)` or `1.`; counted from 0.
    Digit(usize),
    /// `-`, `*` or `•`.
    Bullet,
}

struct Item<'a> {
    mark: Mark,
    name: &'a str,
    /// `true` when its text goes on in the lines below.
    goes_on: bool,
}

/// The options of a question: its last list of lines that begin with `A)`, `1.` or `-`, of two items at least. A list
/// with bullets counts only at the question's end, since bullets stand before many other things.
///
/// An option's name is its line without the mark, or the mark where the text has several lines or is long: then the
/// question itself holds the text. Empty where there is no such list.
pub(super) fn given_in(question: &str) -> Vec<String> {
    let mut lists: Vec<Vec<Item<'_>>> = Vec::new();
    let mut ends = false;
    for line in question
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let open = lists.last_mut().filter(|_| !ends);
        match (marked(line), open) {
            (Some((mark, name)), open) => {
                let item = Item {
                    mark,
                    name,
                    goes_on: false,
                };
                match open.filter(|list| follows(list, mark)) {
                    Some(list) => list.push(item),
                    None => lists.push(vec![item]),
                }
                ends = false;
            }
            (None, Some(list)) => match list.last_mut() {
                Some(last) if last.mark != Mark::Bullet => last.goes_on = true,
                Some(_) | None => ends = true,
            },
            (None, None) => {}
        }
    }
    let is_bulleted = |list: &[Item<'_>]| list.iter().all(|item| item.mark == Mark::Bullet);
    let last = lists.iter().enumerate().rev().find(|(at, list)| {
        let is_last = at + 1 == lists.len() && !ends;
        list.len() >= 2 && starts(list) && (!is_bulleted(list) || is_last)
    });
    last.map(|(_, list)| names(list)).unwrap_or_default()
}

fn starts(list: &[Item<'_>]) -> bool {
    let first = list.first().map(|item| item.mark);
    matches!(first, Some(Mark::Letter(0) | Mark::Digit(0) | Mark::Bullet))
}

fn follows(list: &[Item<'_>], mark: Mark) -> bool {
    match (list.last().map(|item| item.mark), mark) {
        (Some(Mark::Letter(last)), Mark::Letter(next))
        | (Some(Mark::Digit(last)), Mark::Digit(next)) => next == last + 1,
        (Some(Mark::Bullet), Mark::Bullet) => true,
        (Some(Mark::Letter(_) | Mark::Digit(_) | Mark::Bullet) | None, _) => false,
    }
}

/// What follows the last item may be an instruction such as "Answer with a letter", so that it does not make its text
/// one of several lines.
fn names(list: &[Item<'_>]) -> Vec<String> {
    let all_but_last = &list[..list.len().saturating_sub(1)];
    let is_long = |item: &Item<'_>| item.name.chars().count() > MAX_NAME_CHARS;
    let mut texts: Vec<String> = list.iter().map(|item| item.name.to_lowercase()).collect();
    texts.sort();
    texts.dedup();
    let by_mark = all_but_last.iter().any(|item| item.goes_on)
        || list.iter().any(is_long)
        || texts.len() < list.len();
    let name = |(at, item): (usize, &Item<'_>)| match (by_mark, item.mark) {
        (false, _) => item.name.to_owned(),
        (true, Mark::Letter(letter)) => {
            char::from(b'A' + u8::try_from(letter).unwrap_or_default()).to_string()
        }
        (true, Mark::Digit(_) | Mark::Bullet) => (at + 1).to_string(),
    };
    list.iter().enumerate().map(name).collect()
}

/// A line's mark and what stands behind it; `None` for a line that is no item.
fn marked(line: &str) -> Option<(Mark, &str)> {
    for bullet in ["- ", "* ", "• "] {
        if let Some(name) = line.strip_prefix(bullet) {
            return named(Mark::Bullet, name);
        }
    }
    let plain = line.trim_start_matches("**");
    let inner = plain.strip_prefix('(').unwrap_or(plain);
    let is_mark = |c: char| c.is_ascii_alphanumeric();
    let word = &inner[..inner.find(|c: char| !is_mark(c)).unwrap_or(inner.len())];
    let rest = &inner[word.len()..];
    let rest = rest.strip_prefix([')', '.', ':'])?;
    let rest = rest.strip_prefix("**").unwrap_or(rest);
    let name = rest.strip_prefix(char::is_whitespace)?;
    let mut chars = word.chars();
    let mark = match (chars.next()?, chars.next()) {
        (letter, None) if letter.is_ascii_alphabetic() => {
            Mark::Letter(usize::from(letter.to_ascii_uppercase() as u8 - b'A'))
        }
        _ => Mark::Digit(word.parse::<usize>().ok()?.checked_sub(1)?),
    };
    named(mark, name)
}

fn named(mark: Mark, name: &str) -> Option<(Mark, &str)> {
    let name = name.trim();
    let is_plain = !name.is_empty() && !name.chars().any(char::is_control);
    is_plain.then_some((mark, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_lettered_numbered_and_bulleted_lines() {
        for question in [
            "Which is best?\nA) trams\nB) buses\nC) bicycles",
            "Which is best?\n\n(a) trams\n(b) buses\n(c) bicycles\n\nAnswer with one letter.",
            "Which is best?\n1. trams\n2. buses\n3. bicycles",
            "Which is best?\n- trams\n- buses\n- bicycles\n",
            "Think:\n1. of cost\n2. of time\nWhich is best?\n**A.** trams\n**B.** buses\n**C:** bicycles",
            "Mind:\n- the cost\n- the time\nWhich?\n* trams\n* buses\n* bicycles",
        ] {
            assert_eq!(
                given_in(question),
                ["trams", "buses", "bicycles"],
                "{question}"
            );
        }
    }

    #[test]
    fn long_or_equal_options_are_named_by_their_marks() {
        let lines = "Which?\nA) It depends\non much.\nB) No.";
        assert_eq!(given_in(lines), ["A", "B"]);
        let long = format!("Which?\n1. {}\n2. short", "long ".repeat(60));
        assert_eq!(given_in(&long), ["1", "2"]);
        assert_eq!(given_in("Which?\n- same\n- Same"), ["1", "2"]);
    }

    #[test]
    fn what_is_no_list_of_options_gives_none() {
        for question in [
            "Is 91 prime?",
            "Which?\nA) trams",
            "Consider:\n- the cost\n- the time\nWhat now?",
            "B) trams\nC) buses",
            "3.14 is pi\n4.2 is not",
            "- \n- ",
        ] {
            assert_eq!(given_in(question), Vec::<String>::new(), "{question}");
        }
    }
}
