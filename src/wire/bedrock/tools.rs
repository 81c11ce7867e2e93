//! Tools, and what they are called by here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::content;
use super::family::Family;
use super::reasoning::Asked;
use crate::types::Chat;
use crate::types::ResponseFormat;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::ToolIds;
use crate::wire::EncodeContext;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::json_answer::TOOL_DESCRIPTION;
use crate::wire::tool_ids;

/// `true` when the answer is had as the arguments of a call that the model is made to do.
pub(super) fn answers_by_call(
    chat: &Chat,
    family: Family,
    reasoning: &Asked,
    context: &EncodeContext<'_>,
) -> bool {
    matches!(chat.format, ResponseFormat::JsonSchema { .. })
        && context.quirks.json == JsonSupport::Tool
        && family.obeys_tool_choice()
        && !reasoning.budgeted
        && !context.quirks.drop_params.contains(&Param::ToolChoice)
}

/// How tools are written for one request.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    pub(super) chat: &'a Chat,
    pub(super) family: Family,
    pub(super) context: &'a EncodeContext<'a>,
    /// Whether a call can be demanded.
    pub(super) may_demand: bool,
    /// Whether the answer is had as a call.
    pub(super) answer: bool,
}

impl Tools<'_> {
    /// The `toolConfig`, if there is to be one, and what it cannot say.
    pub(super) fn config(&self, dropped: &mut BTreeSet<Param>) -> Option<Value> {
        let mut tools = self.usable(dropped);
        let mut choice = self.choice(dropped);
        if let (true, ResponseFormat::JsonSchema { schema, .. }) = (self.answer, &self.chat.format)
        {
            let answer = json!({"name": ANSWER_TOOL, "description": TOOL_DESCRIPTION, "inputSchema": {"json": schema}});
            let alone = tools.is_empty() || self.chat.tool_choice == ToolChoice::None;
            tools.push(json!({"toolSpec": answer}));
            choice = match (alone, &self.chat.tool_choice) {
                (true, _) => Some(json!({"tool": {"name": ANSWER_TOOL}})),
                (false, ToolChoice::Named(_)) => choice,
                (false, ToolChoice::Auto | ToolChoice::Required | ToolChoice::None) => {
                    Some(json!({"any": {}}))
                }
            };
        }
        if tools.is_empty() {
            return None;
        }
        let mut config = json!({"tools": tools});
        if let Some(choice) = choice {
            config["toolChoice"] = choice;
        }
        Some(config)
    }

    /// The tools with their marks. Without a way to say "none", they are left out for it; where the conversation
    /// holds calls, it is refused without tools, so that those have to stay.
    fn usable(&self, dropped: &mut BTreeSet<Param>) -> Vec<Value> {
        let chat = self.chat;
        let called = called(chat);
        if chat.tool_choice == ToolChoice::None && called.is_empty() {
            return Vec::new();
        }
        if chat.tool_choice == ToolChoice::None && !chat.tools.is_empty() {
            dropped.insert(Param::ToolChoice);
        }
        if chat.tools.is_empty() {
            let stand_in = |name: &&str| json!({"toolSpec": {"name": name, "description": "Called before; not to be called again.", "inputSchema": {"json": {"type": "object"}}}});
            return called.iter().map(stand_in).collect();
        }
        let only = match &chat.tool_choice {
            ToolChoice::Named(name) if !self.may_demand => Some(name),
            ToolChoice::Named(_) | ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => {
                None
            }
        };
        let mut tools = Vec::new();
        for tool in &chat.tools {
            if only.is_some_and(|name| *name != tool.name && !called.contains(tool.name.as_str())) {
                continue;
            }
            tools.push(self.spec(tool, dropped));
            if let Some(ttl) = tool.cache {
                match content::may_mark(self.family, self.context) {
                    true => tools.push(content::cache_point(ttl)),
                    false => drop(dropped.insert(Param::CacheMarkers)),
                }
            }
        }
        tools
    }

    fn spec(&self, tool: &Tool, dropped: &mut BTreeSet<Param>) -> Value {
        let mut spec = json!({"name": tool.name, "inputSchema": {"json": tool.parameters}});
        // An empty description is refused.
        if !tool.description.trim().is_empty() {
            spec["description"] = json!(tool.description);
        }
        if let Some(strict) = tool.strict {
            match self
                .context
                .quirks
                .drop_params
                .contains(&Param::StrictTools)
            {
                true => drop(dropped.insert(Param::StrictTools)),
                false => spec["strict"] = json!(strict),
            }
        }
        json!({"toolSpec": spec})
    }

    fn choice(&self, dropped: &mut BTreeSet<Param>) -> Option<Value> {
        if self.chat.tools.is_empty() {
            return None;
        }
        let choice = match &self.chat.tool_choice {
            ToolChoice::Auto | ToolChoice::None => return None,
            ToolChoice::Required => json!({"any": {}}),
            ToolChoice::Named(name) => json!({"tool": {"name": name}}),
        };
        if !self.may_demand {
            dropped.insert(Param::ToolChoice);
            return None;
        }
        Some(choice)
    }
}

/// The functions that the conversation has called.
fn called(chat: &Chat) -> BTreeSet<&str> {
    let calls = chat.messages.iter().flat_map(|message| &message.tool_calls);
    calls.map(|call| call.name.as_str()).collect()
}

/// Longest id of a call.
const MAX_ID_BYTES: usize = 64;

/// The id of a call as the model takes it: 1 to 64 of `A-Za-z0-9_.:-`, or nine letters and digits for Mistral's.
/// Another one is replaced by its hash, always by the same, so that a call and its result still fit.
pub(super) fn call_id<'a>(id: &'a str, family: Family, ids: ToolIds) -> Cow<'a, str> {
    if ids == ToolIds::NineAlphanumeric || matches!(family, Family::Mistral { .. }) {
        return tool_ids::write(id, ToolIds::NineAlphanumeric);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    if (1..=MAX_ID_BYTES).contains(&id.len()) && id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    Cow::Owned(format!("tooluse_{}", &hash[..24]))
}
