//! One answer of each provider, and what it means.

use std::time::Duration;

use super::*;
use crate::client::LlmErrorKind;

fn read(status: u16, retry_after: &str, body: &str) -> LlmError {
    let header = |name: &str| {
        (name == "retry-after" && !retry_after.is_empty()).then(|| retry_after.to_owned())
    };
    let parts = ErrorParts {
        status,
        header: &header,
        body: body.as_bytes(),
        now_ms: 0,
    };
    decode_error(Wire::OpenaiChat, "openai", &parts)
}

#[test]
fn the_class_comes_from_status_and_typed_code() {
    let wait = Some(Duration::from_secs(3));
    let cases = [
        (
            401,
            r#"{"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            LlmErrorKind::Authentication,
        ),
        (
            429,
            r#"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#,
            LlmErrorKind::RateLimited { retry_after: wait },
        ),
        (
            429,
            r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#,
            LlmErrorKind::QuotaExhausted,
        ),
        (
            404,
            r#"{"error":{"message":"x","code":"model_not_found"}}"#,
            LlmErrorKind::ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"code":"context_length_exceeded"}}"#,
            LlmErrorKind::ContextLengthExceeded,
        ),
        (
            400,
            r#"{"error":{"message":"nope","code":400,"type":"BadRequestError"}}"#,
            LlmErrorKind::InvalidRequest,
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            LlmErrorKind::Overloaded { retry_after: wait },
        ),
        (
            400,
            r#"{"code":"x","error":"Incorrect API key provided"}"#,
            LlmErrorKind::Authentication,
        ),
        (
            503,
            "<html>bad gateway</html>",
            LlmErrorKind::Overloaded { retry_after: wait },
        ),
        (402, "", LlmErrorKind::QuotaExhausted),
        (
            404,
            r#"{"error":"model 'x' not found"}"#,
            LlmErrorKind::ModelNotFound,
        ),
    ];
    for (status, body, kind) in cases {
        assert_eq!(read(status, "3", body).kind, kind, "{status} {body}");
    }
}

#[test]
fn every_providers_form_of_an_error_is_known() {
    let wait = |seconds: f64| Some(Duration::from_secs_f64(seconds));
    let limited = |seconds| LlmErrorKind::RateLimited {
        retry_after: wait(seconds),
    };
    let cases = [
        // Google: a wrong key is a 400, and the wait stands in the details.
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            LlmErrorKind::Authentication,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.5s"}]}}]"#,
            limited(34.5),
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}"#,
            LlmErrorKind::ContextLengthExceeded,
        ),
        // Azure: a filtered prompt is a 400, and the wait stands in the text.
        (
            400,
            r#"{"error":{"message":"filtered","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            LlmErrorKind::ContentFiltered,
        ),
        (
            429,
            r#"{"error":{"code":"429","message":"Too many. Please retry after 26 seconds."}}"#,
            limited(26.0),
        ),
        (
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"none"}}"#,
            LlmErrorKind::ModelNotFound,
        ),
        // Replicate and Groq tell the wait in words.
        (
            429,
            r#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#,
            limited(30.0),
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached. Please try again in 1m2.5s. Visit us.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            limited(62.5),
        ),
        // A wait of a day is no wait.
        (
            429,
            r#"{"message":"Too many tokens per day, please wait before trying again."}"#,
            LlmErrorKind::QuotaExhausted,
        ),
    ];
    for (status, body, kind) in cases {
        assert_eq!(read(status, "", body).kind, kind, "{status} {body}");
    }
}

#[test]
fn the_clones_of_openai_are_known_by_their_own_words() {
    let cases = [
        // DeepSeek's code says less than its type.
        (
            401,
            r#"{"error":{"message":"no","type":"authentication_error","code":"invalid_request_error"}}"#,
            LlmErrorKind::Authentication,
        ),
        // Mistral: one code for several mistakes.
        (
            400,
            r#"{"object":"error","message":"Logprobs are not enabled for this model","type":"invalid_request_invalid_args","code":"3051"}"#,
            LlmErrorKind::InvalidRequest,
        ),
        (
            400,
            r#"{"object":"error","message":"Prompt contains 9 tokens, too large for model with 8 maximum context length","code":"3051"}"#,
            LlmErrorKind::ContextLengthExceeded,
        ),
        (
            400,
            r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}"#,
            LlmErrorKind::ModelNotFound,
        ),
        // Cloudflare, Databricks, text-generation-inference, Perplexity, Z.ai.
        (
            403,
            r#"{"success":false,"errors":[{"code":5007,"message":"No such model"}]}"#,
            LlmErrorKind::ModelNotFound,
        ),
        (
            429,
            r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow"}"#,
            LlmErrorKind::RateLimited { retry_after: None },
        ),
        (
            429,
            r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
            LlmErrorKind::Overloaded { retry_after: None },
        ),
        (
            400,
            r#"{"error":{"message":"The total length of all messages is too long.","type":"too_many_prompt_tokens","code":400}}"#,
            LlmErrorKind::ContextLengthExceeded,
        ),
        (
            429,
            r#"{"error":{"code":"1113","message":"no balance"}}"#,
            LlmErrorKind::QuotaExhausted,
        ),
        // Ollama wraps its runner's error in a text.
        (
            400,
            r#"{"error":"{\"error\":{\"code\":400,\"message\":\"too big\",\"type\":\"exceed_context_size_error\"}}"}"#,
            LlmErrorKind::ContextLengthExceeded,
        ),
        (
            501,
            r#"{"error":"This server does not support embeddings."}"#,
            LlmErrorKind::InvalidRequest,
        ),
    ];
    for (status, body, kind) in cases {
        assert_eq!(read(status, "", body).kind, kind, "{status} {body}");
    }
}

