//! The wire shapes of both dialects. Text is plain ASCII, so nothing needs JSON escaping.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;

use crate::behaviour::MODELS;

const CREATED: u64 = 1_750_000_000;
const WORDS: &str = "the quick brown fox jumps over the lazy dog and runs on ";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
}

struct Canned {
    openai: Bytes,
    anthropic: Bytes,
}

impl Canned {
    fn new(model: &str, text: &str) -> Self {
        let tokens = text.len() / 4;
        let openai = format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":{CREATED},"model":"{model}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":250,"completion_tokens":{tokens},"total_tokens":{}}},"system_fingerprint":"fp_bench"}}"#,
            250 + tokens
        );
        let anthropic = format!(
            r#"{{"id":"msg_bench","type":"message","role":"assistant","model":"{model}","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":250,"output_tokens":{tokens}}}}}"#
        );
        Self {
            openai: openai.into(),
            anthropic: anthropic.into(),
        }
    }

    fn get(&self, dialect: Dialect) -> Bytes {
        match dialect {
            Dialect::OpenAi => self.openai.clone(),
            Dialect::Anthropic => self.anthropic.clone(),
        }
    }
}

/// About 1 KB.
pub fn small(dialect: Dialect) -> Bytes {
    static SMALL: LazyLock<Canned> = LazyLock::new(|| Canned::new("fast", &text(700)));
    SMALL.get(dialect)
}

/// About 1 MB.
pub fn big(dialect: Dialect) -> Bytes {
    static BIG: LazyLock<Canned> = LazyLock::new(|| Canned::new("big", &text(1 << 20)));
    BIG.get(dialect)
}

fn text(length: usize) -> String {
    WORDS.chars().cycle().take(length).collect()
}

/// Before the first piece of text.
pub fn opening(dialect: Dialect, model: &str) -> Bytes {
    match dialect {
        Dialect::OpenAi => openai_chunk(model, r#"{"role":"assistant","content":""}"#, "null"),
        Dialect::Anthropic => format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{{\"input_tokens\":250,\"output_tokens\":1}}}}}}\n\n\
             event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
        ),
    }
    .into()
}

/// One piece of text; `#stream.number@sent_us;` lets the receiver check order and compute the delay.
pub fn chunk(dialect: Dialect, model: &str, id: u64, number: usize, sent_us: u64) -> Bytes {
    let text = format!("#{id}.{number}@{sent_us}; lorem ipsum ");
    match dialect {
        Dialect::OpenAi => openai_chunk(model, &format!(r#"{{"content":"{text}"}}"#), "null"),
        Dialect::Anthropic => format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        ),
    }
    .into()
}

/// After the last piece of text.
pub fn closing(dialect: Dialect, model: &str, chunks: usize, usage: bool) -> Bytes {
    match dialect {
        Dialect::OpenAi => {
            let mut out = openai_chunk(model, "{}", "\"stop\"");
            if usage {
                out += &format!(
                    "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":\"{model}\",\"choices\":[],\"usage\":{{\"prompt_tokens\":250,\"completion_tokens\":{chunks},\"total_tokens\":{}}}}}\n\n",
                    250 + chunks
                );
            }
            out + "data: [DONE]\n\n"
        }
        Dialect::Anthropic => format!(
            "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
             event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{chunks}}}}}\n\n\
             event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ),
    }
    .into()
}

fn openai_chunk(model: &str, delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":\"{model}\",\"system_fingerprint\":\"fp_bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
    )
}

pub fn error(dialect: Dialect, status: StatusCode, message: &str) -> String {
    let (kind, code) = match status {
        StatusCode::TOO_MANY_REQUESTS => ("rate_limit_error", "rate_limit_exceeded"),
        StatusCode::NOT_FOUND => ("not_found_error", "model_not_found"),
        StatusCode::BAD_REQUEST => ("invalid_request_error", "invalid_request"),
        _ => ("api_error", "server_error"),
    };
    match dialect {
        Dialect::OpenAi => format!(
            r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#
        ),
        Dialect::Anthropic => {
            format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
        }
    }
}

pub fn models() -> String {
    let row = |(name, _): &(&str, _)| {
        format!(r#"{{"id":"{name}","object":"model","created":{CREATED},"owned_by":"bench"}}"#)
    };
    let rows: Vec<_> = MODELS.iter().map(row).collect();
    format!(r#"{{"object":"list","data":[{}]}}"#, rows.join(","))
}
