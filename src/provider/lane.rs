//! Everything about a call that does not depend on what is asked, made once for each model and target.

use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use bytes::Bytes;

use super::auth;
use super::auth::Credential;
use super::environment::Environment;
use super::failure::Callee;
use super::prepared;
use super::prepared::Prepared;
use super::prepared::Spoken;
use super::timeouts::CallTimeouts;
use super::transport::Outgoing;
use super::unified::UnifiedParts;
use crate::catalog::ProviderSpec;
use crate::client::CallContext;
use crate::client::LlmError;
use crate::types::Chat;
use crate::types::Endpoint;
use crate::types::FastMap;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::Role;
use crate::types::Target;
use crate::types::TopLevel;
use crate::types::Wire;
use crate::types::completes_text;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::MaxTokensField;
use crate::types::quirks::Param;
use crate::types::quirks::ReasoningStyle;
use crate::types::quirks::SeedField;
use crate::types::quirks::SystemRole;
use crate::types::quirks::ToolIds;
use crate::types::quirks::UsageInStream;
use crate::wire;
use crate::wire::EncodeContext;
use crate::wire::verbatim::Edits;

/// Lanes that are remembered; a caller may name models, so they need a bound.
const MAX_LANES: usize = 2048;

/// How one model is called at one place.
pub(super) struct Lane {
    pub(super) spoken: Spoken,
    /// The variables of the place, the target's before the process's.
    pub(super) environment: Environment,
    pub(super) base_url: String,
    pub(super) credential: Arc<Credential>,
    pub(super) callee: Arc<Callee>,
    /// The model as its provider knows it.
    pub(super) model: String,
    /// What an answer's length is limited to where the wire wants a limit and the caller names none.
    pub(super) max_output_tokens: u32,
    whole: Way,
    streamed: Way,
    timeouts: CallTimeouts,
    stream_timeouts: CallTimeouts,
    completes_text: bool,
    /// Kept, so that its address stays its own.
    _target: Option<Arc<Target>>,
}

/// Where requests go, for answers of one kind.
struct Way {
    /// The wire's usual path, by which a request for another place is known.
    path: String,
    outgoing: Outgoing,
    /// What is changed in a body of the same wire on its way there.
    edits: Edits<'static>,
}

/// What lanes are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LaneKey {
    model: ModelName,
    /// The address of the target, which the lane keeps alive.
    target: usize,
    endpoint: Option<Endpoint>,
    /// It is asked as a caller of the Responses API asks, where the provider may answer that.
    as_responses: bool,
}

/// The lanes that were used.
#[derive(Debug, Default)]
pub(super) struct Lanes(RwLock<FastMap<LaneKey, Arc<Lane>>>);

