//! One direct call: what a lone model is asked, and how its answer is read.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::question::Question;
use super::spent::failed;
use super::spent::sum;
use crate::catalog::Catalog;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::client::collect;
use crate::debate::contract;
use crate::debate::contract::Reading;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Sampling;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Extract;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;
use crate::types::debate::ParsePath;
use crate::types::debate::Totals;

/// How long one call may take, as in the formats that come with Agon.
const TURN: Duration = Duration::from_secs(300);

/// What a lone model is told it is; the words of a debate's independent first round.
const PERSONA: &str = "You solve problems carefully and say plainly how sure you are. You would rather be right than agree.";

/// What it is to do: as in a debate's independent first round, so that what is compared is debating and not the prompt.
const TASK: &str = "\
Answer the question on your own.

- Work it out step by step, then check the result a second way: put it back into the question, estimate its size, or \
look for a case that would break it.
- If the question can be read in two ways, take the reading that most people would, and say so.
- If you cannot know the answer, give the one you hold most likely and a low confidence. Do not leave it open.

Fill the fields like this:
- \"reasoning\": the steps that matter, in at most 200 words.
- \"answer\": the answer alone, in its shortest complete form. No sentence and no explanation.
- \"confidence\": how likely you are to be right, as a share. Of answers that you give 0.8, four in five should be right.
";

/// How all contestants' models are asked.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sampled {
    /// 0.0 to 2.0; the provider's own when `None`.
    pub temperature: Option<f32>,
    /// Tokens of each answer, at most.
    pub max_answer_tokens: u32,
}

/// One answer of a lone model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// What it wrote.
    pub(super) text: String,
    /// The fields of its answer; `None` when they cannot be read.
    pub(super) parsed: Option<Value>,
    /// How it was read.
    pub(super) parse: ParsePath,
    /// What was used, a mended answer's calls included.
    pub(super) spent: Totals,
}

impl Sample {
    fn of(text: String, reading: Reading, spent: Totals) -> Self {
        Self {
            text,
            parsed: reading.parsed,
            parse: reading.path,
            spent,
        }
    }

    /// One field of the answer as text.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        match self.parsed.as_ref()?.get(name)? {
            Value::String(text) => Some(text.clone()),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Some(other.to_string())
            }
            Value::Null => None,
        }
    }
}

/// The contract of a lone model's answer: that of a debate's independent first round. The reasoning stands first, so
/// that the answer follows from it and not the other way round.
fn answer_contract() -> Contract {
    let field = |name: &str, kind: FieldKind| Field {
        name: name.to_owned(),
        kind,
    };
    let share = FieldKind::Number { min: 0.0, max: 1.0 };
    Contract {
        kind: ContractKind::Json,
        fields: vec![
            field("reasoning", FieldKind::Text),
            field("answer", FieldKind::Text),
            field("confidence", share),
        ],
        extract: vec![Extract::Schema, Extract::Fence],
        repair: 1,
        choices: None,
        quotes: None,
    }
}

/// A hash of what lone models and graders are asked, so that results under other words are not mixed with these.
pub(super) fn words() -> String {
    let form = contract::instruction(&answer_contract(), &[]);
    let all = [PERSONA, TASK, &form, super::judge::TASK].join("\n");
    blake3::hash(all.as_bytes()).to_hex()[..16].to_owned()
}

/// Asks models directly.
pub(super) struct Asker {
    pub(super) clients: Arc<dyn ClientSource>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) sampled: Sampled,
}

impl Asker {
    /// Asks one model one question; `seed` is passed on to providers that take one.
    ///
    /// # Errors
    /// As the call failed, with what was used before that.
    pub(super) async fn ask(
        &self,
        model: &ModelName,
        question: &Question,
        seed: u64,
    ) -> Result<Sample, (LlmError, Totals)> {
        let contract = answer_contract();
        let task = format!("{TASK}\n{}", contract::instruction(&contract, &[]));
        let mut parts = vec![format!("# The question\n\n{}", question.topic())];
        let facts = question.facts.iter();
        parts.extend(facts.map(|fact| format!("# {}\n\n{}", fact.title, fact.text)));
        parts.push(format!("# Your task\n\n{task}"));
        let user = parts.join("\n\n");
        let chat = Chat {
            messages: vec![
                Message::text(Role::System, PERSONA),
                Message::text(Role::User, user),
            ],
            ..Chat::default()
        };
        self.fill(model, chat, &contract, seed).await
    }

    /// Asks for an answer of a contract, and once more, as the formats that come with Agon do, for one that cannot be
    /// read.
    ///
    /// # Errors
    /// As the call failed, with what was used before that.
    pub(super) async fn fill(
        &self,
        model: &ModelName,
        mut chat: Chat,
        contract: &Contract,
        seed: u64,
    ) -> Result<Sample, (LlmError, Totals)> {
        chat.sampling = Sampling {
            temperature: self.sampled.temperature,
            max_output_tokens: Some(self.sampled.max_answer_tokens),
            seed: Some(seed & 0x7fff_ffff),
            ..Sampling::default()
        };
        chat.format = contract::schema(contract, &[]).map_or(ResponseFormat::Text, |schema| {
            ResponseFormat::JsonSchema {
                name: "answer".to_owned(),
                schema,
            }
        });
        let (text, used) = self
            .call(model, &chat)
            .await
            .map_err(|error| (error, failed()))?;
        let reading = contract::read(contract, &[], &text);
        let Some(problem) = reading.problem else {
            return Ok(Sample::of(text, reading, used));
        };
        chat.messages.push(Message::text(Role::Assistant, text));
        let mend = contract::repair_prompt(contract, &[], &problem);
        chat.messages.push(Message::text(Role::User, mend));
        let (text, more) = self
            .call(model, &chat)
            .await
            .map_err(|error| (error, sum(used, failed())))?;
        let reading = contract::read(contract, &[], &text);
        Ok(Sample::of(text, reading, sum(used, more)))
    }

    async fn call(&self, model: &ModelName, chat: &Chat) -> Result<(String, Totals), LlmError> {
        let deadline = Instant::now() + TURN;
        let request = ChatRequest::new(model.clone(), chat.clone()).with_call(CallContext {
            deadline: Some(deadline),
            ..CallContext::default()
        });
        let client = self.clients.client(model)?;
        let asked = async { collect(client.stream_message(&request).await?).await };
        let late = || {
            let phase = TimeoutPhase::Total;
            LlmError::new(
                LlmErrorKind::Timeout { phase },
                model.provider(),
                "the answer took too long",
            )
        };
        let answered = tokio::time::timeout_at(deadline, asked).await;
        let response = answered.unwrap_or_else(|_| Err(late()))?;
        let used = self.used(model, &response);
        Ok((response.text, used))
    }

    fn used(&self, model: &ModelName, response: &ChatResponse) -> Totals {
        let cost = self
            .catalog
            .prices(model)
            .map(|prices| prices.cost(&response.usage));
        Totals {
            calls: 1,
            usage: response.usage,
            cost_nanousd: cost.unwrap_or(NanoUsd(0)),
            cost_known: cost.is_some(),
        }
    }
}
