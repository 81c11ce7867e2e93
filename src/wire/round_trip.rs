//! What the tests of the wires that Agon speaks both ways share: chats of every kind, and answers sent through an
//! encoder and back.

use proptest::prelude::*;
use serde_json::json;

use super::EncodeContext;
use super::StreamDecoder;
use super::encode;
use super::serve;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseBuilder;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Sampling;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// Chats as a client may mean them; each wire's test takes out what that wire cannot say.
pub(super) fn chats(
    seals: impl Strategy<Value = Seal> + Clone + 'static,
) -> impl Strategy<Value = Chat> {
    let turns = prop::collection::vec(turn(seals), 1..4);
    let said = (any::<bool>(), turns, words());
    let asked = (sampling(), tools(), effort(), format());
    let labels = (
        prop::option::of("[a-z]{1,8}"),
        prop::option::of(any::<bool>()),
    );
    (said, asked, labels).prop_map(|((system, turns, last), asked, (user, parallel))| {
        let (sampling, (tools, tool_choice), reasoning_effort, format) = asked;
        let mut messages = Vec::new();
        messages.extend(system.then(|| Message::text(Role::System, "Be brief.")));
        messages.extend(turns.into_iter().flatten());
        messages.push(Message::text(Role::User, last));
        number_calls(&mut messages);
        let parallel_tool_calls = parallel.filter(|parallel| !parallel && !tools.is_empty());
        Chat {
            messages,
            sampling,
            tools,
            tool_choice,
            parallel_tool_calls,
            format,
            reasoning_effort,
            user,
            ..Chat::default()
        }
    })
}

fn words() -> impl Strategy<Value = String> {
    "[a-zü]([a-z \n\"]{0,6}[a-z])?"
}

/// A question, and the answer to it: in words, or with calls and their results.
fn turn(
    seals: impl Strategy<Value = Seal> + Clone + 'static,
) -> impl Strategy<Value = Vec<Message>> {
    let thought = (prop::option::of(words()), seals).prop_map(|(text, seal)| {
        // What is encrypted shows no words on one of the wires.
        let text = text
            .filter(|_| seal.encrypted.is_none())
            .unwrap_or_default();
        ContentPart::Reasoning(Reasoning { text, seal })
    });
    let calls = prop::collection::vec((words(), any::<bool>()), 0..3);
    (question(), prop::option::of(thought), words(), calls).prop_map(
        |(question, thought, text, calls)| {
            let mut answer = Message::text(Role::Assistant, text);
            if let Some(thought) = thought {
                answer.parts.insert(0, thought);
            }
            let mut messages = vec![question];
            let mut results = Vec::new();
            for (result, failed) in calls {
                answer.tool_calls.push(ToolCall {
                    name: "look".into(),
                    arguments: json!({"at": result}).to_string(),
                    ..ToolCall::default()
                });
                let mut message = Message::text(Role::Tool, result);
                message.tool_failed = failed;
                results.push(message);
            }
            messages.push(answer);
            messages.extend(results);
            messages
        },
    )
}

fn question() -> impl Strategy<Value = Message> {
    let inline = |media_type: &str| Media {
        media_type: media_type.into(),
        source: MediaSource::Base64("iVBORw0=".into()),
    };
    let address = Media {
        media_type: "image/png".into(),
        source: MediaSource::Url("https://example.org/a.png".into()),
    };
    let file = |name: Option<String>| ContentPart::File {
        name,
        media: inline("application/pdf"),
    };
    let more = prop_oneof![
        Just(ContentPart::Image(inline("image/png"))),
        Just(ContentPart::Image(address)),
        Just(file(Some("a.pdf".into()))),
        Just(ContentPart::CachePoint(CacheTtl::Usual)),
    ];
    (words(), prop::option::of(more)).prop_map(|(text, more)| {
        let mut message = Message::text(Role::User, text);
        message.parts.extend(more);
        message
    })
}

/// Calls and their results have the same ids, in order.
fn number_calls(messages: &mut [Message]) {
    let (mut called, mut answered) = (0, 0);
    for message in messages {
        for call in &mut message.tool_calls {
            call.id = format!("call_{called}");
            called += 1;
        }
        if message.role == Role::Tool {
            message.tool_call_id = Some(format!("call_{answered}"));
            answered += 1;
        }
    }
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let tenths = || prop::option::of((0..=10_u8).prop_map(|tenths| f32::from(tenths) / 10.0));
    let limits = (
        prop::option::of(1..99_u32),
        prop::option::of("[A-Z]{2}"),
        16..9999_u32,
    );
    (tenths(), tenths(), limits).prop_map(|(temperature, top_p, (top_k, stop, most))| Sampling {
        temperature,
        top_p,
        top_k,
        stop: stop.into_iter().collect(),
        max_output_tokens: Some(most),
        ..Sampling::default()
    })
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, ToolChoice)> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        Just(ToolChoice::Named("look".into())),
    ];
    (any::<bool>(), choice).prop_map(|(strict, choice)| {
        let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"], "additionalProperties": false});
        let tool = Tool {
            name: "look".into(),
            description: "Looks.".into(),
            parameters: schema,
            strict: strict.then_some(true),
            cache: None,
        };
        (vec![tool], choice)
    })
}

fn effort() -> impl Strategy<Value = Option<ReasoningEffort>> {
    use ReasoningEffort::{High, Low, Max, Medium, None, Xhigh};
    prop::option::of(prop::sample::select(vec![
        None, Low, Medium, High, Xhigh, Max,
    ]))
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonSchema {
            name: "answer".into(),
            schema
        }),
    ]
}