#[test]
fn bedrocks_type_stands_in_a_header_and_cohere_has_a_status_of_its_own() {
    let class = |wire, status, kind: &str, body: &str| {
        let header = |name: &str| (name == "x-amzn-errortype").then(|| kind.to_owned());
        let parts = ErrorParts {
            status,
            header: &header,
            body: body.as_bytes(),
            now_ms: 0,
        };
        decode_error(wire, "p", &parts).kind
    };
    let expired = "ExpiredTokenException:http://internal.example/coral/";
    assert_eq!(
        class(Wire::Bedrock, 403, expired, "{}"),
        LlmErrorKind::Authentication
    );
    assert_eq!(
        class(
            Wire::Bedrock,
            400,
            "ValidationException",
            r#"{"message":"Input is too long for requested model."}"#
        ),
        LlmErrorKind::ContextLengthExceeded
    );
    assert_eq!(
        class(Wire::Cohere, 498, "", r#"{"message":"blocked"}"#),
        LlmErrorKind::ContentFiltered
    );
}

#[test]
fn an_error_within_a_success_has_the_class_that_it_names() {
    let kind = |body: &str| match in_success(&serde_json::from_str(body).unwrap()) {
        WireError::Upstream(kind, _) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        kind(
            r#"{"error":{"message":"no","type":"invalid_request_error","code":"tool_use_failed","status_code":400}}"#
        ),
        LlmErrorKind::InvalidRequest
    );
    assert_eq!(
        kind(r#"{"type":"error","code":"rate_limit_exceeded","message":"try again in 20ms"}"#),
        LlmErrorKind::RateLimited {
            retry_after: Some(Duration::from_millis(20))
        }
    );
    assert_eq!(
        kind(r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}"#).code(),
        "overloaded"
    );
    assert_eq!(
        kind(r#"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#).code(),
        "overloaded"
    );
}

#[test]
fn a_key_that_the_provider_echoes_is_not_repeated() {
    let error = read(
        401,
        "",
        r#"{"error":{"message":"Incorrect API key provided: sk-proj-abcd1234. Bearer abc"}}"#,
    );
    assert!(
        !error.message.contains("abcd1234") && !error.message.contains("abc"),
        "{}",
        error.message
    );
}

#[test]
fn a_model_that_ollama_lacks_comes_with_the_command_that_installs_it() {
    let parts = ErrorParts {
        status: 404,
        header: &|_| None,
        body: br#"{"error":"model 'x' not found"}"#,
        now_ms: 0,
    };
    let error = decode_error(Wire::Ollama, "ollama", &parts);
    assert!(error.message.contains("ollama pull"), "{}", error.message);
}

#[test]
fn what_a_router_objects_to_is_a_filter() {
    let body = r#"{"error":{"code":403,"message":"requires moderation","metadata":{"reasons":["violence"],"flagged_input":"x"}}}"#;
    assert_eq!(read(403, "", body).kind, LlmErrorKind::ContentFiltered);
    let body = r#"{"error":{"code":403,"message":"no access","metadata":{"provider_name":"x"}}}"#;
    assert_eq!(read(403, "", body).kind, LlmErrorKind::PermissionDenied);
}

#[test]
fn an_error_is_read_behind_a_byte_order_mark() {
    let body = "\u{feff}{\"error\":{\"message\":\"no\",\"code\":\"invalid_api_key\"}}";
    let error = read(401, "", body);
    assert_eq!(
        (error.kind, error.message.as_str()),
        (LlmErrorKind::Authentication, "no")
    );
}

#[test]
fn a_models_timeout_within_a_stream_is_a_timeout() {
    let error = of_code("modelTimeoutException", "too slow");
    assert!(
        matches!(error, WireError::Upstream(LlmErrorKind::Timeout { .. }, _)),
        "{error:?}"
    );
}
