use proptest::prelude::*;

use crate::client::LlmErrorKind;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Wire;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::MaxTokensField;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::wire::StreamDecoder;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::rich_chat::encoded;
use crate::wire::rich_chat::read_stream;

const STREAM: &str = concat!(
    ": OPENROUTER PROCESSING\n\n",
    "data: {\"id\":\"\",\"model\":\"\",\"choices\":[]}\n\n",
    "data: {\"id\":\"c1\",\"model\":\"m-2026\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\r\n\r\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}},{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":6},\"completion_tokens_details\":{\"reasoning_tokens\":4}}}\n\n",
    "data: {\"choices\":[],\"usage\":null,\"moderation\":{}}\n\n",
    "data: [DONE]\n\n",
);

fn read(pieces: &[&[u8]]) -> Result<ChatResponse, WireError> {
    read_stream(Wire::OpenaiChat, pieces)
}

#[test]
fn a_stream_with_every_oddity_reads_as_one_answer() {
    let answer = read(&[STREAM.as_bytes()]).unwrap();
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("c1", "m-2026")
    );
    assert_eq!(
        (answer.text.as_str(), answer.reasoning_text().as_str()),
        ("Grüße", "hm")
    );
    assert_eq!(answer.tool_calls[0].id, "call_a");
    assert_eq!(answer.tool_calls[0].arguments, "{\"x\":1}");
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    let usage = answer.usage;
    assert_eq!(
        (usage.input, usage.cache_read, usage.output, usage.reasoning),
        (10, 6, 5, 4)
    );
}

#[test]
fn done_without_a_finish_reason_is_not_complete() {
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
    assert_eq!(read(&[cut.as_bytes()]), Err(WireError::Truncated));
}

#[test]
fn an_error_in_the_middle_is_an_error_in_every_spelling() {
    let spellings = [
        "data: {\"error\":{\"message\":\"boom\",\"code\":\"server_is_overloaded\"}}\n\n",
        "event: error\ndata: {\"error\":{\"message\":\"boom\",\"code\":503}}\n\n",
        "error: {\"code\":503,\"message\":\"boom\",\"type\":\"unavailable_error\"}\n\n",
        "data: {\"error\":\"boom\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
    ];
    for spelling in spellings {
        let stream =
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}}}}]}}\n\n{spelling}");
        let kind = match read(&[stream.as_bytes()]) {
            Err(WireError::Upstream(kind, message)) if message == "boom" => kind,
            other => panic!("{spelling}: {other:?}"),
        };
        assert!(
            matches!(kind, LlmErrorKind::Overloaded { .. }),
            "{spelling}: {kind:?}"
        );
    }
}

#[test]
fn a_provider_that_ignores_stream_is_understood() {
    let body = "\n  {\"id\":\"c\",\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"eos\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}";
    let answer = read(&[body.as_bytes()]).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.finish, answer.usage.output),
        ("hi", FinishReason::Stop, 2)
    );
}

#[test]
fn garbage_is_called_malformed() {
    for garbage in [
        "<html>busy</html>",
        "data: {\"choices\":[\n\n",
        "data: hello\n\n",
    ] {
        let read = read(&[garbage.as_bytes()]);
        assert!(
            matches!(read, Err(WireError::Malformed(_))),
            "{garbage}: {read:?}"
        );
    }
    assert_eq!(read(&[]), Err(WireError::Truncated));
}

#[test]
fn reasoning_outside_of_completion_tokens_is_added_not_subtracted() {
    let body = br#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":432,"completion_tokens":68,"completion_tokens_details":{"reasoning_tokens":136}}}"#;
    let quirks = Quirks {
        reasoning_outside_completion: true,
        ..Quirks::default()
    };
    let usage = decode_response(Wire::OpenaiChat, body, &quirks)
        .unwrap()
        .usage;
    assert_eq!(
        (usage.output, usage.reasoning, usage.total_tokens()),
        (68, 136, 636)
    );
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(Wire::OpenaiChat, &Quirks::default()));
}