/// What a server reads of a chat that a client wrote, and what the client could not write.
pub(super) fn there_and_back(wire: Wire, chat: &Chat) -> (Chat, Vec<String>) {
    let quirks = Quirks::default();
    let context = EncodeContext {
        model: "m",
        stream: true,
        quirks: &quirks,
        default_max_output_tokens: 1024,
    };
    let encoded = encode(wire, chat, &context).unwrap();
    let asked = serve::decode_request(wire, &encoded.body).unwrap();
    assert_eq!((asked.model.as_str(), asked.stream), ("m", true));
    (asked.chat, encoded.dropped)
}

/// The head of every answer in the tests.
pub(super) fn head() -> serve::AnswerHead {
    serve::AnswerHead {
        id: "a_1".into(),
        model: "m".into(),
        created_s: 1_764_000_000,
        usage_in_stream: true,
    }
}

/// Answers as providers give them, in an order that every wire can keep: reasoning, text, calls.
pub(super) fn answers(
    seals: impl Strategy<Value = Seal> + Clone + 'static,
) -> impl Strategy<Value = ChatResponse> {
    let block = (words(), seals).prop_map(|(text, seal)| Reasoning { text, seal });
    let call = (words(), any::<bool>());
    let said = (
        prop::collection::vec(block, 0..3),
        words(),
        prop::collection::vec(call, 0..3),
    );
    (said, any::<bool>(), 1..999_u64).prop_map(|((reasoning, text, calls), cut, count)| {
        let call = |(number, (at, empty)): (usize, (String, bool))| ToolCall {
            id: format!("call_{number}"),
            name: "look".into(),
            arguments: if empty {
                "{}".into()
            } else {
                json!({"at": at}).to_string()
            },
            signature: None,
        };
        let tool_calls: Vec<ToolCall> = calls.into_iter().enumerate().map(call).collect();
        ChatResponse {
            id: "a_1".into(),
            model: "m".into(),
            text,
            finish: match (cut, tool_calls.is_empty()) {
                (true, _) => FinishReason::Length,
                (false, true) => FinishReason::Stop,
                (false, false) => FinishReason::ToolCalls,
            },
            reasoning,
            tool_calls,
            usage: Usage {
                input: count,
                cache_read: 2,
                output: count * 2,
                reasoning: count / 2,
                ..Usage::default()
            },
            ..ChatResponse::default()
        }
    })
}

/// The bytes of an answer that goes out whole.
pub(super) fn written(wire: Wire, answer: &ChatResponse) -> Vec<u8> {
    serve::encode_response(wire, answer, &head())
        .unwrap()
        .to_vec()
}

/// The bytes of an answer that goes out as these chunks.
pub(super) fn streamed(wire: Wire, chunks: &[ChatChunk]) -> Vec<u8> {
    let mut encoder = serve::stream_encoder(wire, head()).unwrap();
    let mut out = Vec::new();
    chunks
        .iter()
        .for_each(|chunk| encoder.chunk(chunk, &mut out));
    encoder.finish(&mut out);
    out
}

/// The chunks of an answer, with every text and argument letter by letter.
pub(super) fn in_letters(answer: ChatResponse) -> Vec<ChatChunk> {
    let letters = |text: String| text.chars().map(String::from).collect::<Vec<_>>();
    let mut chunks = Vec::new();
    for mut whole in answer.into_chunks() {
        let delta = std::mem::take(&mut whole.delta);
        for reasoning in letters(delta.reasoning) {
            let mut chunk = ChatChunk::default();
            chunk.delta.reasoning = reasoning;
            chunks.push(chunk);
        }
        whole.delta.seal = delta.seal;
        whole.delta.refusal = delta.refusal;
        for text in letters(delta.text) {
            let mut chunk = ChatChunk::default();
            chunk.delta.text = text;
            chunks.push(chunk);
        }
        for mut call in delta.tool_calls {
            let pieces = letters(std::mem::take(&mut call.arguments));
            let index = call.index;
            let mut first = ChatChunk::default();
            first.delta.tool_calls.push(call);
            chunks.push(first);
            for arguments in pieces {
                let mut chunk = ChatChunk::default();
                chunk.delta.tool_calls.push(crate::types::ToolCallDelta {
                    index,
                    arguments,
                    ..Default::default()
                });
                chunks.push(chunk);
            }
        }
        chunks.push(whole);
    }
    chunks
}

/// Reads bytes as a client would.
pub(super) fn read(wire: Wire, bytes: &[u8]) -> ChatResponse {
    let mut decoder = StreamDecoder::new(wire, &Quirks::default());
    let mut chunks = Vec::new();
    decoder.push(bytes, &mut chunks).unwrap();
    decoder.finish(&mut chunks).unwrap();
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    builder.finish()
}

/// Reads anything, which may fail but never panic.
pub(super) fn read_anything(wire: Wire, bytes: &[u8]) {
    let mut decoder = StreamDecoder::new(wire, &Quirks::default());
    let mut chunks = Vec::new();
    let read = decoder
        .push(bytes, &mut chunks)
        .and_then(|()| decoder.finish(&mut chunks));
    assert!(read.is_ok() || chunks.len() < bytes.len() + 1);
    drop(serve::decode_request(wire, bytes));
}
