//! Chats and answers of every kind, for the properties that hold on all wires.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::serve::AnswerHead;
use super::serve::stream_encoder;
use super::*;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Sampling;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;

fn words() -> impl Strategy<Value = String> {
    "[a-zäß€😀 \"\\\\{}<>\n]{0,12}x"
}

fn text_message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant)];
    (role, words()).prop_map(|(role, text)| Message::text(role, text))
}

/// A call with its result, as they stand in a conversation.
fn exchange() -> impl Strategy<Value = Vec<Message>> {
    ("call_[a-z0-9]{4}", 0..9_i32, words()).prop_map(|(id, number, result)| {
        let mut asked = Message::text(Role::Assistant, "");
        asked.parts.clear();
        asked.tool_calls = vec![ToolCall {
            id: id.clone(),
            name: "look".to_owned(),
            arguments: json!({"n": number}).to_string(),
            signature: None,
        }];
        let mut told = Message::text(Role::Tool, result);
        told.tool_call_id = Some(id);
        vec![asked, told]
    })
}

fn sampling() -> impl Strategy<Value = Sampling> {
    (
        option::of((0..20_u8).prop_map(|tenths| f32::from(tenths) / 10.0)),
        option::of(1..4096_u32),
        vec("[A-Z]{1,5}", 0..3),
        option::of(0..1_000_000_u64),
    )
        .prop_map(|(temperature, max_output_tokens, stop, seed)| Sampling {
            temperature,
            max_output_tokens,
            stop,
            seed,
            ..Sampling::default()
        })
}

/// Chats of text, calls, sampling and schemas: what every wire with an other direction carries.
pub(super) fn any_chat() -> impl Strategy<Value = Chat> {
    let turns = vec(
        prop_oneof![text_message().prop_map(|message| vec![message]), exchange()],
        1..5,
    );
    let effort = prop_oneof![
        Just(ReasoningEffort::None),
        Just(ReasoningEffort::Low),
        Just(ReasoningEffort::High)
    ];
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
    let format = prop_oneof![
        3 => Just(ResponseFormat::Text),
        1 => Just(ResponseFormat::JsonSchema { name: "answer".to_owned(), schema }),
    ];
    (turns, sampling(), any::<bool>(), option::of(effort), format).prop_map(
        |(turns, sampling, with_tool, reasoning_effort, format)| {
            let messages: Vec<Message> = turns.into_iter().flatten().collect();
            // A conversation with calls in it always comes with its tools.
            let calls = messages
                .iter()
                .any(|message| !message.tool_calls.is_empty());
            let tool = Tool {
                name: "look".to_owned(),
                description: "Looks.".to_owned(),
                parameters: json!({"type": "object", "properties": {"n": {"type": "integer"}}}),
                strict: None,
                cache: None,
            };
            Chat {
                messages,
                sampling,
                tools: if with_tool || calls {
                    vec![tool]
                } else {
                    Vec::new()
                },
                tool_choice: ToolChoice::Auto,
                reasoning_effort,
                format,
                ..Chat::default()
            }
        },
    )
}

/// Whole answers: text, reasoning, calls, tokens.
pub(super) fn any_response() -> impl Strategy<Value = ChatResponse> {
    let call = (0..9_i32).prop_map(|number| json!({"n": number}).to_string());
    let usage = (0..999_u64, 0..99_u64).prop_map(|(input, output)| Usage {
        input,
        output,
        ..Usage::default()
    });
    (
        option::of(words()),
        option::of(words()),
        vec(call, 0..3),
        usage,
    )
        .prop_map(|(text, reasoning, calls, usage)| ChatResponse {
            id: "answer-1".to_owned(),
            model: "m".to_owned(),
            text: text.unwrap_or_default(),
            reasoning: reasoning
                .map(|text| Reasoning {
                    text,
                    ..Reasoning::default()
                })
                .into_iter()
                .collect(),
            finish: match calls.is_empty() {
                true => FinishReason::Stop,
                false => FinishReason::ToolCalls,
            },
            tool_calls: calls
                .into_iter()
                .enumerate()
                .map(|(index, arguments)| ToolCall {
                    id: format!("call_{index}"),
                    name: "look".to_owned(),
                    arguments,
                    signature: None,
                })
                .collect(),
            usage,
            ..ChatResponse::default()
        })
}

