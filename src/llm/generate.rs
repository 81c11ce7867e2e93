//! Answers as values: asked for by schema, checked, and mended once.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Answer;
use super::Ask;
use super::Llm;
use super::json::Form;
use crate::client::LlmError;
use crate::types::Message;
use crate::types::NanoUsd;
use crate::types::Role;
use crate::types::Usage;

/// A value that a model made.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated<T> {
    /// The value; it satisfies the schema.
    pub value: T,
    /// The answer that held it.
    pub answer: Answer,
    /// Tokens of all calls.
    pub usage: Usage,
    /// What all calls cost; `None` when the price is not known.
    pub cost: Option<NanoUsd>,
    /// `true` when the first answer did not satisfy the schema and a second one did.
    pub repaired: bool,
}

/// Why there is no value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JsonError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] LlmError),
    /// The schema is none: mend it.
    #[error("the schema cannot be used: {0}")]
    Schema(String),
    /// The model declines to answer, or its provider held the answer back.
    #[error("{} declines to answer: {text}", answer.model)]
    Refused {
        /// What it says instead.
        text: String,
        /// The answer.
        answer: Box<Answer>,
    },
    /// Neither the answer nor the mended one satisfies the schema.
    #[error("the answer of {} is not what was asked for: {}", answer.model, problems.join("; "))]
    Invalid {
        /// What is wrong with it.
        problems: Vec<String>,
        /// The text of the last answer, as it came.
        text: String,
        /// The last answer.
        answer: Box<Answer>,
    },
}

impl Llm {
    /// Asks for a value of a type. Its JSON schema is sent in the way that the provider takes it, as a form of
    /// the answer, a tool, or words in the prompt; the answer is checked in any case, and a model that misses it
    /// is told what is wrong and asked once more.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), agon::llm::JsonError> {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Verdict {
    ///     winner: String,
    ///     confidence: u8,
    /// }
    ///
    /// let llm = agon::llm::Llm::builder().build()?;
    /// let verdict = llm.generate_json::<Verdict>("demo/judge", "Who won?").await?.value;
    /// println!("{} ({} %)", verdict.winner, verdict.confidence);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`JsonError`]; `Invalid` holds the text that came.
    #[cfg(feature = "schemars")]
    pub async fn generate_json<T>(
        &self,
        model: &str,
        ask: impl Into<Ask>,
    ) -> Result<Generated<T>, JsonError>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        let schema = schemars::schema_for!(T).to_value();
        self.generate_as(model, ask, &schema).await
    }

    /// Asks for JSON of a schema that is given as a value.
    ///
    /// # Errors
    /// As for [`Self::generate_as`].
    pub async fn generate_value(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        schema: &Value,
    ) -> Result<Generated<Value>, JsonError> {
        self.generate_as(model, ask, schema).await
    }

    /// Asks for a value of a type by a schema of the caller's own; what the type refuses is mended like what the
    /// schema refuses.
    ///
    /// # Errors
    /// [`JsonError`]; `Invalid` holds the text that came.
    pub async fn generate_as<T: DeserializeOwned>(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        schema: &Value,
    ) -> Result<Generated<T>, JsonError> {
        let form = Form::new(schema).map_err(JsonError::Schema)?;
        let mut ask = ask.into();
        ask.chat.format = form.response_format();
        let first = self.answered(model, ask.clone()).await?;
        let problems = match form.read::<T>(&first.response) {
            Ok(value) => return Ok(generated(value, first, None)),
            Err(problems) => problems,
        };
        tracing::debug!(
            target: "agon::llm",
            model = %first.model,
            problems = problems.len(),
            "the answer does not satisfy its schema, so it is asked for again"
        );
        let second = self.answered(model, repair(ask, &first, &problems)).await?;
        match form.read::<T>(&second.response) {
            Ok(value) => Ok(generated(value, second, Some(&first))),
            Err(problems) => Err(JsonError::Invalid {
                problems,
                text: second.response.text.clone(),
                answer: Box::new(second),
            }),
        }
    }

    /// An answer that is no refusal.
    async fn answered(&self, model: &str, ask: Ask) -> Result<Answer, JsonError> {
        let answer = self.chat_completion(model, ask).await?;
        match refusal(&answer) {
            None => Ok(answer),
            Some(text) => Err(JsonError::Refused {
                text,
                answer: Box::new(answer),
            }),
        }
    }
}

/// What a model says when it declines; a call of the schema's tool is an answer, whatever stands beside it.
fn refusal(answer: &Answer) -> Option<String> {
    use crate::types::FinishReason;
    let response = &answer.response;
    if !response.refusal.is_empty() {
        return Some(response.refusal.clone());
    }
    let held_back = response.finish == FinishReason::ContentFilter;
    held_back.then(|| match response.text.is_empty() {
        true => "the provider held the answer back".to_owned(),
        false => response.text.clone(),
    })
}

/// The conversation so far, and what is wrong with its end.
fn repair(mut ask: Ask, answer: &Answer, problems: &[String]) -> Ask {
    let said = match answer.text().trim() {
        // Providers refuse an assistant's message without a word.
        "" => "(no answer)",
        text => text,
    };
    let list: String = problems
        .iter()
        .map(|problem| format!("- {problem}\n"))
        .collect();
    let demand = format!(
        "Your answer is not what was asked for:\n{list}Answer again with the whole corrected JSON and nothing else."
    );
    ask.chat.messages.push(Message::text(Role::Assistant, said));
    ask.user(demand)
}

fn generated<T>(value: T, answer: Answer, before: Option<&Answer>) -> Generated<T> {
    let (mut usage, mut cost) = (answer.response.usage, answer.cost);
    if let Some(before) = before {
        usage += before.response.usage;
        cost = cost.zip(before.cost).map(|(one, other)| one + other);
    }
    Generated {
        value,
        answer,
        usage,
        cost,
        repaired: before.is_some(),
    }
}
