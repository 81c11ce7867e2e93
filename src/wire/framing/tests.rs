use proptest::prelude::*;

use super::*;

fn events_of(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = SseDecoder::default();
    let mut events: Vec<Event> = pieces
        .iter()
        .flat_map(|piece| decoder.push(piece).unwrap())
        .collect();
    events.extend(decoder.finish());
    events
}

fn data_of(stream: &str) -> Vec<String> {
    events_of(&[stream.as_bytes()])
        .into_iter()
        .map(|event| event.data)
        .collect()
}

#[test]
fn an_event_ends_at_a_blank_line_in_every_spelling_of_a_line_end() {
    assert_eq!(
        data_of("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata:d\n\n"),
        ["a", "b", "c", "d"]
    );
}

#[test]
fn data_lines_are_joined_and_only_one_space_is_taken() {
    assert_eq!(data_of("data: a\ndata:\ndata:  b\n\n"), ["a\n\n b"]);
}

#[test]
fn comments_and_events_without_data_are_none() {
    assert_eq!(
        data_of(": OPENROUTER PROCESSING\n\n: hi\nevent: ping\n\nid: 7\ndata: x\n\n"),
        ["x"]
    );
}

#[test]
fn the_name_may_come_after_the_data() {
    let events = events_of(&[b"data: {}\nevent: message_stop\n\n"]);
    assert_eq!(events[0].name.as_deref(), Some("message_stop"));
}

#[test]
fn the_last_event_counts_without_its_blank_line() {
    assert_eq!(data_of("data: a\n\ndata: [DONE]"), ["a", "[DONE]"]);
}

#[test]
fn an_endless_line_is_refused() {
    let mut decoder = SseDecoder::default();
    let block = vec![b'x'; 1 << 20];
    let refused = (0..20).find_map(|_| decoder.push(&block).err());
    assert_eq!(refused, Some(crate::wire::WireError::TooLong("an event")));
}

fn frames_of(pieces: &[&[u8]]) -> (Vec<Event>, Result<(), crate::wire::WireError>) {
    let (mut decoder, mut events) = (EventStreamDecoder::default(), Vec::new());
    let read = pieces
        .iter()
        .try_for_each(|piece| decoder.push(piece, &mut events));
    (events, read)
}

#[test]
fn a_frame_is_an_event_an_exception_or_an_error() {
    let event = [(":message-type", "event"), (":event-type", "chunk")];
    let exception = [
        (":message-type", "exception"),
        (":exception-type", "throttlingException"),
    ];
    let error = [
        (":message-type", "error"),
        (":error-code", "500"),
        (":error-message", "boom"),
    ];
    let stream = [
        frame(&event, b"{}"),
        frame(&exception, b"{\"message\":\"slow\"}"),
        frame(&error, b""),
    ];
    let (events, read) = frames_of(&[&stream.concat()]);
    assert_eq!(read, Ok(()));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.name.as_deref().unwrap(), event.data.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("chunk", "{}"),
            ("exception:throttlingException", "{\"message\":\"slow\"}"),
            ("error:500", "{\"message\":\"boom\"}"),
        ]
    );
}

#[test]
fn the_checksum_is_the_one_of_ieee() {
    // A frame without headers and payload, with checksums computed by zlib.
    let shortest = [
        0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ];
    assert_eq!(frame(&[], b""), shortest);
    assert_eq!(frames_of(&[&shortest]).0.len(), 1);
}

#[test]
fn a_frame_with_a_changed_byte_is_refused_and_what_came_before_is_kept() {
    let whole = frame(&[(":event-type", "chunk")], b"{\"a\":1}");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let (events, read) = frames_of(&[&whole, &changed]);
        assert_eq!(events.len(), 1, "byte {at}");
        assert!(
            matches!(read, Err(crate::wire::WireError::Malformed(_))),
            "byte {at}: {read:?}"
        );
    }
}

#[test]
fn a_frame_that_claims_to_be_endless_is_refused_at_once() {
    let mut prelude = vec![0x7f, 0, 0, 0, 0, 0, 0, 0];
    // The checksum of these lengths, computed with zlib.
    let checksum = 0x1052_5c55_u32;
    prelude.extend_from_slice(&checksum.to_be_bytes());
    let (_, read) = frames_of(&[&prelude]);
    assert_eq!(read, Err(crate::wire::WireError::TooLong("a frame")));
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_frames(
        payloads in prop::collection::vec("[a-z{}\":]{0,40}", 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(&[(":event-type", "x")], payload.as_bytes())).collect();
        bytes.extend_from_slice(&tail);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(frames_of(&pieces), frames_of(&[&bytes]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_events(
        lines in prop::collection::vec(("(data|event|id|:|error)?:? ?[a-zäß{}\":]{0,12}", prop::sample::select(vec!["\n", "\r\n", "\r"])), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream: String = lines.iter().map(|(line, end)| format!("{line}{end}")).collect();
        let bytes = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(events_of(&pieces), events_of(&[bytes]));
    }

    #[test]
    fn any_split_of_the_bytes_gives_the_same_lines(bytes in prop::collection::vec(prop::sample::select(b"ab{}\n\r ".to_vec()), 0..200), at in any::<prop::sample::Index>()) {
        let lines_of = |pieces: &[&[u8]]| {
            let mut decoder = NdjsonDecoder::default();
            let mut lines: Vec<Vec<u8>> = pieces.iter().flat_map(|piece| decoder.push(piece).unwrap()).collect();
            lines.extend(decoder.finish());
            lines
        };
        let (head, tail) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(lines_of(&[head, tail]), lines_of(&[&bytes]));
    }
}
