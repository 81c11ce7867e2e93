//! Where in a longer text its final answer stands. Pure.

use std::sync::LazyLock;

use regex_lite::Regex;

static MARKED: LazyLock<Regex> = LazyLock::new(|| {
    let line =
        r"(?im)^[\s*_#>]*(?:final\s+|my\s+|the\s+)*answer(?:\s+is)?[*_]*\s*[:=][*_]*\s*(\S.*)$";
    Regex::new(line).expect("the pattern is a constant, and a test compiles it")
});
static HASHES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*####\s*(\S.*)$")
        .expect("the pattern is a constant, and a test compiles it")
});
static BOXED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\\boxed\{([^{}]*)\}").expect("the pattern is a constant, and a test compiles it")
});

/// The final answer of a text: what stands behind its last `Answer:`, its last `####`, or in its last `\boxed{}`,
/// whichever comes last; the whole text when it has none of these.
pub(super) fn in_text(text: &str) -> &str {
    let marks = [&*MARKED, &*HASHES, &*BOXED];
    let last = |regex: &Regex| regex.captures_iter(text).last()?.get(1);
    let found = marks.iter().filter_map(|regex| last(regex));
    let latest = found.max_by_key(|found| found.start());
    latest.map_or(text, |found| found.as_str()).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_counts() {
        for (text, wanted) in [
            ("42", "42"),
            ("I add 40 and 2.\nAnswer: 42", "42"),
            (
                "Answer: 41\nNo: I forgot one.\n**Final answer:** 42\n",
                "42",
            ),
            ("so 6 * 7 = 42\n#### 42", "42"),
            (r"Thus \boxed{42}.", "42"),
            ("The answer is: Paris.", "Paris."),
            ("My answer = B", "B"),
        ] {
            assert_eq!(in_text(text), wanted, "{text}");
        }
        let prose = "I cannot answer: it depends.";
        assert_eq!(in_text(prose), prose);
    }
}