#[test]
fn quirks_change_the_request_and_what_is_lost_is_told() {
    let quirks = Quirks {
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
        drop_params: [Param::Temperature, Param::Stop].into(),
        json: JsonSupport::Object,
        ..Quirks::default()
    };
    insta::assert_snapshot!(encoded(Wire::OpenaiChat, &quirks));
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let bytes = STREAM.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces), read(&[bytes]));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), json in "data: [\\[\\]{}\":,a-z0-9 ]{0,80}\n\n") {
        let _ = read(&[json.as_bytes(), &bytes]);
    }
}

/// The calls of a stream of these deltas: id, name, arguments.
fn calls(deltas: &[serde_json::Value]) -> Vec<(String, String, String)> {
    let chunk = |delta: &serde_json::Value| {
        format!(
            "data: {}\n\n",
            serde_json::json!({"choices": [{"index": 0, "delta": delta}]})
        )
    };
    let mut stream: String = deltas.iter().map(chunk).collect();
    stream.push_str("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n");
    let answer = read(&[stream.as_bytes()]).unwrap();
    let calls = answer.tool_calls.into_iter();
    calls
        .map(|call| (call.id, call.name, call.arguments))
        .collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn calls_are_told_apart_however_a_provider_numbers_them() {
    use serde_json::json;
    let piece = |index: Option<u64>, id: Option<&str>, name: Option<&str>, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        match index {
            Some(index) => json!({"index": index, "id": id, "function": function}),
            None => json!({"id": id, "function": function}),
        }
    };
    let both = [call("a", "f", "{\"x\":1}"), call("b", "g", "{\"y\":2}")];
    let from_one = [
        json!({"tool_calls": [piece(Some(1), Some("a"), Some("f"), "")]}),
        json!({"tool_calls": [piece(Some(2), Some("b"), Some("g"), "{\"y\"")]}),
        json!({"tool_calls": [piece(Some(1), None, None, "{\"x\":1}")]}),
        json!({"tool_calls": [piece(Some(2), Some(""), Some(""), ":2}")]}),
    ];
    assert_eq!(calls(&from_one), both);
    let all_zero = [
        json!({"tool_calls": [piece(Some(0), Some("a"), Some("f"), "{\"x\":1}")]}),
        json!({"tool_calls": [piece(Some(0), Some("b"), Some("g"), "{\"y\"")]}),
        json!({"tool_calls": [piece(Some(0), None, None, ":2}")]}),
    ];
    assert_eq!(calls(&all_zero), both);
    let nameless = [json!({"tool_calls": [
        piece(None, None, Some("f"), "{\"x\":1}"),
        piece(None, None, Some("g"), "{\"y\":2}"),
    ]})];
    assert_eq!(
        calls(&nameless),
        [call("", "f", "{\"x\":1}"), call("", "g", "{\"y\":2}")]
    );
    let same_id = [json!({"tool_calls": [
        piece(None, Some("a"), Some("f"), "{\"x\":1}"),
        piece(None, Some("a"), Some("g"), "{\"y\":2}"),
    ]})];
    assert_eq!(calls(&same_id).len(), 2);
    let repeated = [
        json!({"tool_calls": [piece(Some(0), Some("a"), Some("f"), "{\"x\"")]}),
        json!({"tool_calls": [piece(Some(0), Some("a"), Some("f"), ":1}")]}),
    ];
    assert_eq!(calls(&repeated), both[..1]);
}

