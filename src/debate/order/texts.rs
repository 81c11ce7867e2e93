//! The texts that an order brings along: options, facts and secrets.

use std::collections::BTreeSet;

use super::DebateOrder;
use super::check::Check;
use crate::types::Usage;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Contract;
use crate::types::debate::Document;
use crate::types::debate::Extract;
use crate::types::debate::Extractor;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;

/// Most options.
const MAX_OPTIONS: usize = 50;
/// Longest option, in characters.
const MAX_OPTION_CHARS: usize = 1_000;
/// Most facts, and most secrets.
const MAX_DOCUMENTS: usize = 50;
/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 200_000;
/// Bytes of all facts and secrets together: they are stored with the debate.
const MAX_ALL_BYTES: usize = 1_000_000;
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 200;

impl Check<'_> {
    /// Checks what is said without knowing the format.
    pub(super) fn documents(&mut self, order: &DebateOrder) {
        self.options(&order.options);
        let facts = order.facts.iter().enumerate();
        let facts = facts.map(|(at, text)| (format!("facts[{at}]"), text));
        let secrets = order.secrets.iter();
        let secrets = secrets.map(|(name, text)| (format!("secrets.{name}"), text));
        let all: Vec<(String, &Document)> = facts.chain(secrets).collect();
        let mut bytes = 0;
        let mut titles = BTreeSet::new();
        for (field, document) in &all {
            bytes += document.text.len();
            if document.text.len() > MAX_TEXT_BYTES {
                let message = format!(
                    "the text has {} bytes; {MAX_TEXT_BYTES} is the most",
                    document.text.len()
                );
                self.problem(format!("{field}.text"), "text_too_long", message);
            }
            if !titles.insert(document.title.trim().to_lowercase()) {
                let message = "another text has this title: quotes could not tell them apart";
                self.problem(format!("{field}.title"), "duplicate_title", message);
            }
            if document.text.trim().is_empty() {
                self.problem(field, "empty_text", "the text is empty");
            }
            let title = document.title.trim();
            let is_long = title.chars().count() > MAX_TITLE_CHARS;
            if title.is_empty() || is_long || title.chars().any(char::is_control) {
                let message = format!(
                    "a text needs a title of one line and up to {MAX_TITLE_CHARS} characters, so that quotes can name it"
                );
                self.problem(format!("{field}.title"), "bad_title", message);
            }
        }
        if order.facts.len() > MAX_DOCUMENTS || order.secrets.len() > MAX_DOCUMENTS {
            let message = format!("{MAX_DOCUMENTS} facts and {MAX_DOCUMENTS} secrets is the most");
            self.problem("facts", "too_many_texts", message);
        }
        if bytes > MAX_ALL_BYTES {
            let message =
                format!("facts and secrets have {bytes} bytes; {MAX_ALL_BYTES} is the most");
            self.problem("facts", "texts_too_long", message);
        }
    }

    fn options(&mut self, options: &[String]) {
        if options.len() == 1 || options.len() > MAX_OPTIONS {
            let message = format!("give 2 to {MAX_OPTIONS} options, or none");
            self.problem("options", "bad_options", message);
        }
        let mut seen = BTreeSet::new();
        for (at, option) in options.iter().enumerate() {
            let field = format!("options[{at}]");
            let length = option.trim().chars().count();
            if length == 0 || length > MAX_OPTION_CHARS || option.chars().any(char::is_control) {
                let message = format!("an option has 1 to {MAX_OPTION_CHARS} printable characters");
                self.problem(field, "bad_option", message);
            } else if !seen.insert(option.trim().to_lowercase()) {
                self.problem(field, "duplicate_option", "this option is there already");
            }
        }
    }

    /// A secret that the format knows no role for would reach nobody, and one that is missing leaves a role in the
    /// dark.
    pub(super) fn secrets_of(&mut self, format: &Format, order: &DebateOrder) {
        let wanted: BTreeSet<&String> = (format.roles.iter())
            .flat_map(|role| &role.secrets)
            .collect();
        for name in order.secrets.keys().filter(|name| !wanted.contains(name)) {
            let known: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
            let message = match known.is_empty() {
                true => format!("no role of {} has secrets: give it as a fact", format.id),
                false => format!(
                    "{} has no secret \"{name}\": it has {}",
                    format.id,
                    known.join(", ")
                ),
            };
            self.problem(format!("secrets.{name}"), "unknown_secret", message);
        }
        for name in wanted {
            if !order.secrets.contains_key(name) {
                let message = format!("{} needs a text for its secret \"{name}\"", format.id);
                self.problem(format!("secrets.{name}"), "missing_secret", message);
            }
        }
    }

    /// What the format makes of what the order brings: options that it needs, and texts and people it has no use for.
    pub(super) fn uses(&mut self, format: &Format, order: &DebateOrder) {
        if format.needs_options() && order.options.is_empty() {
            let message = format!("{} chooses among options: give at least two", format.id);
            self.problem("options", "missing_options", message);
        }
        if !format.needs_options() && !order.options.is_empty() {
            let id = &format.id;
            self.warnings.push(format!("{id} has no use for options"));
        }
        let sees = |wanted: fn(&Atom) -> bool| {
            let mut sights = format.phases.iter().flat_map(|phase| &phase.sees);
            sights.any(|sight| wanted(&sight.atom))
        };
        if !order.facts.is_empty() && !sees(|atom| *atom == Atom::Facts) {
            self.warnings.push(format!(
                "no phase of {} shows facts: nobody will see these",
                format.id
            ));
        }
        let asks = |phase: &Phase| matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman);
        if order.audience && !format.phases.iter().any(asks) {
            self.warnings.push(format!(
                "no phase of {} asks the audience anything",
                format.id
            ));
        }
        if !order.audience && format.phases.iter().any(asks) {
            self.warnings.push(format!(
                "nobody watches, so {} leaves out what it asks the audience",
                format.id
            ));
        }
    }

    /// A person's time that is longer than the debate's ends with it.
    pub(super) fn deadlines(&mut self, cast: &[CastMember], limits: &Limits) {
        for member in cast {
            let deadline = member.human.as_ref().map(|seat| u64::from(seat.deadline_s));
            if let (Some(deadline), Some(wall_s)) = (deadline, limits.wall_s)
                && deadline > wall_s
            {
                self.warnings.push(format!(
                    "{} has {deadline} seconds to answer in, and the debate ends after {wall_s}",
                    member.name
                ));
            }
        }
    }

    /// Who reads answers that cannot be read: whom the order or the settings name, or the cheapest of the cast.
    /// `None` where the format has nobody asked.
    pub(super) fn extractor(
        &mut self,
        format: &Format,
        order: &DebateOrder,
        cast: &[CastMember],
    ) -> Option<Extractor> {
        let asks = |contract: &Contract| contract.extract.contains(&Extract::Ask);
        if let Some(model) = &order.extract_model
            && let Err(problem) = self.roster.check(model, None)
        {
            self.problem("extract_model", problem.code, problem.message);
        }
        if !format.contracts.values().any(asks) {
            return None;
        }
        let price = |member: &&CastMember| {
            let usage = Usage {
                input: 1_000_000,
                output: 1_000_000,
                ..Usage::default()
            };
            member
                .prices
                .map_or(u64::MAX, |prices| prices.cost(&usage).0)
        };
        let callable = cast.iter().filter(|member| member.endpoint.is_none());
        let cheapest = callable
            .min_by_key(price)
            .map(|member| member.model.clone());
        let named = order.extract_model.clone();
        let model = named
            .or_else(|| self.roster.default_extractor())
            .or(cheapest)?;
        Some(Extractor {
            prices: self.roster.prices(&model),
            model,
        })
    }
}
