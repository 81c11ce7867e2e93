//! What every target does: the bytes are an answer, an error and a request, whole and in two pieces.

use agon::types::ResponseBuilder;
use agon::types::Wire;
use agon::types::quirks::Quirks;
use agon::wire::ErrorParts;
use agon::wire::reading::Reading;
use agon::wire::reading::read;
use agon::wire::serve::AnswerHead;
use agon::wire::serve::decode_request;
use agon::wire::serve::encode_response;
use agon::wire::serve::stream_encoder;

/// The first byte says where the bytes are cut, and with which status they come.
pub fn try_all(wire: Wire, input: &[u8]) {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let whole = answer(wire, 200, body, body.len().max(1));
    let cut = answer(wire, 200, body, usize::from(*first).max(1));
    assert_eq!(whole.response, cut.response, "cut after {first} bytes");
    let _ = answer(wire, 400 + u16::from(*first) % 130, body, 64);
    let _ = decode_request(wire, body);
    say(wire, &whole);
}

fn answer(wire: Wire, status: u16, body: &[u8], piece: usize) -> Reading {
    let parts = ErrorParts {
        status,
        header: &|_| None,
        body,
        now_ms: 0,
    };
    read(wire, &Quirks::default(), &parts, body.chunks(piece))
}

/// Whatever was read can be written for a client.
fn say(wire: Wire, reading: &Reading) {
    let head = AnswerHead {
        id: "a".to_owned(),
        model: "m".to_owned(),
        created_s: 0,
        usage_in_stream: true,
    };
    let _ = encode_response(wire, &reading.response, &head);
    let Ok(mut encoder) = stream_encoder(wire, head) else {
        return;
    };
    let (mut out, mut builder) = (Vec::new(), ResponseBuilder::default());
    for chunk in reading.response.clone().into_chunks() {
        encoder.chunk(&chunk, &mut out);
        builder.push(&chunk);
    }
    encoder.finish(&mut out);
}
