//! Takes credentials out of texts before they leave the process, in logs and in what is exported.
//!
//! Nothing here is the first line of defence: credentials are [`Secret`](crate::types::Secret)s and are not put into
//! texts. But an upstream's error may quote the key that it refuses, and a prompt may hold anything.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What stands in a credential's place.
const MASK: &str = "***";
/// Shortest value of a variable that is masked wherever it appears.
const MIN_KNOWN: usize = 8;
/// Shortest rest behind a prefix of a key.
const MIN_BEHIND_PREFIX: usize = 10;
/// Shortest value behind a word such as `key=`.
const MIN_BEHIND_WORD: usize = 16;

/// How keys begin that providers hand out (their documentation, read 2026-11-24).
const PREFIXES: [&str; 20] = [
    "sk-",
    "pk-lf-",
    "AIza",
    "ya29.",
    "gsk_",
    "hf_",
    "xai-",
    "r8_",
    "pplx-",
    "nvapi-",
    "csk-",
    "tgp_",
    "fw_",
    "AKIA",
    "ASIA",
    "ghp_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "eyJ",
];

/// Words behind which a credential stands.
const WORDS: [&str; 8] = [
    "key",
    "api_key",
    "apikey",
    "api-key",
    "token",
    "secret",
    "password",
    "authorization",
];

/// Parts of a variable's name that say that it holds a credential.
const SECRET_PARTS: [&str; 8] = [
    "KEY", "KEYS", "TOKEN", "SECRET", "PASSWORD", "PASS", "DSN", "SALT",
];

/// Masks credentials: those of this process's environment, and whatever looks like one. Cloning it shares the list.
#[derive(Clone, Default)]
pub struct Scrubber(Arc<Vec<String>>);

impl Scrubber {
    /// Knows the credentials that these variables hold, by their names.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let is_secret = |name: &str| {
            let upper = name.to_uppercase();
            upper.split('_').any(|part| SECRET_PARTS.contains(&part))
        };
        let mut known: Vec<String> = variables
            .iter()
            .filter(|(name, _)| is_secret(name))
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| value.len() >= MIN_KNOWN)
            .collect();
        // One value may begin with another.
        known.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        known.dedup();
        Self(Arc::new(known))
    }

    /// The text without credentials; the same one when it holds none.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for known in self.0.iter() {
            if text.contains(known.as_str()) {
                text = Cow::Owned(text.replace(known.as_str(), MASK));
            }
        }
        match masked(&text) {
            Some(masked) => Cow::Owned(masked),
            None => text,
        }
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} known credentials", self.0.len())
    }
}

/// A letter of a key.
fn is_of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '/' | '~')
}

/// The text with a mask in place of what looks like a key; `None` when nothing does.
fn masked(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut at, mut before) = (0, 0, 0..0);
    while let Some(from) = text[at..].find(is_of_key).map(|found| at + found) {
        let to = text[from..]
            .find(|letter| !is_of_key(letter))
            .map_or(text.len(), |found| from + found);
        // A sentence may end with a key.
        let to = from + text[from..to].trim_end_matches('.').len().max(1);
        if let Some(shown) = shown_of(text, before, from..to) {
            out.push_str(&text[copied..from + shown]);
            out.push_str(MASK);
            copied = to;
        }
        (at, before) = (to, from..to);
    }
    (copied > 0).then(|| {
        out.push_str(&text[copied..]);
        out
    })
}

/// How much of a word is shown when it is a key; `None` when it is none.
fn shown_of(
    text: &str,
    before: std::ops::Range<usize>,
    word: std::ops::Range<usize>,
) -> Option<usize> {
    let (earlier, between, word) = (
        &text[before.clone()],
        &text[before.end..word.start],
        &text[word],
    );
    // A path may end with a key.
    let last = word.rfind('/').map_or(0, |slash| slash + 1);
    for from in [0, last] {
        let prefix = PREFIXES
            .iter()
            .find(|prefix| word[from..].starts_with(**prefix));
        if let Some(prefix) = prefix
            && word.len() >= from + prefix.len() + MIN_BEHIND_PREFIX
        {
            return Some(from + prefix.len());
        }
    }
    let is_scheme = ["Bearer", "Basic", "bearer", "basic"].contains(&earlier) && between == " ";
    if is_scheme && word.len() >= MIN_KNOWN {
        return Some(0);
    }
    let joined = matches!(
        between,
        "=" | ":" | ": " | "\":\"" | "\": \"" | "\\\":\\\"" | "\\\": \\\""
    );
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_number = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let lower = earlier.to_lowercase();
    let is_named = WORDS.iter().any(|name| {
        lower
            .strip_suffix(name)
            .is_some_and(|start| start.is_empty() || start.ends_with(['-', '_']))
    });
    (joined && is_named && has_digit && !is_number && word.len() >= MIN_BEHIND_WORD).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(text: &str) -> String {
        Scrubber::default().scrub(text).into_owned()
    }

    #[test]
    fn what_looks_like_a_key_is_masked_wherever_it_stands() {
        for (text, clean) in [
            (
                "Incorrect API key provided: sk-proj-abcDEF1234567890. You can",
                "Incorrect API key provided: sk-***. You can",
            ),
            (
                "GET https://g.example/v1?key=AIzaSyA1234567890abcdefg&alt=sse",
                "GET https://g.example/v1?key=AIza***&alt=sse",
            ),
            (
                "authorization: Bearer abcdefgh12345",
                "authorization: Bearer ***",
            ),
            (
                r#"{"api_key":"0123456789abcdef0123456789abcdef","n":1}"#,
                r#"{"api_key":"***","n":1}"#,
            ),
            ("x-api-key=0123456789abcdef0123", "x-api-key=***"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn what_does_not_look_like_one_stays_and_is_not_copied() {
        for text in [
            "unknown key: temperature_of_the_answer",
            "input_tokens=1234567890123456789",
            "token: 12345678901234567890",
            "sk-short",
            "task-force-of-agents-and-models",
            "the answer took 812 ms, overhead 0.2 ms",
            "bytes 1234567890abcdef1234567890abcdef",
            "Schlüssel: äöü",
            "",
        ] {
            assert!(
                matches!(Scrubber::default().scrub(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn credentials_of_the_environment_are_masked_whatever_they_look_like() {
        let variables = [
            ("MY_PROXY_KEY", "correct horse battery"),
            ("SHORT_KEY", "abc"),
            ("MONKEY_NAME", "a name that stays"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let scrubber = Scrubber::of(&variables.into());
        let text = "it said correct horse battery, abc and a name that stays";
        assert_eq!(
            scrubber.scrub(text),
            "it said ***, abc and a name that stays"
        );
        assert!(!format!("{scrubber:?}").contains("horse"));
    }
}
