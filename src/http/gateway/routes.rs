//! Which path is which endpoint.

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::MethodFilter;
use axum::routing::get;
use axum::routing::on;
use serde_json::Value;
use serde_json::json;
use tower_service::Service;

use super::endpoint;
use super::endpoint::Endpoint;
use super::exchange;
use super::failure::Failure;
use super::ollama;
use super::request_headers::RequestHeaders;
use crate::http::HttpState;
use crate::types::Wire;

/// Where a path has a name in it, and where `/v1` may stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At this path.
    Here,
    /// At this path, and at the same behind `/v1`.
    WithVersion,
    /// At this path, which names a model or a call.
    Named,
    /// The same, and behind `/v1` too.
    NamedWithVersion,
}

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;

/// All paths that need a key.
const ROUTES: &[(MethodFilter, At, &str, Endpoint)] = &[
    (POST, At::WithVersion, "/chat/completions", Endpoint::Chat),
    (POST, At::WithVersion, "/completions", Endpoint::Completions),
    (POST, At::WithVersion, "/embeddings", Endpoint::Embeddings),
    (POST, At::WithVersion, "/responses", Endpoint::Responses),
    (POST, At::WithVersion, "/messages", Endpoint::Messages),
    (
        POST,
        At::WithVersion,
        "/messages/count_tokens",
        Endpoint::CountTokens,
    ),
    (POST, At::Here, "/anthropic/v1/messages", Endpoint::Messages),
    (
        POST,
        At::Here,
        "/anthropic/v1/messages/count_tokens",
        Endpoint::CountTokens,
    ),
    // The Azure SDK's paths, by deployment and by version.
    (
        POST,
        At::Named,
        "/openai/deployments/{model}/chat/completions",
        Endpoint::Chat,
    ),
    (
        POST,
        At::Named,
        "/openai/deployments/{model}/completions",
        Endpoint::Completions,
    ),
    (
        POST,
        At::Named,
        "/openai/deployments/{model}/embeddings",
        Endpoint::Embeddings,
    ),
    (
        POST,
        At::Here,
        "/openai/v1/chat/completions",
        Endpoint::Chat,
    ),
    (
        POST,
        At::Here,
        "/openai/v1/completions",
        Endpoint::Completions,
    ),
    (
        POST,
        At::Here,
        "/openai/v1/embeddings",
        Endpoint::Embeddings,
    ),
    (POST, At::Here, "/openai/v1/responses", Endpoint::Responses),
    // What the Azure SDK asks without a deployment, and OpenAI's own with this path as its base.
    (POST, At::Here, "/openai/chat/completions", Endpoint::Chat),
    (POST, At::Here, "/openai/completions", Endpoint::Completions),
    (POST, At::Here, "/openai/embeddings", Endpoint::Embeddings),
    (POST, At::Here, "/openai/responses", Endpoint::Responses),
    (GET, At::Here, "/openai/models", Endpoint::Models),
    (
        POST,
        At::NamedWithVersion,
        "/engines/{model}/chat/completions",
        Endpoint::Chat,
    ),
    (
        POST,
        At::NamedWithVersion,
        "/engines/{model}/completions",
        Endpoint::Completions,
    ),
    (
        POST,
        At::NamedWithVersion,
        "/engines/{model}/embeddings",
        Endpoint::Embeddings,
    ),
    (GET, At::WithVersion, "/models", Endpoint::Models),
    (
        GET,
        At::NamedWithVersion,
        "/models/{*model}",
        Endpoint::Model,
    ),
    (GET, At::Here, "/openai/v1/models", Endpoint::Models),
    (
        POST,
        At::NamedWithVersion,
        "/models/{*model}",
        Endpoint::Gemini,
    ),
    (POST, At::Named, "/v1beta/models/{*model}", Endpoint::Gemini),
    (GET, At::Here, "/v1beta/models", Endpoint::GeminiModels),
    (GET, At::Here, "/llm/models", Endpoint::ChoosableModels),
    (
        GET,
        At::Here,
        "/api/v1/llm/models",
        Endpoint::ChoosableModels,
    ),
    (GET, At::WithVersion, "/model/info", Endpoint::ModelInfo),
    (GET, At::Here, "/v2/model/info", Endpoint::ModelInfo),
    (
        GET,
        At::WithVersion,
        "/model_group/info",
        Endpoint::ModelGroupInfo,
    ),
    (
        POST,
        At::Here,
        "/utils/token_counter",
        Endpoint::TokenCounter,
    ),
    (POST, At::Here, "/api/v1/route/explain", Endpoint::Explain),
    (
        GET,
        At::Named,
        "/api/v1/route/{call_id}",
        Endpoint::Explained,
    ),
    (GET, At::Here, "/routes", Endpoint::Routes),
    (POST, At::Here, "/api/chat", Endpoint::OllamaChat),
    (POST, At::Here, "/api/generate", Endpoint::OllamaGenerate),
    (POST, At::Here, "/api/embed", Endpoint::OllamaEmbed),
    (
        POST,
        At::Here,
        "/api/embeddings",
        Endpoint::OllamaEmbeddings,
    ),
    (POST, At::Here, "/api/show", Endpoint::OllamaShow),
    (GET, At::Here, "/api/tags", Endpoint::OllamaTags),
    (GET, At::Here, "/api/ps", Endpoint::OllamaPs),
];

