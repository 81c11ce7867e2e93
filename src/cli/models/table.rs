//! Models in aligned columns.

use std::sync::Arc;

use crate::catalog::ModelCard;
use crate::cli::output::Output;
use crate::types::Prices;

const HEAD: [&str; 8] = [
    "MODEL", "CONTEXT", "IN $/M", "OUT $/M", "TIER", "RAM GB", "CAN", "",
];

/// Columns whose cells end at the same place.
const RIGHT: [bool; 8] = [false, true, true, true, false, true, false, false];

/// Writes a line for each model. Columns that say nothing of any of them are left out.
pub(super) fn print(cards: &[&Arc<ModelCard>], out: &mut Output) {
    let rows: Vec<[String; 8]> = cards.iter().map(|card| row(card)).collect();
    let widths = widths(&rows);
    let head = HEAD.map(str::to_owned);
    for row in std::iter::once(&head).chain(&rows) {
        out.line(&line(row, &widths));
    }
}

fn row(card: &ModelCard) -> [String; 8] {
    let prices = card.prices.as_ref();
    let price = |of: fn(&Prices) -> u64| match prices {
        None => "?".to_owned(),
        Some(prices) if prices.is_free() => "free".to_owned(),
        // A "+" says that long prompts cost more.
        Some(prices) => {
            let more = if prices.long_prompts.is_empty() {
                ""
            } else {
                "+"
            };
            format!("{}{more}", dollars(of(prices)))
        }
    };
    let can = card.capabilities.names();
    let beyond_chat: Vec<&str> = can.into_iter().filter(|name| *name != "chat").collect();
    [
        card.name.to_string(),
        card.context_tokens.map(tokens).unwrap_or_default(),
        price(|prices| prices.input),
        price(|prices| prices.output),
        card.pricing_tier.as_str().to_owned(),
        card.ram_gb.map(|ram| ram.to_string()).unwrap_or_default(),
        beyond_chat.join(" "),
        ending(card),
    ]
}

fn ending(card: &ModelCard) -> String {
    let Some(deprecated) = &card.deprecated else {
        return String::new();
    };
    let when = match (&deprecated.date, card.is_retired()) {
        (Some(date), true) => format!("retired {date}"),
        (Some(date), false) => format!("until {date}"),
        (None, _) => "deprecated".to_owned(),
    };
    match &deprecated.successor {
        Some(successor) => format!("{when}, use {successor}"),
        None => when,
    }
}

fn widths(rows: &[[String; 8]]) -> [usize; 8] {
    let mut widths = [0; 8];
    for (at, width) in widths.iter_mut().enumerate() {
        let widest = rows.iter().map(|row| row[at].chars().count()).max();
        *width = match widest.unwrap_or(0) {
            0 => 0,
            widest => widest.max(HEAD[at].len()),
        };
    }
    widths
}

fn line(row: &[String; 8], widths: &[usize; 8]) -> String {
    let mut line = String::new();
    for ((cell, width), right) in row.iter().zip(widths).zip(RIGHT) {
        if *width == 0 {
            continue;
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(&match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
    }
    line.trim_end().to_owned()
}

/// Dollars with the digits that they need, two at least behind a point.
pub(super) fn dollars(nano_usd: u64) -> String {
    let text = format!("{:.9}", nano_usd as f64 / 1e9);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.split_once('.') {
        Some((_, cents)) if cents.len() == 1 => format!("{text}0"),
        Some(_) | None => text.to_owned(),
    }
}

/// `131072` is `128k`, `1000000` is `1M`, `1050000` is `1.05M`.
pub(super) fn tokens(tokens: u64) -> String {
    let scaled = |number: f64| {
        let text = format!("{number:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let binary = |unit: u64| !tokens.is_multiple_of(1000) && tokens.is_multiple_of(unit);
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 if binary(1024) => format!("{}k", tokens / 1024),
        1_000..1_000_000 => format!("{}k", tokens / 1000),
        1_000_000.. if binary(1024 * 1024) => format!("{}M", tokens / (1024 * 1024)),
        1_000_000.. => format!("{}M", scaled(tokens as f64 / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_prices_have_the_digits_they_need() {
        for (number, text) in [
            (512, "512"),
            (8_191, "8k"),
            (131_072, "128k"),
            (128_000, "128k"),
            (1_000_000, "1M"),
            (1_048_576, "1M"),
            (1_050_000, "1.05M"),
        ] {
            assert_eq!(tokens(number), text);
        }
        for (nano, text) in [
            (5_000_000_000, "5"),
            (2_500_000_000, "2.50"),
            (3_625_000, "0.003625"),
            (0, "0"),
        ] {
            assert_eq!(dollars(nano), text);
        }
    }

    #[test]
    fn columns_are_aligned_and_an_empty_one_is_left_out() {
        let row = |cells: [&str; 8]| cells.map(str::to_owned);
        let rows = vec![
            row(["a/long-name", "8k", "1", "2.50", "budget", "", "tools", ""]),
            row(["b/x", "128k", "10", "30", "premium", "", "", ""]),
        ];
        let widths = widths(&rows);
        let lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
        assert_eq!(
            lines,
            [
                "a/long-name       8k       1     2.50  budget   tools",
                "b/x             128k      10       30  premium",
            ]
        );
    }
}
