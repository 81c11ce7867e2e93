//! When two answers are the same answer.

use serde_json::Value;

use super::number::plain_quantity;
use crate::debate::fold;

/// Brings an answer into the form in which voters compare it.
///
/// These make no other answer:
/// - letter case, spaces, invisible characters, full-width and other compatibility forms;
/// - a final full stop or other sign; quotes, `**`, backquotes, brackets, `$…$`, `\(…\)`, `\boxed{…}`,
///   `\text{…}` around it; the bracket of `B)`;
/// - the spelling of a number: `1,000`, `1000`, `1000.0`, `+1000`, `1e3` and `1 \times 10^3`; a fraction that ends,
///   `1/2`, `\frac{2}{4}` and `0.5`, and any other one in its lowest terms;
/// - the spelling of a unit: `10km`, `10 km` and `10 kilometres`; `$5`, `5 dollars` and `USD 5`; `50%`, `50 %` and
///   `50 percent`.
///
/// Nothing else is taken away, so that two answers that a reader would tell apart stay apart: `10 km` and `10`,
/// `50%` and `0.5`, `1,5` and `1.5`. No unit is ever converted.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::String(text) => canonical_text(text),
        Value::Number(number) => canonical_text(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Pairs of signs that people and models put around an answer.
const WRAPPERS: [(&str, &str); 12] = [
    ("\\boxed{", "}"),
    ("\\text{", "}"),
    ("\\mathrm{", "}"),
    ("\\textbf{", "}"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("**", "**"),
    ("$", "$"),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("(", ")"),
];

const FINAL_SIGNS: [char; 8] = ['.', ',', ';', ':', '!', '?', '\u{2026}', '\u{3002}'];

/// Folding can bring up what the next folding changes again, so it goes on until nothing changes.
const ENOUGH: usize = 8;

fn canonical_text(text: &str) -> String {
    let mut now = once(text);
    for _ in 0..ENOUGH {
        let next = once(&now);
        if next == now {
            break;
        }
        now = next;
    }
    now
}

fn once(text: &str) -> String {
    let core = unwrapped(&plain_latex(&fold::folded(text)));
    let core = core.strip_suffix(')').map_or(core.as_str(), |letter| {
        let is_letter = letter.chars().count() == 1 && letter.chars().all(char::is_alphabetic);
        if is_letter { letter } else { core.as_str() }
    });
    plain_quantity(core).unwrap_or_else(|| core.to_owned())
}

/// Takes away what stands around an answer; letter case stays.
pub(super) fn unwrapped(text: &str) -> String {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut core = spaced.as_str();
    loop {
        let inner = without_wrapper(core.trim_end_matches(FINAL_SIGNS).trim());
        // An answer of signs alone stays what it is: "!" and "?" are not the same.
        if inner.is_empty() || inner == core {
            break;
        }
        core = inner;
    }
    core.to_owned()
}

fn without_wrapper(text: &str) -> &str {
    let inner = WRAPPERS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        // In `"a" or "b"` the outer signs do not belong to each other.
        let own = if open.ends_with('{') {
            balanced(inner)
        } else {
            !inner.contains(open)
        };
        (own && (open.ends_with('{') || !inner.contains(close))).then_some(inner)
    });
    inner.map_or(text, str::trim)
}

/// `true` when every brace in it has its partner in it, so that the ones around it are partners too.
fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Resolves the LaTeX that models write numbers in; text without a backslash or brace is left alone.
fn plain_latex(text: &str) -> String {
    if !text.contains(['\\', '{']) {
        return text.to_owned();
    }
    let mut text = fractions(text);
    for (latex, plain) in [
        ("{,}", ","),
        ("\\left", ""),
        ("\\right", ""),
        ("\\,", ""),
        ("\\!", ""),
        ("\\;", " "),
        ("\\ ", " "),
        ("\\%", "%"),
        ("\\$", "$"),
        ("\\times", "\u{d7}"),
        ("\\cdot", "\u{d7}"),
        ("^{\\circ}", "\u{b0}"),
        ("^\\circ", "\u{b0}"),
    ] {
        text = text.replace(latex, plain);
    }
    text
}

/// `\frac{a}{b}` as `a/b`, for plain numbers above and below.
fn fractions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["\\dfrac", "\\tfrac", "\\frac"]
        .iter()
        .filter_map(|word| rest.find(word))
        .min()
    {
        let after = rest[at..]
            .find("frac")
            .map_or(rest.len(), |word| at + word + 4);
        let parts = braced_digits(&rest[after..]).and_then(|(above, tail)| {
            let (below, tail) = braced_digits(tail)?;
            Some((above, below, tail))
        });
        match parts {
            Some((above, below, tail)) => {
                out.push_str(&rest[..at]);
                // Behind a digit it is a mixed number, which is not a longer one.
                if out.ends_with(|c: char| c.is_ascii_digit()) {
                    out.push(' ');
                }
                out.push_str(&format!("{above}/{below}"));
                rest = tail;
            }
            None => {
                out.push_str(&rest[..after]);
                rest = &rest[after..];
            }
        }
    }
    out + rest
}

fn braced_digits(text: &str) -> Option<(&str, &str)> {
    let (inner, tail) = text.strip_prefix('{')?.split_once('}')?;
    (!inner.is_empty() && inner.chars().all(|c| c.is_ascii_digit())).then_some((inner, tail))
}
