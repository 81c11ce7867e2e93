//! What is sent for a request: the address, the headers and the bytes. Nothing is sent here.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Uri;

use super::auth;
use super::auth::Credential;
use super::environment::Environment;
use super::failure::Callee;
use super::lane::Lane;
use super::transport::Outgoing;
use super::unified::UnifiedParts;
use crate::catalog::Catalog;
use crate::catalog::ProviderSpec;
use crate::catalog::Template;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ModelName;
use crate::types::Target;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;

/// What is sent for a request, for people who want to read it. Credentials are `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The HTTP method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The headers, by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Parameters of the request that are not in it, by Agon's names for them.
    pub dropped: Vec<String>,
}

/// What is sent, but for what the credential adds at the last moment.
pub(super) struct Prepared {
    pub(super) outgoing: Outgoing,
    pub(super) credential: Arc<Credential>,
}

/// How the answer of one model is to be read.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) wire: Wire,
    pub(super) quirks: Arc<Quirks>,
}

/// Where a request goes.
pub(super) struct Place<'a> {
    pub(super) spec: &'a ProviderSpec,
    pub(super) parts: &'a UnifiedParts,
    /// The variables that hold there.
    pub(super) environment: &'a Environment,
    /// The entry of the model list, when it is one.
    pub(super) target: Option<&'a Target>,
}

impl Spoken {
    /// How this model of this provider speaks.
    pub(super) fn of(catalog: &Catalog, spec: &ProviderSpec, model: &ModelName) -> Self {
        Self {
            wire: spec.speech(model.model()).wire,
            quirks: Arc::new(catalog.quirks(model)),
        }
    }
}

/// Writes a chat on the model's wire, at the provider's own path where it has one.
///
/// # Errors
/// `InvalidRequest` when the wire cannot say it, a part of the path is not set, or the call is strict and
/// something would be lost.
pub(super) fn encode(
    spec: &ProviderSpec,
    parts: &UnifiedParts,
    request: &ChatRequest,
    (lane, spoken): (&Lane, &Spoken),
    stream: bool,
) -> Result<Encoded, LlmError> {
    let (mut chat, unknown) = read(request).map_err(|error| unsendable(spec, &error))?;
    if let Some(target) = request.call.target.as_deref()
        && !target.defaults.is_empty()
    {
        let filled = wire::serve::fill(chat.into_owned(), &target.defaults);
        chat = Cow::Owned(filled.map_err(|error| unsendable(spec, &error))?);
    }
    let model = &request.head.model;
    let context = EncodeContext {
        model: &lane.model,
        stream,
        quirks: &spoken.quirks,
        default_max_output_tokens: lane.max_output_tokens,
    };
    let mut encoded =
        wire::encode(spoken.wire, &chat, &context).map_err(|error| unsendable(spec, &error))?;
    encoded.dropped.extend(unknown);
    let wish = request.head.wishes.drop_params;
    note_dropped(parts, (&request.call, wish), model, &encoded.dropped)?;
    if let Some(target) = request.call.target.as_deref() {
        encoded.body = wire::verbatim::with_members(&encoded.body, &target.extra_body);
    }
    Ok(encoded)
}

/// Reads what is asked, and which members of the caller's body have no place in it.
fn read(request: &ChatRequest) -> Result<(Cow<'_, Chat>, Vec<String>), WireError> {
    match &request.content {
        Content::Typed(chat) => Ok((Cow::Borrowed(chat), Vec::new())),
        Content::Raw { wire, body, .. } => {
            let mut asked = wire::serve::decode_request(*wire, body)?;
            let for_us = |name: &String| wire::serve::FOR_THE_GATEWAY.contains(&name.as_str());
            asked.unknown.retain(|name| !for_us(name));
            Ok((Cow::Owned(asked.chat), asked.unknown))
        }
        Content::Text(text) => {
            let chat = wire::as_chat(text)?;
            Ok((Cow::Borrowed(chat), text.unknown.clone()))
        }
    }
}

/// The header that tells the provider of the call's place in a trace, where the operator wants that.
pub(super) fn traceparent(call: &CallContext) -> Option<HeaderValue> {
    let span = call.span.filter(|span| span.forwarded)?;
    HeaderValue::try_from(span.traceparent()).ok()
}

/// Notes what a request loses; `wish` is the caller's own `drop_params`.
///
/// As in `LiteLLM` (1.109, read 2026-11), what the operator's list drops is dropped whatever the caller says, and a
/// caller who asks for that has it dropped.
///
/// # Errors
/// `InvalidRequest` when the call is strict and something would be lost.
pub(super) fn note_dropped(
    parts: &UnifiedParts,
    (call, wish): (&CallContext, Option<bool>),
    model: &ModelName,
    dropped: &[String],
) -> Result<(), LlmError> {
    call.trace.note_dropped(dropped);
    let of_target = call.target.as_ref().and_then(|target| target.strict);
    let of_settings = match (wish, of_target) {
        (Some(true), _) | (_, Some(false)) => false,
        (Some(false), Some(true) | None) => true,
        (None, of_target) => of_target.unwrap_or_else(|| parts.strict.load(Ordering::Relaxed)),
    };
    let strict = call.strict || of_settings;
    if strict && !dropped.is_empty() {
        let message = format!(
            "{model} does not take {}: leave it out, or do not ask for a strict call",
            dropped.join(", ")
        );
        let kind = LlmErrorKind::InvalidRequest;
        return Err(LlmError::new(kind, model.provider(), message));
    }
    parts.dropped.note(model, dropped);
    Ok(())
}

