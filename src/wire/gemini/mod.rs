//! Google's generateContent and streamGenerateContent, as the Gemini API and Vertex AI speak it.
//! Sources: googleapis/python-genai (2026-08-21) and the pages of ai.google.dev, read 2026-08.

mod answer;
mod contents;
mod finish;
mod partial_args;
mod request;
mod schema;
mod serve_answer;
mod serve_contents;
mod serve_request;
#[cfg(test)]
mod serve_tests;
mod settings;
#[cfg(test)]
mod tests;
mod usage;

pub(super) use answer::Stream;
pub(super) use request::encode;
pub(super) use serve_answer::Writer;
pub(super) use serve_answer::encode_response;
pub(super) use serve_answer::error_body;
pub(super) use serve_request::decode_request;

/// Stands for the signature of a call that has none: Gemini 3 refuses a call of the current turn without one
/// (ai.google.dev, "Thought signatures", read 2026-08).
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// `true` for models of the third generation and later, which sign calls, take JSON answers beside tools and
/// pictures in a tool's result. The aliases without a number follow the newest model (2026-08).
fn is_third_generation(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let Some(rest) = name.strip_prefix("gemini-") else {
        return false;
    };
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    match number.parse::<u32>() {
        Ok(generation) => generation >= 3,
        Err(_) => rest.ends_with("-latest"),
    }
}
