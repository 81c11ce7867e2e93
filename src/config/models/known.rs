//! Keys and prefixes of `LiteLLM`'s (1.109.1, `litellm/types/router.py`, read 2026-11-24).

use crate::config::fields::Ignored;

/// Beside `model_name`, `litellm_params` and `model_info`.
pub(super) const ENTRY: Ignored = &[];

const LIMITS: &str = "rpm and tpm are the limits that are counted so far";
const BUDGETS: &str = "budgets come later";
const ALWAYS: &str = "what its provider takes is always sent; x-agon-dropped-params names the rest";
const UNIT: &str = "tokens are what is charged for";
const LOGINS: &str = "logins by role or profile come later: write an access key or a bearer token";
const CALLERS: &str = "a caller sets neither key nor address";
const CACHE: &str = "a response cache comes later";

/// Parameters that change nothing. What is neither here nor understood is sent to the model.
pub(super) const PARAMS: Ignored = &[
    ("itpm", LIMITS),
    ("otpm", LIMITS),
    ("rpd", LIMITS),
    ("tpd", LIMITS),
    ("daily_reset_time", LIMITS),
    (
        "keepalive_seconds",
        "a stream that is silent for 15 s is kept alive; before its first chunk nothing is sent, so that an error has its status",
    ),
    ("timeout_by_service_tier", "one timeout holds for all tiers"),
    ("tag_regex", "tags are compared as they are"),
    ("additional_drop_params", ALWAYS),
    ("allowed_openai_params", ALWAYS),
    ("max_budget", BUDGETS),
    ("budget_duration", BUDGETS),
    ("default_api_key_tpm_limit", BUDGETS),
    ("default_api_key_rpm_limit", BUDGETS),
    ("configurable_clientside_auth_params", CALLERS),
    (
        "merge_reasoning_content_in_choices",
        "reasoning stays apart from the answer",
    ),
    ("mock_response", "models of demo/ answer without a provider"),
    ("use_in_pass_through", "there are no pass-through paths yet"),
    (
        "use_litellm_proxy",
        "write the gateway's address as api_base",
    ),
    ("rust", "Agon is"),
    ("guardrails", "guardrails come later"),
    ("caching", CACHE),
    ("cache", CACHE),
    ("caching_groups", CACHE),
    ("litellm_trace_id", "every call has its own id"),
    ("model_config", "it belongs to the SDK"),
    ("client", "it belongs to the SDK"),
    ("logger_fn", "it belongs to the SDK"),
    ("verbose", "AGON_LOG says what is logged"),
    ("input_cost_per_second", UNIT),
    ("output_cost_per_second", UNIT),
    ("input_cost_per_pixel", UNIT),
    ("output_cost_per_pixel", UNIT),
    ("input_cost_per_character", UNIT),
    ("output_cost_per_character", UNIT),
    ("input_cost_per_query", UNIT),
    ("output_cost_per_image", UNIT),
    ("aws_profile_name", LOGINS),
    ("aws_role_name", LOGINS),
    ("aws_session_name", LOGINS),
    ("aws_web_identity_token", LOGINS),
    ("aws_sts_endpoint", LOGINS),
    ("aws_external_id", LOGINS),
    ("azure_username", LOGINS),
    ("azure_password", LOGINS),
    ("azure_ad_token_provider", LOGINS),
];

/// Prices, which are read apart from the other parameters.
pub(super) const PRICES: [&str; 7] = [
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "input_cost_per_audio_token",
    "output_cost_per_audio_token",
    "output_cost_per_reasoning_token",
];

/// Keys of `model_info` that are shown and change nothing.
pub(super) const INFO: &[(&str, &str)] = &[
    ("team_id", "teams come later"),
    ("allowed_fails", "the router's number holds for all"),
    ("allowed_fails_policy", "the router's policy holds for all"),
    ("supported_environments", "it answers in every environment"),
    ("health_check_model", "a health check asks the model itself"),
    (
        "health_check_timeout",
        "a health check has a timeout of its own",
    ),
    (
        "disable_background_health_check",
        "there are no background health checks",
    ),
    ("blocked", "take the entry out of the list instead"),
    ("discoverable", "every group is listed"),
];

/// Prefixes of `LiteLLM`'s for any server that speaks `OpenAI`'s wire, and others that no provider's file has.
const PREFIXES: [(&str, &str); 7] = [
    ("text-completion-openai", "openai"),
    ("custom_openai", "openai"),
    ("openai_like", "openai"),
    ("litellm_proxy", "openai"),
    ("aiohttp_openai", "openai"),
    ("azure_text", "azure"),
    ("vertex_ai_eu", "vertex_ai"),
];

/// `true` for a model under `LiteLLM`'s prefixes for servers with OpenAI's completions of a text (1.109, read 2026-11).
pub(super) fn completes_text(model: &str) -> bool {
    let prefix = model.split_once('/').map(|(prefix, _)| prefix);
    prefix == Some("text-completion-openai")
}

/// A model with the prefix of our provider for it.
pub(super) fn by_our_name(model: &str) -> String {
    match model.split_once('/') {
        Some((prefix, rest)) => {
            let ours = PREFIXES.iter().find(|(theirs, _)| *theirs == prefix);
            match ours {
                Some((_, ours)) => format!("{ours}/{rest}"),
                None => model.to_owned(),
            }
        }
        None => model.to_owned(),
    }
}