/// Paths with their own `/v1`, where they may have one.
fn paths(at: At, path: &str) -> Vec<String> {
    match at {
        At::Here | At::Named => vec![path.to_owned()],
        At::WithVersion | At::NamedWithVersion => vec![path.to_owned(), format!("/v1{path}")],
    }
}

/// All routes of the gateway.
pub(in crate::http) fn routes() -> Router<HttpState> {
    let mut routes = Router::new()
        .route("/", get(|| async { "Agon is running" }))
        .route(
            "/api/version",
            get(|| async { Json(json!({"version": ollama::VERSION})) }),
        );
    for (method, at, path, endpoint) in ROUTES {
        let (endpoint, has_name) = (*endpoint, matches!(at, At::Named | At::NamedWithVersion));
        let serve = move |State(state): State<HttpState>, request: Request| {
            endpoint::serve(state, endpoint, has_name, request)
        };
        for path in paths(*at, path) {
            routes = routes.route(&path, on(*method, serve));
        }
    }
    routes.method_not_allowed_fallback(wrong_method)
}

/// The endpoint of a request that is asked often; `None` for whatever the routes have to find.
pub(in crate::http) fn usual(method: &Method, path: &str) -> Option<Endpoint> {
    if *method != Method::POST {
        return None;
    }
    match path.strip_prefix("/v1").unwrap_or(path) {
        "/chat/completions" => Some(Endpoint::Chat),
        "/messages" => Some(Endpoint::Messages),
        "/responses" => Some(Endpoint::Responses),
        "/embeddings" => Some(Endpoint::Embeddings),
        "/completions" => Some(Endpoint::Completions),
        _ => None,
    }
}

/// A path that needs a key.
pub(super) struct Listed {
    pub(super) is_get: bool,
    pub(super) path: String,
    pub(super) endpoint: Endpoint,
}

/// All paths that need a key.
pub(super) fn listed() -> impl Iterator<Item = Listed> {
    ROUTES.iter().flat_map(|(method, at, path, endpoint)| {
        paths(*at, path).into_iter().map(|path| Listed {
            is_get: *method == GET,
            path: path.replace("{*", "{"),
            endpoint: *endpoint,
        })
    })
}

/// The paths, as `GET /routes` tells them.
pub(super) fn told() -> Response {
    let route = |listed: Listed| {
        let method = if listed.is_get { "GET" } else { "POST" };
        json!({"path": listed.path, "methods": [method]})
    };
    let list: Vec<Value> = listed().map(route).collect();
    exchange::json(&json!({"routes": list}))
}

