//! The one spelling of a number, and of a number with its unit.

/// Units, each with its other spellings. Only what means one thing: a pound may be money or a mass.
const UNITS: &[(&str, &[&str])] = &[
    ("%", &["percent", "per cent", "pct"]),
    ("km", &["kilometer", "kilometre", "kms"]),
    ("m", &["meter", "metre"]),
    ("cm", &["centimeter", "centimetre"]),
    ("mm", &["millimeter", "millimetre"]),
    ("mi", &["mile"]),
    ("ft", &["foot", "feet"]),
    ("in", &["inch", "inches"]),
    ("yd", &["yard"]),
    ("kg", &["kilogram", "kilogramme", "kgs"]),
    ("g", &["gram", "gramme"]),
    ("mg", &["milligram", "milligramme"]),
    ("t", &["tonne"]),
    ("lb", &["lbs"]),
    ("l", &["liter", "litre"]),
    ("ml", &["milliliter", "millilitre"]),
    ("s", &["sec", "secs", "second"]),
    ("min", &["mins", "minute"]),
    ("h", &["hr", "hrs", "hour"]),
    ("day", &[]),
    ("week", &["wk", "wks"]),
    ("month", &[]),
    ("year", &["yr", "yrs"]),
    (
        "km/h",
        &[
            "kmh",
            "kph",
            "km per hour",
            "kilometers per hour",
            "kilometres per hour",
        ],
    ),
    ("mph", &["mi/h", "miles per hour"]),
    ("m/s", &["meters per second", "metres per second"]),
    ("$", &["dollar", "usd", "us$", "us dollars"]),
    ("\u{20ac}", &["euro", "eur"]),
    ("\u{a3}", &["gbp"]),
    ("\u{b0}", &["degree", "deg"]),
    ("\u{b0}c", &["degrees celsius", "\u{b0} c", "celsius"]),
    ("\u{b0}f", &["degrees fahrenheit", "\u{b0} f", "fahrenheit"]),
];

/// Money that is written before its amount.
const BEFORE: [&str; 7] = ["$", "us$", "usd ", "\u{20ac}", "eur ", "\u{a3}", "gbp "];

/// More digits than this are not spelled out: `1e999999999` is not to fill the memory.
const MOST_DIGITS: i64 = 60;

/// The one spelling of a number with or without a unit, from folded text; `None` for anything else.
pub(super) fn plain_quantity(text: &str) -> Option<String> {
    if let Some(number) = plain_number(text) {
        return Some(number);
    }
    let (minus, amount) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    for sign in BEFORE {
        if let Some(number) = amount
            .strip_prefix(sign)
            .and_then(|rest| plain_number(rest.trim()))
        {
            return unit(sign.trim()).map(|unit| format!("{minus}{number} {unit}"));
        }
    }
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-' | '+');
    let end = text.find(|c| !is_part(c))?;
    let (number, rest) = (plain_number(&text[..end])?, &text[end..]);
    if let Some(unit) = unit(rest.trim()) {
        return Some(format!("{number} {unit}"));
    }
    // "1,000 apples" and "1000 apples" are the same; "007 james" is no number.
    let counts = rest.starts_with(' ') && rest.chars().all(|c| c.is_alphabetic() || c == ' ');
    let whole = !text.starts_with('0') && !text[..end].contains('/');
    (counts && whole).then(|| format!("{number}{rest}"))
}

fn unit(text: &str) -> Option<&'static str> {
    let is = |spelled: &str| {
        text == spelled || text.strip_suffix('s') == Some(spelled) && spelled.len() > 2
    };
    UNITS
        .iter()
        .find(|(unit, others)| is(unit) || others.iter().any(|other| is(other)))
        .map(|(unit, _)| *unit)
}

/// The one spelling of a number alone: digit by digit, so that no precision is lost.
fn plain_number(text: &str) -> Option<String> {
    if let Some((above, below)) = text.split_once('/') {
        return fraction(above.trim(), below.trim());
    }
    let (mantissa, power) = match text.split_once(['e', '\u{d7}']) {
        Some((mantissa, power)) => (mantissa.trim(), exponent(text, power.trim())?),
        None => (text, 0),
    };
    let (minus, digits) = signed(mantissa);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = without_commas(whole)?;
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !all_digits(&whole) || !all_digits(part) {
        return None;
    }
    let (whole, part) = moved(&whole, part, power)?;
    Some(spelled(minus, &whole, &part))
}

fn exponent(text: &str, power: &str) -> Option<i64> {
    let power = if text.contains('\u{d7}') {
        power.strip_prefix("10^")?
    } else {
        power
    };
    let inner = power
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let (minus, digits) = signed(inner.unwrap_or(power));
    let plain =
        !digits.is_empty() && digits.len() <= 3 && digits.chars().all(|c| c.is_ascii_digit());
    let size: i64 = plain.then(|| digits.parse().ok()).flatten()?;
    (size <= MOST_DIGITS).then_some(if minus { -size } else { size })
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Takes the commas out of `1,234,567`; commas anywhere else make it no number.
fn without_commas(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut digits = first.to_owned();
    let mut grouped = false;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        grouped = true;
        digits.push_str(group);
    }
    (!grouped || (1..=3).contains(&first.len())).then_some(digits)
}

/// Moves the point by a power of ten.
fn moved(whole: &str, part: &str, power: i64) -> Option<(String, String)> {
    let digits = format!("{whole}{part}");
    let point = whole.len() as i64 + power;
    if power != 0 && digits.len() as i64 > MOST_DIGITS {
        return None;
    }
    let (mut whole, mut part) = (String::new(), String::new());
    for _ in point..0 {
        part.push('0');
    }
    for (place, digit) in digits.chars().enumerate() {
        if (place as i64) < point {
            whole.push(digit);
        } else {
            part.push(digit);
        }
    }
    for _ in digits.len() as i64..point {
        whole.push('0');
    }
    Some((whole, part))
}

fn spelled(minus: bool, whole: &str, part: &str) -> String {
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let part = part.trim_end_matches('0');
    let sign = if minus && (whole != "0" || !part.is_empty()) {
        "-"
    } else {
        ""
    };
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

/// A fraction in its lowest terms; as a decimal number where that ends.
fn fraction(above: &str, below: &str) -> Option<String> {
    let (minus, above) = signed(above);
    let number = |text: &str| {
        let short = !text.is_empty() && text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit());
        short.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (above, below) = (number(above)?, number(below).filter(|below| *below > 0)?);
    let divisor = greatest_common_divisor(above, below);
    let (above, below) = (above / divisor, below / divisor);
    let mut odd = below;
    for prime in [2, 5] {
        while odd % prime == 0 {
            odd /= prime;
        }
    }
    if odd != 1 {
        let sign = if minus { "-" } else { "" };
        return Some(format!("{sign}{above}/{below}"));
    }
    let (mut part, mut rest) = (String::new(), above % below);
    while rest != 0 {
        rest *= 10;
        part.push_str(&(rest / below).to_string());
        rest %= below;
    }
    Some(spelled(minus, &(above / below).to_string(), &part))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a.max(1)
    } else {
        greatest_common_divisor(b, a % b)
    }
}
