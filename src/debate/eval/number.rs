//! Numbers as people and models write them. Pure.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::debate::contract;

/// Relative difference at which two numbers are the same that could not both be written out as decimals.
const ROUNDING: f64 = 1e-9;

/// A number in an answer or a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its one spelling: a plain decimal digit by digit, anything else as the nearest float.
    text: String,
    value: f64,
    /// `false` for a fraction or a power of ten, whose spelling is rounded.
    exact: bool,
}

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    // Digits in groups of three or as they come, a power of ten, a denominator.
    Regex::new(concat!(
        r"[-+]?[$€£]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)",
        r"(?:[eE][-+]?\d+)?(?:\s?/\s?\d+)?",
    ))
    .expect("the pattern is a constant, and a test compiles it")
});

impl Number {
    /// Reads the one number that a text holds. Signs of money, groups of thousands, and words around it do not matter:
    /// `$1,234.50`, `1234.5 dollars` and `x = 1234.5` are the same.
    ///
    /// `None` when it holds none, or two that differ: choosing would be a guess.
    pub fn read(text: &str) -> Option<Self> {
        let text = text
            .replace(['\u{2212}', '\u{2013}'], "-")
            .replace("\\$", "$");
        let mut found: Option<Self> = None;
        for token in TOKEN.find_iter(&text) {
            let mut before = text[..token.start()].chars().rev();
            match (before.next(), before.next()) {
                // `1,23` is neither 1 nor 123, `10-15` is a range, `10^3` is not 10.
                (Some('0'..='9' | ','), _) | (Some('^'), Some('0'..='9')) => return None,
                // In `H2O` and `km^2` the digits are not a number of their own.
                (Some(c), _) if c.is_alphanumeric() || c == '^' || c == '_' => continue,
                (Some(_) | None, _) => {}
            }
            let number = Self::of_token(token.as_str())?;
            match &found {
                Some(first) if !first.is(&number, None) => return None,
                Some(_) => {}
                None => found = Some(number),
            }
        }
        found
    }

    /// The number of a JSON value.
    pub fn of_json(number: &serde_json::Number) -> Option<Self> {
        Self::of_token(&number.to_string())
    }

    fn of_token(token: &str) -> Option<Self> {
        let plain: String = token
            .chars()
            .filter(|c| !matches!(c, ',' | '$' | '€' | '£' | ' '))
            .collect();
        let is_decimal = plain
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        let value = match plain.split_once('/') {
            Some((over, under)) => over.parse::<f64>().ok()? / under.parse::<f64>().ok()?,
            None => plain.parse().ok()?,
        };
        if !value.is_finite() {
            return None;
        }
        let spelled = if is_decimal { plain } else { value.to_string() };
        Some(Self {
            text: contract::canonical(&serde_json::Value::String(spelled)),
            value,
            exact: is_decimal,
        })
    }

    /// The one spelling by which answers are counted.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether two numbers are the same; within `tolerance`, where one is given.
    pub fn is(&self, other: &Self, tolerance: Option<f64>) -> bool {
        if self.text == other.text {
            return true;
        }
        let apart = (self.value - other.value).abs();
        let rounded = !(self.exact && other.exact);
        let size = self.value.abs().max(other.value.abs());
        tolerance.is_some_and(|most| apart <= most) || (rounded && apart <= size * ROUNDING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Number::read(text).map(|number| number.as_str().to_owned())
    }

    #[test]
    fn one_number_is_read_however_it_is_dressed() {
        for (text, wanted) in [
            ("42", "42"),
            (" 42.0 ", "42"),
            ("$1,234.50", "1234.5"),
            ("1234.5 dollars", "1234.5"),
            ("-7", "-7"),
            ("\u{2212}7", "-7"),
            ("-$7", "-7"),
            ("\\$18", "18"),
            ("x = 12", "12"),
            ("72%", "72"),
            ("\\boxed{42}", "42"),
            ("**42**", "42"),
            ("12 km^2", "12"),
            ("3/4", "0.75"),
            ("1.5e3", "1500"),
            ("5 = 10/2", "5"),
            ("1,000,000", "1000000"),
            ("42.", "42"),
            (".5", "0.5"),
            ("the 2nd of 2", "2"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_single_number_is_none() {
        for text in [
            "",
            "forty-two",
            "1 or 2",
            "10-15",
            "between 3 and 4",
            "1,23",
            "H2O",
            "12,34,567",
            "1/0",
            "3 1/2",
            "10^3",
            "e5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_the_same_digit_by_digit_or_within_the_tolerance() {
        let number = |text: &str| Number::read(text).unwrap();
        assert!(number("1/3").is(&number("0.3333333333333333"), None));
        assert!(!number("1/3").is(&number("0.333"), None));
        assert!(number("1/3").is(&number("0.333"), Some(0.001)));
        // As floats these two are nearly equal; as written they are not.
        assert!(!number("123456789012").is(&number("123456789013"), None));
        assert!(!number("0.1").is(&number("0.11"), None));
        assert!(number("1e3").is(&number("1000"), None));
    }
}
