//! Reads prompt templates, and tries each one out where it is used.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use minijinja::Environment;
use minijinja::UndefinedBehavior;
use minijinja::context;
use minijinja::syntax::SyntaxConfig;

use super::check::Parts;
use super::document::Mistakes;
use super::document::Section;
use super::document::check_id;
use super::document::unknown;
use super::phases::asks_people;
use super::phases::prompts_of;
use crate::debate::contract;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Phase;
use crate::types::debate::RoleDef;

/// What a template can name.
const VARIABLES: [&str; 11] = [
    "topic",
    "agent",
    "role",
    "side",
    "opponent_side",
    "words",
    "round",
    "disagreement",
    "phase",
    "form",
    "options",
];

/// The values of what a template can name.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// The question.
    pub topic: &'a str,
    /// The speaker's name.
    pub agent: &'a str,
    /// The speaker's role.
    pub role: &'a str,
    /// The speaker's side, in formats that have sides.
    pub side: Option<&'a str>,
    /// The side against it.
    pub opponent_side: Option<&'a str>,
    /// Words that the speaker is asked to keep to.
    pub words: Option<u32>,
    /// The phase's repetition, counted from 1.
    pub round: u32,
    /// How strongly to disagree, 0 to 10.
    pub disagreement: Option<u8>,
    /// The phase's id.
    pub phase: &'a str,
    /// The form of the answer, from [`contract::instruction`].
    pub form: &'a str,
    /// The answers that the debate was ordered with, in the order's order.
    pub options: &'a [String],
}

/// Fills a template in. What is `None` is `none` in the template.
///
/// # Errors
///
/// An operation that the variables do not allow. The loader has tried every template of a format out for
/// every role and phase that uses it, so one is rare: it must depend on the topic, the name or a later round.
pub fn render(template: &str, variables: &Variables<'_>) -> Result<String, minijinja::Error> {
    let values = context! {
        topic => variables.topic,
        agent => variables.agent,
        role => variables.role,
        side => variables.side,
        opponent_side => variables.opponent_side,
        words => variables.words,
        round => variables.round,
        disagreement => variables.disagreement,
        phase => variables.phase,
        form => variables.form,
        options => variables.options.to_vec(),
    };
    environment().render_str(template, values)
}

/// A template, where it stands, and what it names.
pub(super) struct Template {
    source: String,
    at: usize,
    names: BTreeSet<String>,
}

/// The templates' texts by id.
pub(super) fn templates(prompts: BTreeMap<String, Template>) -> BTreeMap<String, String> {
    prompts
        .into_iter()
        .map(|(id, template)| (id, template.source))
        .collect()
}

/// Reads all `[prompts.<id>]`.
pub(super) fn read(
    root: &Section<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<BTreeMap<String, Template>> {
    let section = root.section("prompts", mistakes)?;
    let mut prompts = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in section.entries() {
        check_id(entry, entry.key, &mut seen, mistakes);
        let template = entry
            .section(mistakes)
            .and_then(|table| template(&table, mistakes));
        prompts.extend(template.map(|template| (entry.key.to_owned(), template)));
    }
    Some(prompts)
}

fn template(table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Template> {
    table.only(&["template"], mistakes);
    let item = table.require("template", mistakes)?;
    let source = item.text(mistakes)?.trim();
    let environment = environment();
    let parsed = match environment.template_from_named_str(&item.path, source) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = error.line().and_then(|line| source.lines().nth(line - 1));
            let help = format!("{}: {}", item.path, reason(&error));
            mistakes.add_in_text(item.value_at, beginning(line.unwrap_or_default()), help);
            return None;
        }
    };
    let names: BTreeSet<String> = parsed.undeclared_variables(false).into_iter().collect();
    let unknown_names: Vec<&String> = names
        .iter()
        .filter(|name| !VARIABLES.contains(&name.as_str()))
        .collect();
    for name in &unknown_names {
        let help = unknown("variable", &item.path, name, &VARIABLES);
        mistakes.add_in_text(item.value_at, name, help);
    }
    if !unknown_names.is_empty() {
        return None;
    }
    Some(Template {
        source: source.to_owned(),
        at: item.value_at,
        names,
    })
}

/// Enough of a line to find it by, even where the file continues it on the next.
fn beginning(line: &str) -> &str {
    let end = line.char_indices().nth(24).map_or(line.len(), |(at, _)| at);
    &line[..end]
}

/// Fills every template in as each phase that uses it would, and looks at what comes out.
pub(super) fn try_out(
    prompts: &BTreeMap<String, Template>,
    parts: &Parts<'_>,
    disagreement: Option<u8>,
    mistakes: &mut Mistakes<'_>,
) {
    for placed in parts.phases {
        let phase = &placed.phase;
        let Some(contract) = parts.contracts.get(&phase.contract) else {
            continue;
        };
        let used: BTreeSet<&String> = prompts_of(phase).into_values().collect();
        for (id, template) in used
            .into_iter()
            .filter_map(|id| Some((id, prompts.get(id)?)))
        {
            let people = asks_people(phase.kind);
            let problem = must_name(template, phase, contract)
                .filter(|_| !people)
                .or_else(|| must_render(template, phase, contract, parts, disagreement));
            if let Some(problem) = problem {
                mistakes.add(template.at, format!("prompts.{id}: {problem}"));
            }
        }
    }
}

fn must_name(template: &Template, phase: &Phase, contract: &Contract) -> Option<String> {
    let (id, names) = (&phase.id, &template.names);
    if contract.kind != ContractKind::Text && !names.contains("form") {
        return Some(format!(
            "the phase \"{id}\" wants an answer of a form: tell it with {{{{ form }}}}"
        ));
    }
    if phase.words.is_some() && !names.contains("words") {
        return Some(format!(
            "the phase \"{id}\" has a word limit: tell it with {{{{ words }}}}"
        ));
    }
    if phase.words.is_none() && names.contains("words") {
        return Some(format!("the phase \"{id}\" has no word limit: set words"));
    }
    None
}

fn must_render(
    template: &Template,
    phase: &Phase,
    contract: &Contract,
    parts: &Parts<'_>,
    disagreement: Option<u8>,
) -> Option<String> {
    let form = contract::instruction(contract, &contract::sample_choices(contract));
    let options = ["the first answer", "the second answer"].map(str::to_owned);
    let speakers = parts
        .roles
        .iter()
        .filter(|role| phase.who.contains(&role.id));
    let variables = speakers.flat_map(|role| {
        [1, 2].map(|round| Variables {
            topic: "Is this a question?",
            agent: "agent",
            role: &role.id,
            side: role.side.as_deref(),
            opponent_side: opponent_of(role, parts.roles),
            words: phase.words,
            round,
            disagreement,
            phase: &phase.id,
            form: &form,
            options: &options,
        })
    });
    variables
        .map(|variables| render(&template.source, &variables))
        .find_map(|rendered| match rendered {
            Ok(text) if text.trim().is_empty() => {
                Some(format!("in the phase \"{}\" it says nothing", phase.id))
            }
            Ok(_) => None,
            Err(error) => Some(format!("in the phase \"{}\": {}", phase.id, reason(&error))),
        })
}

fn opponent_of<'a>(role: &RoleDef, roles: &'a [RoleDef]) -> Option<&'a str> {
    let own = role.side.as_deref()?;
    let mut sides = roles.iter().filter_map(|other| other.side.as_deref());
    sides.find(|side| *side != own)
}

/// Blocks on lines of their own leave no empty lines behind.
fn environment() -> Environment<'static> {
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("whitespace settings leave the delimiters as they are");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment
}

fn reason(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}