/// Puts address, headers and body together.
///
/// # Errors
/// `InvalidRequest` when a part of the path is not set, or an address or header is none.
pub(super) fn prepare(
    at: &Place<'_>,
    address: auth::Target,
    encoded: Encoded,
    stream: Option<(&ModelName, bool)>,
) -> Result<Prepared, LlmError> {
    let spec = at.spec;
    let own = stream.and_then(|(model, stream)| {
        let paths = &spec.speech(model.model()).paths;
        Some((paths.of(&address.base_url, stream)?, model))
    });
    let path = match own {
        Some((template, model)) => template
            .fill(
                &|name| at.environment.get(name).map(str::to_owned),
                at.parts.catalog.as_sent(model).model(),
            )
            .map_err(|missing| auth::no_address(spec, &missing))?,
        None => encoded.path,
    };
    let outgoing = Outgoing {
        url: url(spec, &joined(&address.base_url, &path))?.into(),
        headers: auth::headers(spec, at.target)?.into(),
        body: encoded.body,
        reach: address.reach,
    };
    Ok(Prepared {
        outgoing,
        credential: address.credential.into(),
    })
}

/// Who is called at this address, as errors name it.
pub(super) fn callee(spec: &ProviderSpec, url: &Uri) -> Callee {
    let host = url.host().unwrap_or_default();
    let host = match url.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let remedy = match (spec.local, spec.base_url_env.first()) {
        (true, Some(variable)) => format!(" (start {}, or set {variable})", spec.title),
        (true, None) => format!(" (start {})", spec.title),
        (false, _) => String::new(),
    };
    Callee {
        provider: spec.id.clone(),
        host,
        remedy,
    }
}

/// Puts a request for vectors at the provider's own path, where it has one.
///
/// # Errors
/// `InvalidRequest` when a part of the path is not set.
pub(super) fn at_own_path(
    at: &Place<'_>,
    base_url: &str,
    model: &ModelName,
    mut encoded: Encoded,
) -> Result<Encoded, LlmError> {
    let (spec, environment) = (at.spec, at.environment);
    let own = &spec.embeddings;
    let usual_behind = &spec.speech(model.model()).paths.usual_behind;
    if usual_behind
        .as_ref()
        .is_some_and(|end| base_url.ends_with(end.as_str()))
    {
        return Ok(encoded);
    }
    let filled = |template: &Template| {
        let env = |name: &str| environment.get(name).map(str::to_owned);
        let text = template.fill(&env, model.model());
        text.map_err(|missing| auth::no_address(spec, &missing))
    };
    if let Some(before) = &own.before {
        encoded.path.insert_str(0, &filled(before)?);
    }
    if let Some(path) = &own.path {
        encoded.path = filled(path)?;
    }
    Ok(encoded)
}

impl Prepared {
    /// What is sent, with `***` where the credential stands.
    pub(super) fn preview(mut self, dropped: Vec<String>) -> Preview {
        self.credential
            .masked(Arc::make_mut(&mut self.outgoing.headers));
        let headers = self.outgoing.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut headers = Vec::from_iter(headers);
        headers.sort();
        Preview {
            method: Method::POST,
            url: self.outgoing.url.to_string(),
            headers,
            body: self.outgoing.body,
            dropped,
        }
    }
}

/// A provider's address with a path. A path that begins with a place of its own takes the place of the version in
/// the address: `/v2/embed` at `https://api.cohere.com/v1`.
fn joined(base_url: &str, path: &str) -> String {
    let is_beside = ["/v1/", "/v2/", "/hf-inference/"]
        .iter()
        .any(|place| path.starts_with(place));
    let host = ["/v1", "/v2"]
        .iter()
        .find_map(|version| base_url.strip_suffix(version));
    let base_url = host.filter(|_| is_beside).unwrap_or(base_url);
    format!("{base_url}{path}")
}

/// An address that can be called.
///
/// # Errors
/// `InvalidRequest` when it is none.
pub(super) fn url(spec: &ProviderSpec, text: &str) -> Result<Uri, LlmError> {
    let url: Option<Uri> = text.parse().ok();
    url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
        .ok_or_else(|| {
            let message = "its base URL is not an http or https address: mend it";
            LlmError::new(LlmErrorKind::InvalidRequest, &spec.id, message)
        })
}

pub(super) fn unsendable(spec: &ProviderSpec, error: &WireError) -> LlmError {
    LlmError::new(LlmErrorKind::InvalidRequest, &spec.id, error.of_request())
}
