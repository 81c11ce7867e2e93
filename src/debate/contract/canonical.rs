//! When two answers are the same answer.

use serde_json::Value;

/// Brings an answer into the form in which voters compare it.
///
/// Letter case, spaces, a final full stop, quotes or `\boxed{}` around it, and the spelling of a number do
/// not make another answer: `" \boxed{42.0}. "` is `42`. Nothing else is taken away, so that two answers
/// that a reader would tell apart stay apart.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::String(text) => canonical_text(text),
        Value::Number(number) => canonical_text(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Pairs of signs that people and models put around an answer.
const WRAPPERS: [(&str, &str); 11] = [
    ("\\boxed{", "}"),
    ("**", "**"),
    ("$", "$"),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{ab}", "\u{bb}"),
    ("\u{201e}", "\u{201c}"),
    ("\u{201a}", "\u{2018}"),
];

const FINAL_SIGNS: [char; 8] = ['.', ',', ';', ':', '!', '?', '\u{2026}', '\u{3002}'];

fn canonical_text(text: &str) -> String {
    let folded = text.to_lowercase();
    let spaced = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut core = spaced.as_str();
    loop {
        let unwrapped = unwrapped(core.trim_end_matches(FINAL_SIGNS).trim());
        // An answer of signs alone stays what it is: "!" and "?" are not the same.
        if unwrapped.is_empty() || unwrapped == core {
            break;
        }
        core = unwrapped;
    }
    plain_number(core).unwrap_or_else(|| core.to_owned())
}

fn unwrapped(text: &str) -> &str {
    let inner = WRAPPERS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        // In `"a" or "b"` the outer signs do not belong to each other.
        (!inner.contains(open) && !inner.contains(close)).then_some(inner)
    });
    inner.map_or(text, str::trim)
}

/// The one spelling of a decimal number: digit by digit, so that no precision is lost.
fn plain_number(text: &str) -> Option<String> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let fraction = fraction.trim_end_matches('0');
    let sign = if minus && (whole != "0" || !fraction.is_empty()) {
        "-"
    } else {
        ""
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}
