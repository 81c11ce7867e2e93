//! Keys of `LiteLLM`'s sections that change nothing here, and why (its documentation and sources, 1.109.1, read
//! 2026-11-24).

use crate::config::fields::Ignored;

const CACHE: &str = "a response cache comes later";
const REDIS: &str = "each process counts by itself; sharing over Redis comes later";
const BUDGETS: &str = "keys, teams and budgets come later";
const GUARDRAILS: &str = "guardrails come later";
const DATABASE: &str = "SQLite keeps what Agon keeps, and needs no such setting";
const SDK: &str = "it belongs to the Python SDK";
const TLS: &str = "certificates are always checked, by the system's roots and Mozilla's";
const ONE_PROCESS: &str = "one process serves on all cores";
const HEALTH: &str = "background health checks come later; cooldowns and probes find out by calls";
const ALERTS: &str = "alerts come later: /metrics has what they need";
const LOGINS: &str = "the master key is the only login so far";
const UI: &str = "it belongs to LiteLLM's pages";
const ALWAYS: &str = "Agon always does";
const FILES: &str = "files and batches come later";
const PASSING: &str = "pass-through paths come later";
const HEADERS: &str = "only what a call needs is passed on";

/// Sections.
pub(in crate::config) const SECTIONS: Ignored = &[
    ("guardrails", GUARDRAILS),
    ("mcp_servers", "MCP servers come later"),
    ("mcp_tools", "MCP servers come later"),
    ("callback_settings", "callbacks are set by variables"),
    ("files_settings", FILES),
    ("finetune_settings", FILES),
    ("assistant_settings", "assistants are not served"),
    ("vector_store_registry", "vector stores come later"),
    ("search_tools", "search tools come later"),
    ("prompts", "stored prompts come later"),
    ("worker_registry", ONE_PROCESS),
    ("litellm_jwtauth", LOGINS),
    ("agent_list", "agents are not served"),
];

/// Keys of `routing_strategy_args`.
pub(super) const STRATEGY_ARGS: Ignored = &[
    ("rpm", "a deployment's rpm holds for every strategy"),
    ("tpm", "a deployment's tpm holds for every strategy"),
];

/// Items of `optional_pre_call_checks`.
pub(super) const CHECKS: Ignored = &[
    (
        "enforce_model_rate_limits",
        "a deployment's rpm and tpm always hold",
    ),
    ("router_budget_limiting", BUDGETS),
    (
        "responses_api_deployment_check",
        "the Responses API is served without state",
    ),
    ("forward_client_headers_by_model_group", HEADERS),
    (
        "encrypted_content_affinity",
        "reasoning goes back to the deployment that the caller's session has",
    ),
];

/// Keys of `router_settings`.
pub(super) const ROUTER_SETTINGS: Ignored = &[
    ("redis_host", REDIS),
    ("redis_port", REDIS),
    ("redis_password", REDIS),
    ("redis_url", REDIS),
    ("redis_db", REDIS),
    ("cache_responses", CACHE),
    ("caching_groups", CACHE),
    ("cache_kwargs", CACHE),
    ("client_ttl", "connections are reused as long as they stand"),
    ("provider_budget_config", BUDGETS),
    (
        "enable_weighted_failover",
        "a retry always goes to another deployment",
    ),
    (
        "enable_mid_stream_fallback_continuation",
        "a stream that breaks ends with an error; nothing is sewn on",
    ),
    (
        "fallback_on_unsupported_params",
        "x-agon-dropped-params tells what a model does not take",
    ),
    ("enable_health_check_routing", HEALTH),
    ("health_check_staleness_threshold", HEALTH),
    ("tag_routing_prefix", "tags are compared as they are"),
    ("routing_groups", "a group is what has one model_name"),
    ("set_verbose", "AGON_LOG says what is logged"),
    ("debug_level", "AGON_LOG says what is logged"),
    ("model_list", "the model list stands at the top of the file"),
    ("alerting_config", ALERTS),
    ("assistants_config", "assistants are not served"),
    ("router_general_settings", SDK),
    (
        "ignore_invalid_deployments",
        "an entry without a known provider is left out and told",
    ),
    ("polling_interval", SDK),
    ("default_priority", "calls have no priorities"),
    (
        "default_litellm_params",
        "write them into the entries, with a YAML anchor",
    ),
    ("max_retries", "num_retries holds"),
    (
        "include_fallback_errors",
        "POST /api/v1/route/explain tells what was tried",
    ),
    ("default_num_retries", "num_retries holds"),
    ("guardrail_list", GUARDRAILS),
    ("search_tools", "search tools come later"),
];

