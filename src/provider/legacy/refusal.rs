//! A provider's own account of why it did not answer, and how long to wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

use crate::client::LlmErrorKind;
use crate::types::Clock;

/// A failure that the provider reported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What the caller can do.
    pub(super) kind: LlmErrorKind,
    /// The provider's words; may be empty.
    pub(super) message: String,
}

/// The class that a status alone gives, where the body says nothing more exact.
pub(super) fn class_of_status(status: u16, retry_after: Option<Duration>) -> LlmErrorKind {
    match status {
        401 => LlmErrorKind::Authentication,
        402 => LlmErrorKind::QuotaExhausted,
        403 => LlmErrorKind::PermissionDenied,
        404 => LlmErrorKind::ModelNotFound,
        429 => LlmErrorKind::RateLimited { retry_after },
        // 408 and 409 are passing troubles on the provider's side: a timeout there and a lock.
        408 | 409 | 500.. => LlmErrorKind::Overloaded { retry_after },
        400..=499 => LlmErrorKind::InvalidRequest,
        _ => LlmErrorKind::MalformedResponse,
    }
}

/// Reads how long the provider asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let milliseconds = text("retry-after-ms")
        .and_then(|value| value.trim().parse::<f64>().ok())
        .and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    milliseconds.or_else(|| text("retry-after").and_then(|value| seconds_or_date(value, clock)))
}

fn seconds_or_date(value: &str, clock: &Clock) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at: Timestamp = rfc2822::parse(value).ok()?.timestamp();
    let at_ms = u64::try_from(at.as_millisecond()).ok()?;
    Some(Duration::from_millis(at_ms.saturating_sub(clock.now_ms())))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderName;

    use super::*;

    fn asked(name: &'static str, value: &str) -> Option<Duration> {
        // 2026-11-01T00:00:00Z.
        let clock = Clock::starting_at(1_793_491_200_000);
        let headers = [(HeaderName::from_static(name), value.parse().unwrap())];
        retry_after(&headers.into_iter().collect(), &clock)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_read_in_all_the_forms_that_the_providers_use() {
        assert_eq!(
            asked("retry-after-ms", "1500"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(asked("retry-after", "39"), Some(Duration::from_secs(39)));
        assert_eq!(
            asked("retry-after", "0.25"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            asked("retry-after", "Sun, 01 Nov 2026 00:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_over_is_zero_and_nonsense_is_none() {
        assert_eq!(
            asked("retry-after", "Sun, 01 Nov 2020 00:00:30 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(asked("retry-after", "-3"), None);
        assert_eq!(asked("retry-after", "soon"), None);
    }

    #[test]
    fn every_status_has_a_class() {
        let quota = class_of_status(402, None);
        assert_eq!(quota, LlmErrorKind::QuotaExhausted);
        let overloaded = LlmErrorKind::Overloaded { retry_after: None };
        for status in [408, 409, 500, 502, 503, 504, 529] {
            assert_eq!(class_of_status(status, None), overloaded, "{status}");
        }
        assert_eq!(class_of_status(413, None), LlmErrorKind::InvalidRequest);
        assert_eq!(class_of_status(302, None), LlmErrorKind::MalformedResponse);
    }
}
