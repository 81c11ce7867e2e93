//! One answer of a demo model: composed first, then played word by word.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde_json::Value;

use super::PROVIDER;
use super::compose;
use super::dice::Dice;
use super::json;
use super::pace::Timing;
use super::prompt::Brief;
use crate::client::CallTrace;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Tool;
use crate::types::ToolCallDelta;
use crate::types::ToolChoice;
use crate::types::Usage;
use crate::types::usage::estimate_tokens;

/// What a demo model shows in the place of reasoning.
const REASONING: &str = "(A demo model does not think: its words are drawn by lot.)";

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Whole(FinishReason),
    /// The connection breaks in the middle.
    Cut,
}

/// A composed answer.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    pieces: VecDeque<Delta>,
    output: u64,
    reasoning: u64,
    timing: Timing,
    pub(super) ending: Ending,
}

impl Answer {
    /// Composes what the request asks for: a tool call, JSON, or a speech.
    pub(super) fn compose(chat: &Chat, brief: &Brief, dice: &mut Dice) -> Self {
        let id = format!("demo-{:016x}", dice.between(0, u64::MAX - 1));
        if let Some(tool) = demanded_tool(chat) {
            return Self::calling(tool, id, brief, dice);
        }
        let text = match &chat.format {
            ResponseFormat::Text if brief.bare => json::answer(brief, dice),
            ResponseFormat::Text => spoken(&fitting(brief, chat), dice),
            ResponseFormat::JsonObject => json::some_object(brief, dice).to_string(),
            ResponseFormat::JsonSchema { schema, .. } => {
                json::instance(schema, brief, dice).to_string()
            }
        };
        let (text, finish) = limited(text, chat);
        let output = estimate_tokens(&text);
        let pieces = text
            .split_inclusive(' ')
            .map(|word| Delta {
                text: word.to_owned(),
                ..Delta::default()
            })
            .collect();
        Self::new(id, pieces, output, finish).reasoned(chat)
    }

    /// The same answer with the line that stands for reasoning, where some is asked for.
    fn reasoned(mut self, chat: &Chat) -> Self {
        let effort = chat.reasoning_effort.unwrap_or(ReasoningEffort::None);
        if effort != ReasoningEffort::None {
            self.reasoning = estimate_tokens(REASONING);
            self.pieces.push_front(Delta {
                reasoning: REASONING.to_owned(),
                ..Delta::default()
            });
        }
        self
    }

    fn calling(tool: &Tool, id: String, brief: &Brief, dice: &mut Dice) -> Self {
        let arguments = match json::instance(&tool.parameters, brief, dice) {
            object @ Value::Object(_) => object.to_string(),
            _ => "{}".to_owned(),
        };
        let output = estimate_tokens(&arguments);
        let call = ToolCallDelta {
            index: 0,
            id: Some(id.replace("demo-", "call_demo_")),
            name: Some(tool.name.clone()),
            arguments,
            signature: None,
        };
        let delta = Delta {
            tool_calls: vec![call],
            ..Delta::default()
        };
        Self::new(id, VecDeque::from([delta]), output, FinishReason::ToolCalls)
    }

    fn new(id: String, pieces: VecDeque<Delta>, output: u64, finish: FinishReason) -> Self {
        let at_once = Timing {
            first: Duration::ZERO,
            word: Duration::ZERO,
        };
        Self {
            id,
            pieces,
            output,
            reasoning: 0,
            timing: at_once,
            ending: Ending::Whole(finish),
        }
    }

    /// The same answer with these pauses.
    pub(super) fn at(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Plays the answer; resolves with its first word.
    pub(super) async fn play(mut self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let usage = Usage {
            input: request.head.estimated_tokens,
            output: self.output,
            reasoning: self.reasoning,
            ..Usage::default()
        };
        if self.ending == Ending::Cut {
            self.pieces.truncate(self.pieces.len().div_ceil(2));
        }
        let model = request.head.model.model().to_owned();
        let trace = Arc::clone(&request.call.trace);
        pause(self.timing.first, &trace).await;
        let first = ChatChunk {
            id: Some(self.id),
            model: Some(model),
            delta: self.pieces.pop_front().unwrap_or_default(),
            ..ChatChunk::default()
        };
        let spoken: usize = self.pieces.iter().map(|piece| piece.text.len()).sum();
        let bytes = (first.delta.text.len() + spoken) as u64;
        let last = match self.ending {
            Ending::Whole(finish) => Ok(ChatChunk {
                finish: Some(finish),
                usage: Some(usage),
                ..ChatChunk::default()
            }),
            Ending::Cut => Err(LlmError::new(
                LlmErrorKind::StreamInterrupted { bytes },
                PROVIDER,
                "demo/flaky plays a connection that breaks",
            )),
        };
        let rest = stream::iter(self.pieces).then(move |delta| {
            let trace = Arc::clone(&trace);
            async move {
                pause(self.timing.word, &trace).await;
                Ok(ChatChunk {
                    delta,
                    ..ChatChunk::default()
                })
            }
        });
        Ok(stream::iter([Ok(first)])
            .chain(rest)
            .chain(stream::iter([last]))
            .boxed())
    }
}

async fn pause(span: Duration, trace: &CallTrace) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
        trace.add_upstream_wait(span);
    }
}

/// The tool that must be called; a demo model calls none of its own accord.
fn demanded_tool(chat: &Chat) -> Option<&Tool> {
    match &chat.tool_choice {
        ToolChoice::Auto | ToolChoice::None => None,
        ToolChoice::Required => chat.tools.first(),
        ToolChoice::Named(name) => chat.tools.iter().find(|tool| tool.name == *name),
    }
}

/// A speech, with the line that tells its answer where the prompt asks for one.
fn spoken(brief: &Brief, dice: &mut Dice) -> String {
    let mut text = compose::speech(brief, dice);
    if brief.signed {
        text.push_str("\n\nAnswer: ");
        text.push_str(&json::answer(brief, dice));
    }
    text
}

/// The brief with no more words than the token limit has room for, at about seven characters a word.
fn fitting(brief: &Brief, chat: &Chat) -> Brief {
    let room = chat
        .sampling
        .max_output_tokens
        .map_or(usize::MAX, |tokens| {
            usize::try_from(u64::from(tokens) * 3 / 7).unwrap_or(usize::MAX)
        });
    Brief {
        words: brief.words.min(room),
        ..brief.clone()
    }
}

/// Cuts the text at the first stop text and at the token limit.
fn limited(mut text: String, chat: &Chat) -> (String, FinishReason) {
    let stops = chat.sampling.stop.iter().filter(|stop| !stop.is_empty());
    if let Some(at) = stops.filter_map(|stop| text.find(stop.as_str())).min() {
        text.truncate(at);
    }
    let most = chat.sampling.max_output_tokens.map_or(u64::MAX, u64::from);
    if estimate_tokens(&text) <= most {
        return (text, FinishReason::Stop);
    }
    let chars = usize::try_from(most.saturating_mul(3)).unwrap_or(usize::MAX);
    (text.chars().take(chars).collect(), FinishReason::Length)
}
