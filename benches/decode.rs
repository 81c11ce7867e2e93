//! What one chunk of a streamed answer costs: reading it on each wire, and translating it to OpenAI's chat wire.
//!
//! A stream has 200 chunks of one word each and arrives in pieces of one chunk, as it does from a network. The items
//! of the report are chunks; allocations are those of the whole stream.

use agon::client::LlmError;
use agon::types::ChatChunk;
use agon::types::Delta;
use agon::types::FinishReason;
use agon::types::Usage;
use agon::types::Wire;
use agon::types::quirks::Quirks;
use agon::wire::StreamDecoder;
use agon::wire::serve::AnswerHead;
use agon::wire::serve::StreamEncoder;
use agon::wire::serve::stream_encoder;
use divan::AllocProfiler;
use divan::Bencher;
use divan::counter::ItemsCount;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const CHUNKS: usize = 200;

/// All wires that stream.
const WIRES: [&str; 7] = [
    "openai_chat",
    "openai_responses",
    "anthropic",
    "gemini",
    "ollama",
    "cohere",
    "bedrock",
];

fn main() {
    divan::main();
}

/// Bytes to chunks.
#[divan::bench(args = WIRES)]
fn decode(bencher: Bencher<'_, '_>, wire: &str) {
    let (wire, pieces) = (named(wire), stream(named(wire)));
    bencher
        .counter(ItemsCount::new(CHUNKS))
        .bench(|| read(wire, &pieces, &mut Nobody));
}

/// Bytes to chunks to the bytes of OpenAI's chat wire.
#[divan::bench(args = WIRES)]
fn translate(bencher: Bencher<'_, '_>, wire: &str) {
    let (wire, pieces) = (named(wire), stream(named(wire)));
    bencher.counter(ItemsCount::new(CHUNKS)).bench(|| {
        let mut writer = stream_encoder(Wire::OpenaiChat, head()).expect("clients speak it");
        read(wire, &pieces, writer.as_mut())
    });
}

fn read(wire: Wire, pieces: &[Vec<u8>], writer: &mut dyn StreamEncoder) -> usize {
    let mut decoder = StreamDecoder::new(wire, &Quirks::default());
    let (mut chunks, mut out) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for piece in pieces {
        decoder
            .push(piece, &mut chunks)
            .expect("it is a good stream");
        for chunk in chunks.drain(..) {
            writer.chunk(&chunk, &mut out);
        }
        bytes += out.len();
        out.clear();
    }
    decoder.finish(&mut chunks).expect("it is a whole stream");
    writer.finish(&mut out);
    bytes + out.len()
}

/// Throws away what it is given.
#[derive(Debug)]
struct Nobody;

impl StreamEncoder for Nobody {
    fn chunk(&mut self, chunk: &ChatChunk, _out: &mut Vec<u8>) {
        divan::black_box(chunk);
    }

    fn finish(&mut self, _out: &mut Vec<u8>) {}

    fn fail(&mut self, _error: &LlmError, _out: &mut Vec<u8>) {}
}

fn named(name: &str) -> Wire {
    let mut wires = Wire::ALL.into_iter();
    wires
        .find(|wire| wire.as_str() == name)
        .expect("it is one of ours")
}

fn head() -> AnswerHead {
    AnswerHead {
        id: "chatcmpl-0123456789abcdef".to_owned(),
        model: "a-model-of-2026".to_owned(),
        created_s: 1_795_132_800,
        usage_in_stream: true,
    }
}

/// A stream of this wire, one piece for each chunk.
fn stream(wire: Wire) -> Vec<Vec<u8>> {
    match wire {
        Wire::Cohere => cohere(),
        Wire::Bedrock => bedrock(),
        _ => written(wire),
    }
}

fn written(wire: Wire) -> Vec<Vec<u8>> {
    let mut writer = stream_encoder(wire, head()).expect("clients speak it");
    let mut pieces = Vec::new();
    for _ in 0..CHUNKS {
        let mut piece = Vec::new();
        let word = ChatChunk {
            delta: Delta {
                text: " word".to_owned(),
                ..Delta::default()
            },
            ..ChatChunk::default()
        };
        writer.chunk(&word, &mut piece);
        pieces.push(piece);
    }
    let mut last = Vec::new();
    let end = ChatChunk {
        finish: Some(FinishReason::Stop),
        usage: Some(Usage {
            input: 9,
            output: CHUNKS as u64,
            ..Usage::default()
        }),
        ..ChatChunk::default()
    };
    writer.chunk(&end, &mut last);
    writer.finish(&mut last);
    pieces.push(last);
    pieces
}

fn cohere() -> Vec<Vec<u8>> {
    let event = |name: &str, data: &str| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\",{data}}}\n\n").into_bytes()
    };
    let start = "\"id\":\"1\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[]}}";
    let word = "\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\" word\"}}}";
    let end = "\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":9,\"output_tokens\":200}}}";
    let mut pieces = vec![event("message-start", start)];
    pieces.resize(CHUNKS + 1, event("content-delta", word));
    pieces.push(event("message-end", end));
    pieces
}

fn bedrock() -> Vec<Vec<u8>> {
    let word = "{\"contentBlockIndex\":0,\"delta\":{\"text\":\" word\"},\"p\":\"abcdefghijkl\"}";
    let mut pieces = vec![frame("messageStart", "{\"role\":\"assistant\"}")];
    pieces.resize(CHUNKS + 1, frame("contentBlockDelta", word));
    pieces.push(frame("messageStop", "{\"stopReason\":\"end_turn\"}"));
    pieces
}

/// One frame of an AWS event stream.
fn frame(kind: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    let told = [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    for (name, value) in told {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = (16 + headers.len() + payload.len()) as u32;
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    let check = crc32(&frame);
    frame.extend_from_slice(&check.to_be_bytes());
    frame
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    };
    !bytes.iter().fold(!0, step)
}