impl Lanes {
    /// The lane of a call, made when it is the first.
    ///
    /// # Errors
    /// As for a call, as far as it fails before anything is sent.
    pub(super) fn of(
        &self,
        general: (&ProviderSpec, &UnifiedParts, CallTimeouts),
        (model, as_responses): (&ModelName, bool),
        call: &CallContext,
    ) -> Result<Arc<Lane>, LlmError> {
        let key = LaneKey {
            model: model.clone(),
            target: call
                .target
                .as_ref()
                .map_or(0, |target| Arc::as_ptr(target) as usize),
            endpoint: call.endpoint.clone(),
            as_responses,
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = known.get(&key) {
            return Ok(Arc::clone(lane));
        }
        drop(known);
        let lane = Arc::new(Lane::new(general, (model, as_responses), call)?);
        let mut lanes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MAX_LANES {
            lanes.clear();
        }
        lanes.insert(key, Arc::clone(&lane));
        Ok(lane)
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("model", &self.model)
            .field("host", &self.callee.host)
            .finish_non_exhaustive()
    }
}

impl Lane {
    fn new(
        (spec, parts, timeouts): (&ProviderSpec, &UnifiedParts, CallTimeouts),
        (model, as_responses): (&ModelName, bool),
        call: &CallContext,
    ) -> Result<Self, LlmError> {
        let target = call.target.as_deref();
        let mut spoken = Spoken::of(&parts.catalog, spec, model);
        let environment = match target {
            Some(target) => auth::environment_of(spec, &parts.environment, target),
            None => parts.environment.clone(),
        };
        let place = auth::target(spec, &environment, call.endpoint.as_ref(), target)?;
        if as_responses && spoken.wire == Wire::OpenaiChat && spec.is_at_home(&place.base_url) {
            spoken.wire = Wire::OpenaiResponses;
        }
        let sent = parts.catalog.as_sent(model).model().to_owned();
        let way = |stream| -> Result<(Way, Arc<Credential>), LlmError> {
            let encoded = usual(spec, &spoken, &sent, stream)?;
            let path = encoded.path.clone();
            let at = prepared::Place {
                spec,
                parts,
                environment: &environment,
                target,
            };
            let again = auth::target(spec, &environment, call.endpoint.as_ref(), target)?;
            let Prepared {
                mut outgoing,
                credential,
            } = prepared::prepare(&at, again, encoded, Some((model, stream)))?;
            credential.settle(Arc::make_mut(&mut outgoing.headers));
            outgoing.body = Bytes::new();
            let way = Way {
                path,
                outgoing,
                edits: edits(&spoken, target, &sent, stream),
            };
            Ok((way, credential))
        };
        let ((whole, credential), (streamed, _)) = (way(false)?, way(true)?);
        let own = target.map(|target| target.timeouts).unwrap_or_default();
        let limited = |total: Option<std::time::Duration>| CallTimeouts {
            first_token: own.first_token.unwrap_or(timeouts.first_token),
            idle: own.idle.unwrap_or(timeouts.idle),
            total: total.unwrap_or(timeouts.total),
            ..timeouts
        };
        Ok(Self {
            callee: Arc::new(prepared::callee(spec, &whole.outgoing.url)),
            max_output_tokens: parts
                .catalog
                .card(model)
                .and_then(|card| u32::try_from(card.max_output_tokens?).ok())
                .unwrap_or(spec.default_max_output_tokens),
            model: sent,
            timeouts: limited(own.total),
            stream_timeouts: limited(own.total_of_stream.or(own.total)),
            base_url: place.base_url,
            completes_text: spoken.wire == Wire::OpenaiChat && completes_text(model, target),
            spoken,
            environment,
            credential,
            whole,
            streamed,
            _target: call.target.clone(),
        })
    }

    /// The time limits of an answer in pieces, or of a whole one.
    pub(super) fn timeouts(&self, stream: bool) -> CallTimeouts {
        match stream {
            true => self.stream_timeouts,
            false => self.timeouts,
        }
    }

    /// What is sent for a body at this path; `None` when the path is not the lane's usual one.
    pub(super) fn outgoing(&self, path: &str, body: Bytes, stream: bool) -> Option<Outgoing> {
        (self.way(stream).path == path).then(|| self.outgoing_usual(body, stream))
    }

    /// What is sent for a body at the lane's usual path.
    pub(super) fn outgoing_usual(&self, body: Bytes, stream: bool) -> Outgoing {
        Outgoing {
            body,
            ..self.way(stream).outgoing.clone()
        }
    }

    fn way(&self, stream: bool) -> &Way {
        match stream {
            true => &self.streamed,
            false => &self.whole,
        }
    }

    /// `true` when a body of this wire may be passed on with a few edits of its members.
    pub(super) fn passes(&self, wire: Wire) -> bool {
        wire == self.spoken.wire && self.spoken.quirks.anthropic_version.is_none()
    }

    /// `true` when a text to complete may be passed on as it is.
    pub(super) fn completes_text(&self) -> bool {
        self.completes_text
    }

    /// The edits of a body on its way to this place.
    pub(super) fn edits(&self, stream: bool) -> &Edits<'static> {
        &self.way(stream).edits
    }