#[test]
fn a_name_that_comes_in_pieces_is_whole_in_every_dialect() {
    use crate::wire::serve;
    use serde_json::json;
    let piece = |index: u64, id: Option<&str>, name: Option<&str>, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"tool_calls": [{"index": index, "id": id, "function": function}]})
    };
    let deltas = [
        piece(0, Some("a"), Some("ad"), ""),
        piece(0, None, Some("d"), ""),
        piece(0, None, None, "{\"x\":1}"),
        piece(1, Some("b"), Some("mul"), ""),
        piece(1, None, Some("tiply"), "{\"y\":2}"),
        // One server says the whole name again, another asks for nothing.
        piece(2, Some("c"), Some("now"), ""),
        piece(2, Some("c"), Some("now"), ""),
    ];
    let wanted = [
        call("a", "add", "{\"x\":1}"),
        call("b", "multiply", "{\"y\":2}"),
        call("c", "now", "{}"),
    ];
    assert_eq!(calls(&deltas), wanted);

    let mut decoder = StreamDecoder::new(Wire::OpenaiChat, &Quirks::default());
    let mut chunks = Vec::new();
    for delta in &deltas {
        let event = json!({"choices": [{"index": 0, "delta": delta}]});
        let event = format!("data: {event}\n\n");
        decoder.push(event.as_bytes(), &mut chunks).unwrap();
    }
    let end = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    decoder.push(end, &mut chunks).unwrap();
    for wire in [
        Wire::Anthropic,
        Wire::OpenaiResponses,
        Wire::Gemini,
        Wire::Ollama,
    ] {
        let head = serve::AnswerHead {
            id: "i".to_owned(),
            model: "m".to_owned(),
            created_s: 1,
            usage_in_stream: true,
        };
        let mut encoder = serve::stream_encoder(wire, head).unwrap();
        let mut written = Vec::new();
        for chunk in &chunks {
            encoder.chunk(chunk, &mut written);
        }
        encoder.finish(&mut written);
        let written = String::from_utf8(written).unwrap();
        for name in ["\"add\"", "\"multiply\"", "\"now\""] {
            assert!(written.contains(name), "{wire}: no {name} in {written}");
        }
    }
}

#[test]
fn a_reason_to_end_is_understood_in_other_words_and_in_capitals() {
    for (word, meant) in [
        ("MAX_TOKENS", FinishReason::Length),
        ("max_output_tokens", FinishReason::Length),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("STOP", FinishReason::Stop),
    ] {
        let stream = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"finish_reason\":\"{word}\"}}]}}\n\n"
        );
        assert_eq!(read(&[stream.as_bytes()]).unwrap().finish, meant, "{word}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_an_answer() {
    let body =
        "\u{feff}{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";
    let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
    assert_eq!(read(&bytes).unwrap().text, "hi");
    assert_eq!(read(&[body.as_bytes()]).unwrap().text, "hi");
    let stream = format!("\u{feff}{STREAM}");
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(read(&bytes).unwrap().text, "Grüße");
}

#[test]
fn the_words_of_a_proxy_are_no_answer_that_broke_off() {
    for words in [
        "no healthy upstream",
        "\u{1f}\u{8b}zipped",
        "busy: try later\n\n",
    ] {
        let read = read(&[words.as_bytes()]);
        assert!(
            matches!(read, Err(WireError::Malformed(_))),
            "{words}: {read:?}"
        );
    }
    for cut in [": waiting\n\n", "dat", "event: x\n", "\n"] {
        assert_eq!(read(&[cut.as_bytes()]), Err(WireError::Truncated), "{cut}");
    }
}

#[test]
fn what_is_not_read_of_an_answer_is_named() {
    let stream = concat!(
        "data: {\"citations\":[\"https://a.example\"],\"choices\":[{\"delta\":{\"content\":\"a\",\"annotations\":[{\"type\":\"url_citation\"}],\"images\":[]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"annotations\":[]},\"finish_reason\":\"stop\"}]}\n\n",
    );
    let answer = read(&[stream.as_bytes()]).unwrap();
    assert_eq!(answer.unknown, ["citations", "annotations"]);
}

#[test]
fn cached_tokens_beside_the_prompt_are_part_of_it() {
    let body = br#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"cached_tokens":4}}"#;
    let usage = read(&[body]).unwrap().usage;
    assert_eq!((usage.input, usage.cache_read), (6, 4));
}
