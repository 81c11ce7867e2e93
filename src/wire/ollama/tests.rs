use proptest::prelude::*;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Wire;
use crate::types::quirks::OllamaOptions;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::rich_chat::encoded;
use crate::wire::rich_chat::read_stream;

const STREAM: &str = concat!(
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"Let\"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hï\"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":3}\n",
);

fn read(pieces: &[&[u8]]) -> Result<ChatResponse, WireError> {
    read_stream(Wire::Ollama, pieces)
}

#[test]
fn a_stream_reads_as_one_answer_and_stop_after_a_call_means_tool_calls() {
    let answer = read(&[STREAM.as_bytes()]).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.reasoning_text().as_str()),
        ("Hï", "Let")
    );
    assert_eq!(
        (
            answer.tool_calls[0].id.as_str(),
            answer.tool_calls[0].arguments.as_str()
        ),
        ("call_0", "{\"a\":1}")
    );
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    assert_eq!((answer.usage.input, answer.usage.output), (0, 3));
}

#[test]
fn a_stream_without_its_last_line_broke_off() {
    let lines: Vec<&str> = STREAM.split_inclusive('\n').collect();
    assert_eq!(
        read(&[lines[..3].concat().as_bytes()]),
        Err(WireError::Truncated)
    );
    assert_eq!(read(&[&STREAM.as_bytes()[..40]]), Err(WireError::Truncated));
}

#[test]
fn an_error_line_is_an_error() {
    let stream = b"{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"error\":\"llama runner process has terminated\"}\n";
    assert!(
        matches!(read(&[stream]), Err(WireError::Upstream(_, message)) if message.contains("terminated"))
    );
}

#[test]
fn a_whole_answer_is_one_line() {
    let body = br#"{"model":"m","message":{"role":"assistant","content":"Hi"},"done":true,"done_reason":"length","prompt_eval_count":26,"eval_count":298}"#;
    let answer = decode_response(Wire::Ollama, body, &Quirks::default()).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.finish, answer.usage.input),
        ("Hi", FinishReason::Length, 26)
    );
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(Wire::Ollama, &Quirks::default()));
}

#[test]
fn what_is_asked_of_the_server_stands_beside_the_chat() {
    let quirks = Quirks {
        ollama: OllamaOptions {
            keep_alive: Some("10m".parse().unwrap()),
            num_ctx: Some(8192),
            refuse_overlong: true,
        },
        ..Quirks::default()
    };
    let written = encoded(Wire::Ollama, &quirks);
    for part in [
        r#""keep_alive": "10m""#,
        r#""num_ctx": 8192"#,
        r#""truncate": false"#,
    ] {
        assert!(written.contains(part), "{part} is missing in {written}");
    }
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(at in any::<prop::sample::Index>()) {
        let (head, tail) = STREAM.as_bytes().split_at(at.index(STREAM.len() + 1));
        prop_assert_eq!(read(&[head, tail]), read(&[STREAM.as_bytes()]));
    }
}

#[test]
fn a_whole_answer_may_stand_in_many_lines() {
    let value = serde_json::json!({"model": "m", "message": {"content": "Hï"}, "done": true, "done_reason": "stop", "eval_count": 3});
    let pretty = format!("{value:#}");
    for body in [pretty.clone(), pretty.replace('\n', "\r\n")] {
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        for pieces in [&[body.as_bytes()][..], &bytes] {
            let answer = read(pieces).unwrap();
            assert_eq!((answer.text.as_str(), answer.usage.output), ("Hï", 3));
        }
    }
}

#[test]
fn the_last_line_may_have_no_message() {
    let stream = b"{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"done\":true,\"done_reason\":\"length\",\"eval_count\":1}\n";
    let answer = read(&[stream]).unwrap();
    assert_eq!(answer.text, "a");
    assert_eq!(
        (answer.finish, answer.usage.output),
        (FinishReason::Length, 1)
    );
}