/// Keys of `litellm_settings`.
pub(super) const LITELLM_SETTINGS: Ignored = &[
    ("set_verbose", "AGON_LOG says what is logged"),
    ("cache_params", CACHE),
    ("enable_caching_on_provider_specific_optional_params", CACHE),
    ("disable_copilot_system_to_assistant", SDK),
    ("redact_user_api_key_info", "keys are in no log"),
    (
        "modify_params",
        "what a model does not take is left out and told",
    ),
    ("service_callback", "/metrics has the service's own figures"),
    ("audit_log_callbacks", "audit logs come later"),
    ("max_budget", BUDGETS),
    ("budget_duration", BUDGETS),
    ("max_internal_user_budget", BUDGETS),
    ("internal_user_budget_duration", BUDGETS),
    ("max_end_user_budget", BUDGETS),
    ("max_end_user_budget_id", BUDGETS),
    ("default_internal_user_params", BUDGETS),
    ("default_team_params", BUDGETS),
    ("default_team_settings", BUDGETS),
    ("default_key_generate_params", BUDGETS),
    ("upperbound_key_generate_params", BUDGETS),
    ("key_generation_settings", BUDGETS),
    ("default_user_params", BUDGETS),
    ("ssl_verify", TLS),
    ("ssl_certificate", TLS),
    ("ssl_security_level", TLS),
    ("force_ipv4", "both versions of IP are tried"),
    (
        "cost_discount_config",
        "prices of an entry stand at the entry",
    ),
    (
        "cost_margin_config",
        "prices of an entry stand at the entry",
    ),
    ("return_response_headers", ALWAYS),
    ("enable_redis_auth_cache", REDIS),
    ("network_mock", SDK),
    ("telemetry", "Agon calls nobody by itself"),
    (
        "custom_provider_map",
        "a provider is a TOML file: see docs/adding-a-model.md",
    ),
    ("forward_traceparent_to_llm_provider", HEADERS),
    ("store_audit_logs", "audit logs come later"),
    ("langfuse_default_tags", "tags are those of the call"),
    ("public_model_groups", UI),
    ("public_model_groups_links", UI),
    ("disable_end_user_cost_tracking", BUDGETS),
    ("disable_end_user_cost_tracking_prometheus_only", BUDGETS),
    (
        "prometheus_metrics_config",
        "the names and labels of /metrics are fixed",
    ),
    ("prometheus_initialize_budget_metrics", BUDGETS),
    (
        "custom_prometheus_metadata_labels",
        "the names and labels of /metrics are fixed",
    ),
    ("disable_add_transform_inline_image_block", SDK),
    ("disable_hf_tokenizer_download", SDK),
    (
        "enable_json_schema_validation",
        "an answer's schema is the provider's to keep",
    ),
    ("enable_preview_features", SDK),
    (
        "model_alias_map",
        "write model_group_alias into router_settings",
    ),
    ("num_retries_per_request", "num_retries holds"),
    ("suppress_debug_info", "AGON_LOG says what is logged"),
    ("verbose_logger", "AGON_LOG says what is logged"),
    ("add_function_to_prompt", SDK),
    ("allow_dynamic_callback_disabling", SDK),
    ("datadog_params", "it is not known as a callback"),
    ("s3_callback_params", "it is not known as a callback"),
    ("aws_sqs_callback_params", "it is not known as a callback"),
    ("gcs_pub_sub_use_v1", "it is not known as a callback"),
    ("guardrails", GUARDRAILS),
    ("mcp_aliases", "MCP servers come later"),
    ("credential_list", "it stands at the top of the file"),
    ("token", SDK),
    ("api_base", "write it into the entries"),
    ("organization", "write it into the entries"),
    ("api_version", "write it into the entries"),
    (
        "user_url_validation",
        "a caller's addresses are always checked",
    ),
    (
        "disable_stream_options",
        "usage is asked for where a provider tells it only then",
    ),
];