    /// Members of a chat request that the model refuses; only the chat wire's are known by name.
    pub(super) fn refused(&self) -> impl Iterator<Item = &'static str> {
        let refused = match self.spoken.wire {
            Wire::OpenaiChat => Some(&self.spoken.quirks.drop_params),
            Wire::OpenaiResponses
            | Wire::Anthropic
            | Wire::Gemini
            | Wire::Ollama
            | Wire::Cohere
            | Wire::Bedrock
            | Wire::Replicate
            | Wire::Demo => None,
        };
        refused
            .into_iter()
            .flatten()
            .filter_map(|param| chat_member(*param))
    }

    /// `true` when the body asks for something that this model wants said otherwise, so that edits do not do.
    pub(super) fn wants_translation(&self, body: &[u8], members: &TopLevel) -> bool {
        let quirks = &self.spoken.quirks;
        let asks = |name| members.place(body, name).is_some();
        let says_reasoning_otherwise =
            quirks.reasoning != ReasoningStyle::Usual || !quirks.efforts.is_empty();
        self.spoken.wire == Wire::OpenaiChat
            && (says_reasoning_otherwise && asks("reasoning_effort")
                || quirks.json != JsonSupport::Schema && asks("response_format")
                || quirks.tool_ids != ToolIds::Usual && asks("tools")
                || quirks.max_temperature_percent.is_some() && asks("temperature")
                || quirks.system_role == SystemRole::User)
    }
}

/// The member of a chat request that carries a parameter; `None` for those that stand deeper.
fn chat_member(param: Param) -> Option<&'static str> {
    match param {
        Param::Temperature => Some("temperature"),
        Param::TopP => Some("top_p"),
        Param::Stop => Some("stop"),
        Param::Seed => Some("seed"),
        Param::ReasoningEffort => Some("reasoning_effort"),
        Param::ToolChoice => Some("tool_choice"),
        Param::ParallelToolCalls => Some("parallel_tool_calls"),
        Param::User => Some("user"),
        Param::Metadata => Some("metadata"),
        Param::TopK => Some("top_k"),
        Param::PresencePenalty => Some("presence_penalty"),
        Param::FrequencyPenalty => Some("frequency_penalty"),
        Param::Logprobs => Some("logprobs"),
        Param::CacheMarkers | Param::StrictTools => None,
    }
}

/// The smallest request on this wire: it tells the path.
fn usual(
    spec: &ProviderSpec,
    spoken: &Spoken,
    model: &str,
    stream: bool,
) -> Result<wire::Encoded, LlmError> {
    let chat = Chat {
        messages: vec![Message::text(Role::User, "x")],
        ..Chat::default()
    };
    let context = EncodeContext {
        model,
        stream,
        quirks: &spoken.quirks,
        default_max_output_tokens: spec.default_max_output_tokens,
    };
    wire::encode(spoken.wire, &chat, &context).map_err(|error| prepared::unsendable(spec, &error))
}

/// The edits of a body of the same wire on its way to a model at a place.
fn edits(spoken: &Spoken, target: Option<&Target>, model: &str, stream: bool) -> Edits<'static> {
    let quirks = &spoken.quirks;
    let mut edits = Edits::default();
    // Google's wire has the model in the path.
    if spoken.wire != Wire::Gemini {
        let model = serde_json::Value::from(model).to_string();
        edits.set("model", model.into_bytes());
    }
    if let Some(target) = target {
        for (name, value) in &target.extra_body {
            edits.set(name.clone(), value.to_string().into_bytes());
        }
        let default = |(name, value): (&String, &serde_json::Value)| {
            (name.clone().into(), value.to_string().into_bytes().into())
        };
        edits.default.extend(target.defaults.iter().map(default));
    }
    // No wire has members of its own under these names.
    edits
        .remove
        .extend_from_slice(&wire::serve::FOR_THE_GATEWAY);
    if spoken.wire == Wire::OpenaiChat {
        match (quirks.usage_in_stream, stream) {
            (UsageInStream::OnRequest, true) => {
                edits.set("stream_options", br#"{"include_usage":true}"#.as_slice());
            }
            (UsageInStream::Always | UsageInStream::Never, true) | (_, false) => {
                edits.remove.push("stream_options");
            }
        }
        if quirks.max_tokens_field == MaxTokensField::MaxCompletionTokens {
            edits.rename.push(("max_tokens", "max_completion_tokens"));
        }
        if quirks.seed_field == SeedField::RandomSeed {
            edits.rename.push(("seed", "random_seed"));
        }
    }
    edits
}
