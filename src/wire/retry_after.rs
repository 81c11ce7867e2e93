//! How long a provider asks to wait, in its dialects.

use std::time::Duration;

/// Reads `retry-after-ms` (float milliseconds), then `retry-after` (seconds, float tolerated, or an HTTP date).
pub(super) fn read(header: &dyn Fn(&str) -> Option<String>, now_ms: u64) -> Option<Duration> {
    if let Some(ms) = header("retry-after-ms").and_then(|text| number(&text)) {
        return Some(Duration::from_secs_f64(ms / 1000.0));
    }
    let text = header("retry-after")?;
    if let Some(seconds) = number(&text) {
        return Some(Duration::from_secs_f64(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim())
        .ok()?
        .timestamp()
        .as_millisecond();
    let wait_ms = u64::try_from(at).ok()?.saturating_sub(now_ms);
    Some(Duration::from_millis(wait_ms))
}

/// A wait that makes sense: not negative, at most a year.
fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|number| (0.0..=31_536_000_000.0).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_of_a_wait_is_read() {
        // 2026-11-20T00:00:00Z
        let now_ms = 1_795_132_800_000;
        let cases = [
            (
                "retry-after-ms",
                "1500.5",
                Some(Duration::from_secs_f64(1.5005)),
            ),
            ("retry-after", "7", Some(Duration::from_secs(7))),
            ("retry-after", "0.25", Some(Duration::from_millis(250))),
            (
                "retry-after",
                "Fri, 20 Nov 2026 00:00:30 GMT",
                Some(Duration::from_secs(30)),
            ),
            (
                "retry-after",
                "Fri, 20 Nov 2020 00:00:30 GMT",
                Some(Duration::ZERO),
            ),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "1e300", None),
        ];
        for (name, value, wait) in cases {
            let header = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(read(&header, now_ms), wait, "{name}: {value}");
        }
    }
}
