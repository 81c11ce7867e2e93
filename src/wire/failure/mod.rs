//! What an error answer means, from its status and typed codes; its text decides only where a provider gives
//! nothing else, and each such text is listed.

mod codes;
mod said;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

use super::WireError;
use super::retry_after;
use crate::client::LlmError;
use crate::types::Wire;
pub(super) use said::reset_ms;
pub(super) use texts::go_duration;

use codes::Class;
use said::Said;

/// An error answer as it came.
pub struct ErrorParts<'a> {
    /// The HTTP status.
    pub status: u16,
    /// A header by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The body, or its beginning.
    pub body: &'a [u8],
    /// Wall time, for waits that are given as a date.
    pub now_ms: u64,
}

/// Reads an error answer.
pub fn decode_error(wire: Wire, provider: &str, parts: &ErrorParts<'_>) -> LlmError {
    let mut said = Said::read(parts.body);
    // Bedrock tells the type in this header only, with the address of its schema behind it.
    if let Some(kind) = (parts.header)("x-amzn-errortype") {
        let name = kind.split(':').next().unwrap_or_default();
        said.codes.insert(0, name.trim().to_owned());
    }
    let wait = retry_after::of_headers(parts).or(said.wait);
    let class = class(wire, parts.status, &said);
    let mut message = match said.message.trim() {
        "" => format!("HTTP {} without a word", parts.status),
        words => redact(words),
    };
    if wire == Wire::Ollama && class == Class::ModelNotFound {
        message.push_str("; install it with: ollama pull MODEL");
    }
    LlmError::new(class.with(wait), provider, message).with_status(parts.status)
}

/// Reads an error object that stands where a success was promised.
pub(super) fn in_success(error: &Value) -> WireError {
    let said = Said::of(error);
    let told = said.status.filter(|status| (400..600).contains(status));
    let status = told.unwrap_or_else(|| said.implied_status());
    let kind = class(Wire::OpenaiChat, status, &said).with(said.wait);
    WireError::Upstream(kind, redact(said.message.trim()))
}

/// The error of a provider that gives a typed code and words, and no status of HTTP.
pub(super) fn of_code(code: &str, message: &str) -> WireError {
    let said = Said {
        codes: vec![code.to_owned()],
        message: message.to_owned(),
        wait: texts::wait(message),
        ..Said::default()
    };
    let kind = class(Wire::OpenaiChat, said.implied_status(), &said).with(said.wait);
    WireError::Upstream(kind, redact(message))
}

fn class(wire: Wire, status: u16, said: &Said) -> Class {
    let coded = said.codes.iter().find_map(|code| codes::class(code));
    let told = by_status(wire, status);
    // Some write a code that only says "an error" beside a status that says which.
    let coded = coded.filter(|class| match class {
        Class::InvalidRequest | Class::Overloaded => {
            matches!(told, Class::InvalidRequest | Class::Overloaded) || status == 429
        }
        Class::Authentication
        | Class::PermissionDenied
        | Class::ModelNotFound
        | Class::ContextLengthExceeded
        | Class::ContentFiltered
        | Class::RateLimited
        | Class::QuotaExhausted
        | Class::Timeout
        | Class::ConnectionFailed => true,
    });
    match texts::class(status, &said.message) {
        // A text is more exact than a code that says no more than the status.
        Some(exact) if coded.is_none_or(Class::is_general) => exact,
        Some(_) | None => coded.unwrap_or(told),
    }
}

fn by_status(wire: Wire, status: u16) -> Class {
    match status {
        401 => Class::Authentication,
        402 => Class::QuotaExhausted,
        403 => Class::PermissionDenied,
        404 => Class::ModelNotFound,
        408 | 504 => Class::Timeout,
        429 => Class::RateLimited,
        // Cohere's for a list of forbidden words, Groq's for a tier that is full.
        498 if wire == Wire::Cohere => Class::ContentFiltered,
        // It will not learn it by being asked again.
        501 | 505 => Class::InvalidRequest,
        409 | 424 | 425 | 498 | 500.. => Class::Overloaded,
        300..=399 => Class::ConnectionFailed,
        _ => Class::InvalidRequest,
    }
}

/// Keys and tokens that providers echo.
static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let known = [
        r"bearer\s+\S+",
        r"\b(sk|gsk|xai|pplx|nvapi|hf|key|tgp|r8|csk|fw)[-_][A-Za-z0-9*_\-]{4,}",
        r"\bAIza[A-Za-z0-9_\-]{8,}",
        r"\bA[KS]IA[A-Z0-9]{8,}",
        r"\bya29\.\S+",
        r"\beyJ[A-Za-z0-9_\-]{8,}\.\S*",
    ];
    Regex::new(&format!("(?i)({})", known.join("|"))).ok()
});

fn redact(text: &str) -> String {
    KEYS.as_ref().map_or_else(String::new, |keys| {
        keys.replace_all(text, "***").into_owned()
    })
}

impl std::fmt::Debug for ErrorParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "an error answer of status {} and {} bytes",
            self.status,
            self.body.len()
        )
    }
}