/// Keys of `general_settings`.
pub(super) const GENERAL_SETTINGS: Ignored = &[
    ("database_connection_pool_limit", DATABASE),
    ("database_connection_timeout", DATABASE),
    ("database_connection_pool_timeout", DATABASE),
    ("database_max_idle_connection_lifetime", DATABASE),
    ("database_type", DATABASE),
    ("database_args", DATABASE),
    ("store_prompts_in_spend_logs", "prompts are not stored"),
    ("disable_spend_logs", BUDGETS),
    ("disable_spend_updates", BUDGETS),
    ("disable_error_logs", BUDGETS),
    ("disable_master_key_return", ALWAYS),
    ("disable_reset_budget", BUDGETS),
    ("disable_adding_master_key_hash_to_db", ALWAYS),
    ("proxy_batch_write_at", DATABASE),
    ("proxy_budget_rescheduler_min_time", BUDGETS),
    ("proxy_budget_rescheduler_max_time", BUDGETS),
    ("proxy_batch_polling_interval", FILES),
    (
        "proxy_config_reload_interval_seconds",
        "the file is read again when it changes",
    ),
    ("user_api_key_cache_ttl", BUDGETS),
    ("user_api_key_cache_max_size", BUDGETS),
    ("use_redis_transaction_buffer", REDIS),
    ("coordination_redis", REDIS),
    (
        "allow_requests_on_db_unavailable",
        "no call waits for the database",
    ),
    ("fail_closed_rate_limit_enforcement", BUDGETS),
    ("fail_closed_budget_enforcement", BUDGETS),
    ("disable_budget_reservation", BUDGETS),
    ("max_parallel_requests", BUDGETS),
    ("global_max_parallel_requests", BUDGETS),
    ("max_in_flight_requests_per_worker", ONE_PROCESS),
    ("max_queued_requests_per_worker", ONE_PROCESS),
    ("admission_queue_timeout_seconds", ONE_PROCESS),
    ("max_response_size_mb", "answers pass as they come"),
    ("cancel_on_disconnect", ALWAYS),
    ("background_health_checks", HEALTH),
    ("health_check_interval", HEALTH),
    ("health_check_concurrency", HEALTH),
    (
        "health_check_details",
        "the report with the master key always has them",
    ),
    ("enable_health_check_routing", HEALTH),
    ("model_list_healthy_only", HEALTH),
    ("alerting", ALERTS),
    ("alerting_threshold", ALERTS),
    ("alerting_args", ALERTS),
    ("alert_types", ALERTS),
    ("alert_to_webhook_url", ALERTS),
    ("spend_report_frequency", ALERTS),
    ("custom_auth", "there is no Python inside"),
    ("custom_key_generate", "there is no Python inside"),
    ("custom_sso", "there is no Python inside"),
    ("enable_jwt_auth", LOGINS),
    ("litellm_jwtauth", LOGINS),
    ("enable_oauth2_auth", LOGINS),
    ("enable_oauth2_proxy_auth", LOGINS),
    ("oauth2_config_mappings", LOGINS),
    ("allowed_routes", LOGINS),
    ("public_routes", LOGINS),
    ("admin_only_routes", LOGINS),
    ("allowed_ips", "let the load balancer choose who comes in"),
    (
        "use_x_forwarded_for",
        "let the load balancer choose who comes in",
    ),
    ("service_account_settings", LOGINS),
    ("pass_through_endpoints", PASSING),
    ("pass_through_request_timeout", PASSING),
    ("forward_client_headers_to_llm_api", HEADERS),
    ("forward_openai_org_id", HEADERS),
    ("user_header_mappings", BUDGETS),
    ("user_header_name", BUDGETS),
    ("enforce_user_param", BUDGETS),
    ("enforced_params", BUDGETS),
    ("reject_clientside_metadata_tags", BUDGETS),
    ("allow_user_auth", LOGINS),
    (
        "allow_client_side_credentials",
        "a caller sets neither key nor address",
    ),
    ("ui_access_mode", UI),
    ("ui_settings", UI),
    ("custom_ui_sso_sign_in_handler", UI),
    ("default_team_disabled", BUDGETS),
    ("maximum_spend_logs_retention_period", BUDGETS),
    ("maximum_spend_logs_retention_interval", BUDGETS),
    ("maximum_spend_logs_cleanup_cron", BUDGETS),
    ("maximum_spend_logs_size", BUDGETS),
    ("use_spend_logs_partitioning", BUDGETS),
    ("completion_model", "the caller names the model"),
    ("embedding_model", "the caller names the model"),
    ("image_generation_model", "the caller names the model"),
    ("moderation_model", "the caller names the model"),
    (
        "infer_model_from_keys",
        "write the models into the model list",
    ),
    (
        "key_management_system",
        "secrets come from variables and from files, file:/path",
    ),
    (
        "key_management_settings",
        "secrets come from variables and from files, file:/path",
    ),
    (
        "use_google_kms",
        "secrets come from variables and from files, file:/path",
    ),
    (
        "use_azure_key_vault",
        "secrets come from variables and from files, file:/path",
    ),
    (
        "sse_keepalive_ping_interval_seconds",
        "a stream that is silent for 15 s is kept alive; before its first chunk nothing is sent, so that an error has its status",
    ),
    (
        "always_include_stream_usage",
        "usage is sent to who asks for it",
    ),
    ("include_call_id_in_error_body", "x-litellm-call-id has it"),
    (
        "user_url_validation",
        "a caller's addresses are always checked",
    ),
    ("user_url_allowed_hosts", "write llm.allowed_api_bases"),
    (
        "enforce_fallback_model_access",
        "a plan holds for fallbacks, too",
    ),
    ("enforce_fallback_budget", BUDGETS),
    ("supported_db_objects", DATABASE),
    (
        "disable_responses_id_security",
        "the Responses API is served without state",
    ),
    ("disable_prisma_schema_update", DATABASE),
    ("enable_public_model_hub", UI),
    ("role_permissions", LOGINS),
    ("role_mappings", LOGINS),
    ("token_rate_limit_type", BUDGETS),
    ("async_log_failure_event", SDK),
    ("auto_redirect_ui_login_to_sso", UI),
    ("telemetry", "Agon calls nobody by itself"),
    ("mcp_internal_ip_ranges", "MCP servers come later"),
    ("control_plane_url", UI),
];
