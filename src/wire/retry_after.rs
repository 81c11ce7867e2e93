//! How long a provider asks to wait, in its dialects.

use std::time::Duration;

use super::failure::ErrorParts;
use super::failure::go_duration;
use super::failure::reset_ms;

/// Reads the headers of an error answer, the most exact first: `retry-after-ms` (float milliseconds), `retry-after`
/// (seconds, float tolerated, or an HTTP date), then the moment or span of the limit that was hit.
pub(super) fn of_headers(parts: &ErrorParts<'_>) -> Option<Duration> {
    let header = |name: &str| (parts.header)(name);
    // Azure sends 0 milliseconds beside a whole second: the longer one is meant.
    let exact = header("retry-after-ms").and_then(|text| number(&text));
    if let Some(ms) = exact.filter(|ms| *ms > 0.0) {
        return Some(Duration::from_secs_f64(ms / 1000.0));
    }
    if let Some(text) = header("retry-after") {
        return told(&text, parts.now_ms);
    }
    if parts.status == 429 {
        return reset(parts);
    }
    exact.map(|_| Duration::ZERO)
}

fn told(text: &str, now_ms: u64) -> Option<Duration> {
    if let Some(seconds) = number(text) {
        return Some(Duration::from_secs_f64(seconds));
    }
    let at = http_date(text)?;
    Some(Duration::from_millis(at.saturating_sub(now_ms)))
}

/// `OpenRouter` names the moment in epoch milliseconds, OpenAI and Groq the span in Go's form for the limit whose
/// remainder is 0.
fn reset(parts: &ErrorParts<'_>) -> Option<Duration> {
    let header = |name: &str| (parts.header)(name);
    let epoch = header("x-ratelimit-reset")
        .and_then(|text| text.trim().parse::<u64>().ok())
        .or_else(|| reset_ms(parts.body))
        // Smaller numbers are spans or seconds, of providers that do not say which.
        .filter(|at| *at > 1_000_000_000_000);
    if let Some(at_ms) = epoch {
        // The provider's own clock is better than ours for its own moment.
        let now_ms = header("date").and_then(|text| http_date(&text));
        let wait = at_ms.saturating_sub(now_ms.unwrap_or(parts.now_ms));
        return Some(Duration::from_millis(wait));
    }
    ["requests", "tokens"].into_iter().find_map(|what| {
        let left = header(&format!("x-ratelimit-remaining-{what}"))?;
        let spent = number(&left)? <= 0.0;
        let reset = header(&format!("x-ratelimit-reset-{what}"))?;
        spent.then(|| go_duration(&reset))?
    })
}

fn http_date(text: &str) -> Option<u64> {
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    u64::try_from(at.timestamp().as_millisecond()).ok()
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

    /// Headers, and the wait that they tell.
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<Duration>);

    fn wait(headers: &[(&str, &str)]) -> Option<Duration> {
        let header = |asked: &str| {
            let found = headers.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        };
        of_headers(&ErrorParts {
            status: 429,
            header: &header,
            body: b"",
            // 2026-11-20T00:00:00Z
            now_ms: 1_795_132_800_000,
        })
    }

    #[test]
    fn every_dialect_of_a_wait_is_read() {
        let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
        let cases: [Case<'_>; 12] = [
            (&[("retry-after-ms", "1500.5")], seconds(1.5005)),
            (
                &[("retry-after-ms", "0"), ("retry-after", "1")],
                seconds(1.0),
            ),
            (&[("retry-after", "7")], seconds(7.0)),
            (&[("retry-after", "0.25")], seconds(0.25)),
            (
                &[("retry-after", "Fri, 20 Nov 2026 00:00:30 GMT")],
                seconds(30.0),
            ),
            (
                &[("retry-after", "Fri, 20 Nov 2020 00:00:30 GMT")],
                seconds(0.0),
            ),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "1e300")], None),
            (&[("x-ratelimit-reset", "1795132826000")], seconds(26.0)),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "6m0.5s"),
                ],
                seconds(360.5),
            ),
            (&[("x-ratelimit-reset-requests", "17ms")], None),
        ];
        for (headers, expected) in cases {
            assert_eq!(wait(headers), expected, "{headers:?}");
        }
    }
}
