//! Langfuse, through its OTLP address.
//!
//! Source: <https://langfuse.com/integrations/native/opentelemetry>, read 2026-11-24.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::otlp::Attribute;
use super::otlp::Value;
use super::scrub::Scrubber;
use crate::events::CallRecord;
use crate::events::rfc3339;
use crate::provider::Environment;

/// Langfuse's cloud in Europe, as its own clients take it.
const CLOUD: &str = "https://cloud.langfuse.com";

/// Where Langfuse is, and how it knows us.
#[derive(PartialEq, Eq)]
pub(super) struct Langfuse {
    pub(super) url: String,
    /// The value of `Authorization`.
    pub(super) authorization: String,
}

impl Langfuse {
    /// Reads the variables that its own clients read.
    ///
    /// # Errors
    /// Which one is missing.
    pub(super) fn of(environment: &Environment) -> Result<Self, String> {
        let key = |name| {
            let found = environment.get(name);
            found.ok_or_else(|| format!("the callback \"langfuse\" is left out: {name} is not set"))
        };
        let (public, secret) = (key("LANGFUSE_PUBLIC_KEY")?, key("LANGFUSE_SECRET_KEY")?);
        let base = ["LANGFUSE_HOST", "LANGFUSE_BASE_URL"]
            .iter()
            .find_map(|name| environment.get(name))
            .unwrap_or(CLOUD);
        let base = match base.contains("://") {
            true => base.to_owned(),
            false => format!("https://{base}"),
        };
        let pair = BASE64_STANDARD.encode(format!("{public}:{secret}"));
        Ok(Self {
            url: format!("{}/api/public/otel/v1/traces", base.trim_end_matches('/')),
            authorization: format!("Basic {pair}"),
        })
    }
}

/// Adds what makes a span a generation.
pub(super) fn add<'a>(
    call: &'a CallRecord,
    scrubber: &Scrubber,
    attributes: &mut Vec<Attribute<'a>>,
) {
    let text = |key, text| Attribute::text(key, text);
    let owned = |key, text: String| Attribute::new(key, Value::owned(text));
    attributes.push(text("langfuse.observation.type", "generation"));
    attributes.push(text("langfuse.trace.name", call.asked_for()));
    let model = call.model.model();
    attributes.push(text("langfuse.observation.model.name", model));
    attributes.push(owned("langfuse.observation.usage_details", usage(call)));
    if let Some(cost) = call.cost {
        let details = json!({ "total": cost.as_usd() });
        attributes.push(owned(
            "langfuse.observation.cost_details",
            details.to_string(),
        ));
    }
    if let Some(ttft) = call.ttft {
        let ttft_ms = u64::try_from(ttft.as_millis()).unwrap_or(u64::MAX);
        // Langfuse reads it as JSON, so a text stands between quotes.
        let at = json!(rfc3339(call.started_at_ms() + ttft_ms));
        attributes.push(owned(
            "langfuse.observation.completion_start_time",
            at.to_string(),
        ));
    }
    if let Some(principal) = &call.principal {
        attributes.push(text("langfuse.user.id", principal));
    }
    if let Some(debate) = &call.debate {
        attributes.push(text("langfuse.session.id", debate.as_str()));
    }
    if !call.tags.is_empty() {
        attributes.push(Attribute::new(
            "langfuse.trace.tags",
            Value::texts(&call.tags),
        ));
    }
    if let Some(error) = call.error {
        let words = call.error_message.as_deref().unwrap_or(error);
        let words = scrubber.scrub(words).into_owned();
        attributes.push(text("langfuse.observation.level", "ERROR"));
        attributes.push(owned("langfuse.observation.status_message", words));
    }
}

/// Tokens in buckets that Langfuse may add up: no token is in two of them.
fn usage(call: &CallRecord) -> String {
    let usage = &call.usage;
    let mut details = json!({
        "input": usage.input + usage.audio_in,
        "output": usage.output + usage.audio_out,
        "total": usage.total_tokens(),
    });
    for (name, tokens) in [
        ("input_cached_tokens", usage.cache_read),
        ("input_cache_creation", usage.cache_write),
        ("output_reasoning_tokens", usage.reasoning),
    ] {
        if tokens > 0 {
            details[name] = tokens.into();
        }
    }
    details.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Langfuse, String> {
        Langfuse::of(&pairs.iter().copied().collect())
    }

    #[test]
    fn it_is_found_where_its_own_clients_look() {
        let keys = [
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-1"),
            ("LANGFUSE_SECRET_KEY", "sk-lf-2"),
        ];
        let cloud = of(&keys).ok().unwrap();
        assert_eq!(
            cloud.url,
            "https://cloud.langfuse.com/api/public/otel/v1/traces"
        );
        assert_eq!(cloud.authorization, "Basic cGstbGYtMTpzay1sZi0y");
        for (name, value) in [
            ("LANGFUSE_HOST", "http://lf.local:3000/"),
            ("LANGFUSE_BASE_URL", "http://lf.local:3000"),
        ] {
            let own = of(&[keys[0], keys[1], (name, value)]).ok().unwrap();
            assert_eq!(own.url, "http://lf.local:3000/api/public/otel/v1/traces");
        }
        let host = of(&[keys[0], keys[1], ("LANGFUSE_HOST", "lf.example")]);
        assert!(host.ok().unwrap().url.starts_with("https://lf.example/"));
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = of(&[("LANGFUSE_PUBLIC_KEY", "pk-lf-1")]).err().unwrap();
        assert!(error.contains("LANGFUSE_SECRET_KEY is not set"), "{error}");
        assert!(!error.contains("pk-lf-1"));
    }
}
