//! Dollars per million tokens, read exactly.

use toml::de::DeValue;

/// Digits behind the decimal point that a nano-dollar allows.
const DIGITS: usize = 9;

/// Reads a price in USD per million tokens, a number or a text, as nano-USD per million tokens.
///
/// The digits themselves are read, never a float made of them: 0.003625 is exactly 3 625 000.
///
/// # Errors
///
/// Says what is wrong with it.
pub(super) fn nano_usd(value: &DeValue<'_>) -> Result<u64, String> {
    match value {
        DeValue::String(text) => parse(text),
        DeValue::Integer(number) if number.radix() == 10 => parse(number.as_str()),
        DeValue::Float(number) => parse(number.as_str()),
        other => Err(format!("a price is a number, not {}", other.type_str())),
    }
}

fn parse(text: &str) -> Result<u64, String> {
    let invalid = || {
        format!(
            "\"{text}\" is not a price: write USD per million tokens as a plain decimal, such as 0.15"
        )
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(invalid());
    }
    if fraction.len() > DIGITS {
        return Err(format!(
            "\"{text}\" has more than {DIGITS} digits behind the point: a price is counted in billionths of a dollar"
        ));
    }
    format!("{whole}{fraction:0<DIGITS$}")
        .parse()
        .map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_digit_by_digit() {
        for (text, nano) in [
            ("0", 0),
            ("5", 5_000_000_000),
            ("0.003625", 3_625_000),
            ("22.5", 22_500_000_000),
            ("0.000000001", 1),
        ] {
            assert_eq!(parse(text), Ok(nano), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "1e3",
            ".5",
            "free",
            "1.0.0",
            "99999999999",
            "0.0000000001",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