/// The report about every model, for `GET /health` with the key.
pub(in crate::http) async fn report(state: HttpState, request: Request) -> Response {
    endpoint::serve(state, Endpoint::Health, false, request).await
}

/// Answers a path behind a base path as if it stood alone.
pub(in crate::http) async fn behind_base(
    state: HttpState,
    mut routes: Router,
    mut request: Request,
) -> Response {
    let path = request.uri().path();
    let rest = {
        let settings = state.gateway.now();
        let rest = settings.behind_base(path);
        rest.and_then(|rest| match request.uri().query() {
            Some(query) => format!("{rest}?{query}").parse::<Uri>().ok(),
            None => rest.parse().ok(),
        })
    };
    match rest {
        Some(rest) => *request.uri_mut() = rest,
        None => return crate::http::nothing_here(request).await,
    }
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// `true` for paths whose clients know the gateway, and not problem JSON.
pub(in crate::http) fn is_at_home(path: &str) -> bool {
    let ours = [
        "/v1/",
        "/v1beta/",
        "/openai/",
        "/engines/",
        "/chat/",
        "/model",
        "/anthropic/",
    ];
    let ollama = path.starts_with("/api/") && !path.starts_with("/api/v1/");
    ollama || ours.iter().any(|begin| path.starts_with(begin))
}

/// The dialect in which a path's clients read errors.
fn dialect_of(path: &str) -> Wire {
    if path.contains("/v1beta/") {
        Wire::Gemini
    } else if path.starts_with("/api/") {
        Wire::Ollama
    } else if path.starts_with("/anthropic/") || path.contains("/messages") {
        Wire::Anthropic
    } else {
        Wire::OpenaiChat
    }
}

/// Refuses a method, unless a page's script asks whether it may ask.
async fn wrong_method(State(state): State<HttpState>, request: Request) -> Response {
    let headers = RequestHeaders::read(request.headers(), None);
    if request.method() == Method::OPTIONS
        && let Some(origin) = exchange::allowed_origin(&state, &headers)
    {
        return preflight(origin.clone());
    }
    let path = request.uri().path();
    Failure::wrong_method(request.method().as_str(), path).response(dialect_of(path))
}

fn preflight(origin: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    exchange::allow_origin(origin, headers);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, x-api-key, api-key, x-goog-api-key, x-litellm-api-key, anthropic-version, \
             anthropic-beta, x-litellm-tags, x-litellm-timeout, x-litellm-num-retries, x-agon-plan, x-request-id",
        ),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response.into_response()
}

/// Says that a path of the gateway does not exist.
pub(in crate::http) fn no_such_path(path: &str) -> Response {
    Failure::no_such_path(path).response(dialect_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_often_is_where_the_routes_have_it() {
        let mut found = 0;
        for Listed {
            is_get,
            path,
            endpoint,
        } in listed()
        {
            if let Some(usual) = usual(&Method::POST, &path) {
                assert_eq!((is_get, usual), (false, endpoint), "{path}");
                found += 1;
            }
        }
        assert_eq!(found, 10, "five endpoints, with and without a version");
        assert_eq!(usual(&Method::OPTIONS, "/v1/messages"), None);
        assert_eq!(usual(&Method::POST, "/v1/messages/"), None);
    }

    #[test]
    fn errors_are_in_the_dialect_of_their_path() {
        for (path, wanted) in [
            ("/v1/chat/completions", Wire::OpenaiChat),
            ("/v1/messages", Wire::Anthropic),
            ("/v1/messages/count_tokens", Wire::Anthropic),
            ("/v1beta/models/x:generateContent", Wire::Gemini),
            ("/api/chat", Wire::Ollama),
        ] {
            assert_eq!(dialect_of(path), wanted, "{path}");
            assert!(is_at_home(path), "{path}");
        }
        assert!(!is_at_home("/api/v1/debates"));
        assert!(!is_at_home("/elsewhere"));
    }
}
