//! Decimal numbers, read by their digits, so that no float rounds a price.

/// Reads a JSON number of USD for one token as nano-USD for a million, rounded half up; `None` for what is
/// no price: a text, a negative number, more than a million USD.
///
/// A nano-USD for a million tokens is 1e-15 USD for one: `1.25e-07` is 125 000 000.
pub fn nano_usd_per_million(json: &str) -> Option<u64> {
    scaled(json, 15)
}

/// Reads a JSON number of tokens; `None` when it is not whole and above zero.
pub fn tokens(json: &str) -> Option<u64> {
    let thousandths = scaled(json, 3)?;
    (thousandths % 1000 == 0 && thousandths > 0).then_some(thousandths / 1000)
}

/// The number times ten to the power of `shift`, rounded half up.
fn scaled(json: &str, shift: i32) -> Option<u64> {
    let (mantissa, exponent) = match json.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (json, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u128 = match digits.trim_start_matches('0') {
        "" => return Some(0),
        // No price has so many digits; the power below must not overflow.
        digits if digits.len() > 25 => return None,
        digits => digits.parse().ok()?,
    };
    let power = exponent
        .checked_add(shift)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let ten = 10u128.checked_pow(power.unsigned_abs());
    let amount = match (power >= 0, ten) {
        (true, Some(ten)) => value.checked_mul(ten)?,
        (true, None) => return None,
        (false, Some(ten)) => (value / ten) + u128::from(value % ten >= ten.div_ceil(2)),
        (false, None) => 0,
    };
    const MILLION_USD: u128 = 1_000_000_000_000_000;
    u64::try_from(amount)
        .ok()
        .filter(|amount| u128::from(*amount) <= MILLION_USD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_for_one_token_is_read_without_a_float() {
        for (json, nano) in [
            ("1.25e-07", 125_000_000),
            ("3e-05", 30_000_000_000),
            ("3E-5", 30_000_000_000),
            ("0.0000025", 2_500_000_000),
            ("0.0", 0),
            ("0", 0),
            ("3.625e-09", 3_625_000),
            ("1e-15", 1),
            ("4.9e-16", 0),
            ("5e-16", 1),
            ("1e-99", 0),
            // As a float, this is 0.000000150000000000000007.
            ("1.5e-07", 150_000_000),
        ] {
            assert_eq!(nano_usd_per_million(json), Some(nano), "{json}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for json in [
            "",
            "-1e-07",
            "null",
            "\"1\"",
            "1e",
            "e5",
            "1e99",
            "2e9999999999",
            "[1]",
        ] {
            assert_eq!(nano_usd_per_million(json), None, "{json}");
        }
    }

    #[test]
    fn tokens_are_whole_and_above_zero() {
        assert_eq!(tokens("32000.0"), Some(32_000));
        assert_eq!(tokens("1e6"), Some(1_000_000));
        for json in ["0", "0.5", "-4", "null", "\"many\""] {
            assert_eq!(tokens(json), None, "{json}");
        }
    }
}
