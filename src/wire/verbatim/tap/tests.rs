use proptest::prelude::*;

use super::*;
use crate::types::FinishReason;

const CHAT: &str = concat!(
    ": hello\n\n",
    "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"the \\\"usage\\\": {x}\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\n",
    "data: [DONE]\n\n",
);

/// Pushes a text in pieces of these lengths; gives what was passed on and what was told.
fn pass(tap: &mut Tap, text: &str, cuts: &[usize]) -> (String, ChatChunk, Option<WireError>) {
    let (mut out, mut told, mut failed) = (Vec::new(), ChatChunk::default(), None);
    let mut take = |passed: Passed| {
        out.extend_from_slice(&passed.frame);
        told.usage = passed.told.usage.or(told.usage);
        told.finish = passed.told.finish.or(told.finish);
        failed = failed.take().or(passed.failed);
    };
    let mut rest = Bytes::copy_from_slice(text.as_bytes());
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        take(tap.push(rest.split_to((*cut).clamp(1, rest.len()))));
    }
    take(tap.finish());
    (String::from_utf8(out).unwrap(), told, failed)
}

fn tap(wire: Wire, hides_usage: bool) -> Tap {
    Tap::new(wire, &Quirks::default(), hides_usage)
}

proptest! {
    #[test]
    fn every_byte_is_passed_on_and_the_usage_is_read_however_the_stream_is_cut(
        cuts in prop::collection::vec(1_usize..90, 1..8),
    ) {
        let (out, told, failed) = pass(&mut tap(Wire::OpenaiChat, false), CHAT, &cuts);
        prop_assert_eq!(out, CHAT);
        prop_assert_eq!(failed, None);
        prop_assert_eq!(told.finish, Some(FinishReason::Stop));
        let usage = told.usage.unwrap();
        prop_assert_eq!((usage.input, usage.output), (5, 7));
    }

    #[test]
    fn usage_that_nobody_asked_for_is_read_and_not_passed_on(
        cuts in prop::collection::vec(1_usize..400, 1..8),
    ) {
        let (out, told, failed) = pass(&mut tap(Wire::OpenaiChat, true), CHAT, &cuts);
        let wanted: String = CHAT.split_inclusive("\n\n").filter(|event| !event.contains("\"choices\":[]")).collect();
        prop_assert_eq!(out, wanted);
        prop_assert_eq!(failed, None);
        prop_assert_eq!(told.usage.unwrap().output, 7);
    }
}

#[test]
fn an_error_takes_the_place_of_what_comes_with_it() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    for hides_usage in [false, true] {
        let mut tap = tap(Wire::OpenaiChat, hides_usage);
        let passed = tap.push(Bytes::from_static(text.as_bytes()));
        assert!(
            matches!(passed.failed, Some(WireError::Upstream(..))),
            "{passed:?}"
        );
        assert!(passed.frame.ends_with(b"}]}\n\n"), "{passed:?}");
    }
}

#[test]
fn the_end_of_an_answer_that_was_given_up_is_not_passed_on() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
    for hides_usage in [false, true] {
        let mut tap = tap(Wire::OpenaiChat, hides_usage);
        let passed = tap.push(Bytes::from_static(text.as_bytes()));
        assert_eq!(passed.failed, Some(WireError::Truncated));
        assert!(passed.frame.ends_with(b"}]}\n\n"), "{passed:?}");
    }
}

#[test]
fn an_event_of_megabytes_is_held_back_whole_and_read_once() {
    let picture = "A".repeat(8 << 20);
    let text = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"image\":\"{picture}\"}},\"finish_reason\":\"stop\"}}]}}\r\n\r\n"
    );
    let mut tap = tap(Wire::OpenaiChat, true);
    // Looked at from its beginning with every piece, it would take minutes.
    let (out, told, failed) = pass(&mut tap, &text, &[512]);
    assert_eq!((out.len(), failed), (text.len(), None));
    assert_eq!(told.finish, Some(FinishReason::Stop));
}

#[test]
fn a_stream_without_its_end_is_truncated() {
    let (cut, _) = CHAT.split_at(CHAT.find("finish_reason\":\"stop").unwrap());
    let (out, _, failed) = pass(&mut tap(Wire::OpenaiChat, false), cut, &[50]);
    assert_eq!((out.as_str(), failed), (cut, Some(WireError::Truncated)));
}

#[test]
fn the_other_wires_are_read_along_too() {
    let anthropic = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let (out, told, failed) = pass(&mut tap(Wire::Anthropic, true), anthropic, &[33]);
    assert_eq!((out.as_str(), failed), (anthropic, None));
    let usage = told.usage.unwrap();
    assert_eq!((usage.input, usage.output), (9, 4));

    let ollama = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n";
    let (out, told, failed) = pass(&mut tap(Wire::Ollama, false), ollama, &[20]);
    assert_eq!((out.as_str(), failed), (ollama, None));
    assert_eq!(told.usage.unwrap().output, 2);

    let responses = concat!(
        "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r1\",\"model\":\"m\"}}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"hi\"}\n\n",
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}}\n\n",
    );
    let (out, told, failed) = pass(&mut tap(Wire::OpenaiResponses, false), responses, &[70]);
    assert_eq!((out.as_str(), failed), (responses, None));
    assert_eq!(told.usage.unwrap().input, 2);
}