/// What is compared: not the provider's own word for the end, nor the unknown.
fn meant(response: ChatResponse) -> ChatResponse {
    ChatResponse {
        native_finish: String::new(),
        unknown: Vec::new(),
        ..response
    }
}

/// Writes an answer for a client as a stream, and reads it back in pieces of this length.
pub(super) fn streamed_and_read(wire: Wire, response: &ChatResponse, piece: usize) -> ChatResponse {
    let mut encoder = stream_encoder(wire, head()).unwrap();
    let mut bytes = Vec::new();
    for chunk in response.clone().into_chunks() {
        encoder.chunk(&chunk, &mut bytes);
    }
    encoder.finish(&mut bytes);
    let (mut decoder, mut chunks) = (StreamDecoder::new(wire, &Quirks::default()), Vec::new());
    for piece in bytes.chunks(piece) {
        decoder.push(piece, &mut chunks).unwrap();
    }
    decoder.finish(&mut chunks).unwrap();
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    meant(builder.finish())
}

/// Writes a whole answer for a client, and reads it back.
pub(super) fn written_and_read(wire: Wire, response: &ChatResponse) -> ChatResponse {
    let body = serve::encode_response(wire, response, &head()).unwrap();
    meant(decode_response(wire, &body, &Quirks::default()).unwrap())
}

/// Writes a chat as a request, and reads it as the server that gets it would.
pub(super) fn asked_and_read(wire: Wire, chat: &Chat) -> Chat {
    let context = EncodeContext {
        model: "m",
        stream: true,
        quirks: &Quirks::default(),
        default_max_output_tokens: 4096,
    };
    let encoded = encode(wire, chat, &context).unwrap();
    assert!(encoded.dropped.is_empty(), "{:?}", encoded.dropped);
    serve::decode_request(wire, &encoded.body).unwrap().chat
}

fn head() -> AnswerHead {
    AnswerHead {
        id: "answer-1".to_owned(),
        model: "m".to_owned(),
        created_s: 1_795_132_800,
        usage_in_stream: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_chat_request_says_the_same_to_whoever_gets_it(chat in any_chat()) {
        prop_assert_eq!(asked_and_read(Wire::OpenaiChat, &chat), chat);
    }

    #[test]
    fn a_chat_answer_says_the_same_written_and_read(response in any_response(), piece in 1..40_usize) {
        prop_assert_eq!(&written_and_read(Wire::OpenaiChat, &response), &response);
        prop_assert_eq!(&streamed_and_read(Wire::OpenaiChat, &response, piece), &response);
    }

    #[test]
    fn an_ollama_request_says_the_same_to_whoever_gets_it(chat in any_chat()) {
        prop_assert_eq!(asked_and_read(Wire::Ollama, &chat), chat);
    }

    #[test]
    fn an_ollama_answer_says_the_same_written_and_read(response in any_response(), piece in 1..40_usize) {
        // This wire counts reasoning with the answer, and gives answers no id.
        let response = ChatResponse { id: String::new(), ..response };
        prop_assert_eq!(&written_and_read(Wire::Ollama, &response), &response);
        prop_assert_eq!(&streamed_and_read(Wire::Ollama, &response, piece), &response);
    }

    #[test]
    fn no_bytes_make_a_decoder_or_a_reader_of_requests_panic(bytes in vec(any::<u8>(), 0..300), noise in "[\\[\\]{}\":,a-z0-9 \n]{0,200}") {
        for wire in Wire::ALL {
            for body in [&bytes[..], noise.as_bytes(), format!("data: {noise}\n\n").as_bytes()] {
                let (mut decoder, mut chunks) = (StreamDecoder::new(wire, &Quirks::default()), Vec::new());
                if decoder.push(body, &mut chunks).is_ok() {
                    let _ = decoder.finish(&mut chunks);
                }
                let _ = serve::decode_request(wire, body);
            }
        }
    }
}

#[test]
fn an_assistants_text_and_reasoning_stay_parts_of_one_message() {
    let mut thoughtful = Message::text(Role::Assistant, "Yes.");
    thoughtful.parts.insert(
        0,
        ContentPart::Reasoning(Reasoning {
            text: "Hm.".to_owned(),
            ..Reasoning::default()
        }),
    );
    let chat = Chat {
        messages: vec![Message::text(Role::User, "Is it?"), thoughtful],
        ..Chat::default()
    };
    assert_eq!(asked_and_read(Wire::Ollama, &chat), chat);
}
