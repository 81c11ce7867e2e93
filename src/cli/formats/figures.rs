//! What a format takes, as a table.

use crate::debate::format::Nominal;
use crate::debate::format::SECRET_CHARS;
use crate::debate::format::TOPIC_CHARS;
use crate::debate::format::range;
use crate::types::debate::Estimate;
use crate::types::debate::Format;

/// What the smallest cast takes, and the largest.
pub(super) fn of(format: &Format) -> Vec<String> {
    let (least, most) = range(format);
    let secrets = match format.needs_secrets().is_empty() {
        true => String::new(),
        false => format!(" and secrets of {}", thousands(SECRET_CHARS as u64)),
    };
    let mut lines = vec![format!(
        "what it takes, for a question of {TOPIC_CHARS} characters{secrets}"
    )];
    let row = |nominal: &Nominal| {
        let cast: Vec<String> = nominal
            .cast
            .iter()
            .map(|(role, count)| format!("{count} {role}"))
            .collect();
        let Estimate {
            max_calls,
            expected_calls,
            max_input_tokens,
            max_output_tokens,
            expected_input_tokens,
            expected_output_tokens,
            ..
        } = nominal.estimate;
        [
            cast.join(", "),
            pair(expected_calls, max_calls),
            pair(expected_input_tokens, max_input_tokens),
            pair(expected_output_tokens, max_output_tokens),
        ]
    };
    let head = ["cast", "calls", "tokens read", "tokens written"].map(str::to_owned);
    let mut rows = vec![head, row(&least)];
    if most != least {
        rows.push(row(&most));
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let [a, b, c] = [0, 1, 2].map(width);
    for [cast, calls, read, written] in &rows {
        lines.push(format!("  {cast:<a$}  {calls:<b$}  {read:<c$}  {written}"));
    }
    lines.push("  (what is to be expected, and what is never exceeded)".to_owned());
    lines
}

fn pair(expected: u64, most: u64) -> String {
    format!("{} / {}", thousands(expected), thousands(most))
}

/// `12,345`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
