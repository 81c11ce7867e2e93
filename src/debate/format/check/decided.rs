//! Whether a debate can be decided in the way that its format says.

use std::collections::BTreeSet;

use super::Parts;
use crate::debate::format::document::Item;
use crate::debate::format::document::Mistakes;
use crate::debate::format::document::Section;
use crate::debate::format::document::unknown;
use crate::debate::format::phases::Placed;
use crate::debate::format::spelling;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Decision;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::PhaseKind;
use crate::types::debate::Rule;
use crate::types::debate::Tie;
use crate::types::debate::Weights;

/// Notes what cannot be decided.
pub(super) fn check(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let Some(decision) = parts.decision else {
        return;
    };
    let table = parts.root.get("decision");
    let Some(table) = table.and_then(|item| item.section_named("decision")) else {
        return;
    };
    Decided {
        path: "decision",
        decision,
        table: &table,
        parts,
    }
    .check(mistakes);
    let also = also(&table);
    for (decision, table) in decision.also.iter().zip(&also) {
        Decided {
            path: "decision.also",
            decision,
            table,
            parts,
        }
        .check(mistakes);
    }
}

/// The tables of `[[decision.also]]` or `[decision.also]`; they have been read before, so mistakes are known.
fn also<'t>(table: &Section<'t>) -> Vec<Section<'t>> {
    let Some(item) = table.get("also") else {
        return Vec::new();
    };
    let elements: Vec<Item<'t>> = match item.is_list() {
        true => item.list(&mut Mistakes::new("", "")).unwrap_or_default(),
        false => vec![item],
    };
    let tables = elements.iter();
    tables
        .filter_map(|element| element.section_named("decision.also"))
        .collect()
}

/// Whether a rule counts ballots, so that somebody can lead before all are in.
pub(super) fn counts(rule: Rule) -> bool {
    match rule {
        Rule::Majority
        | Rule::Plurality
        | Rule::Weighted
        | Rule::Approval
        | Rule::Borda
        | Rule::MeanRank
        | Rule::Cumulative
        | Rule::Irv
        | Rule::Consensus
        | Rule::Panel => true,
        Rule::Judge | Rule::Swing | Rule::Synthesis | Rule::Trajectory => false,
    }
}

/// The phases whose ballots are counted, for the verdict or beside it.
pub(super) fn counted_phases<'a>(decision: &'a Decision, parts: &Parts<'a>) -> Vec<&'a str> {
    let mut phases: Vec<&str> = Vec::new();
    if counts(decision.rule) {
        phases.extend(decision.of.iter().map(|of| of.phase.as_str()));
    }
    if let Some(rule) = parts.report.aggregate {
        phases.extend(ballots_for(rule, parts));
    }
    phases
}

/// Vote phases with a field that can be counted by a rule.
pub(super) fn ballots_for<'a>(rule: Rule, parts: &Parts<'a>) -> impl Iterator<Item = &'a str> {
    let votes = parts
        .phases
        .iter()
        .filter(|placed| placed.phase.kind == PhaseKind::Vote);
    votes.filter_map(move |placed| {
        let contract = parts.contracts.get(&placed.phase.contract)?;
        let fits = contract
            .fields
            .iter()
            .any(|field| unfit(rule, &field.kind).is_none());
        fits.then_some(placed.phase.id.as_str())
    })
}

/// Why a rule cannot be applied to a field of this kind; `None` when it can.
fn unfit(rule: Rule, kind: &FieldKind) -> Option<&'static str> {
    let is_one = matches!(
        kind,
        FieldKind::Text
            | FieldKind::Bool
            | FieldKind::Number { .. }
            | FieldKind::OneOf(_)
            | FieldKind::Choice
    );
    match rule {
        Rule::Borda | Rule::MeanRank | Rule::Irv => {
            (*kind != FieldKind::Ranking).then_some("a ranking: give it the form \"ranking\"")
        }
        Rule::Approval => {
            (*kind != FieldKind::Several).then_some("several choices: give it the form \"several\"")
        }
        Rule::Cumulative => (!matches!(kind, FieldKind::Points(_)))
            .then_some("points for choices: give it the form \"points:10\""),
        Rule::Synthesis => (*kind != FieldKind::Text).then_some("a text"),
        Rule::Majority
        | Rule::Plurality
        | Rule::Weighted
        | Rule::Consensus
        | Rule::Judge
        | Rule::Panel
        | Rule::Swing
        | Rule::Trajectory => (!is_one).then_some("one answer"),
    }
}

/// One decision, and where it stands.
struct Decided<'a> {
    path: &'a str,
    decision: &'a Decision,
    table: &'a Section<'a>,
    parts: &'a Parts<'a>,
}

impl Decided<'_> {
    fn check(&self, mistakes: &mut Mistakes<'_>) {
        let Decision { rule, of, .. } = self.decision;
        let known = |reference: &&FieldRef| self.reference(reference, mistakes);
        let found: Vec<&FieldRef> = of.iter().filter(known).collect();
        match (&self.decision.minus, rule) {
            (Some(minus), Rule::Swing) => {
                if self.reference(minus, mistakes) {
                    self.swing(found.first().copied(), minus, mistakes);
                }
            }
            (Some(_), _) => {
                self.refuse("of", "only \"swing\" takes one poll from another", mistakes)
            }
            (None, Rule::Swing) => {
                let help = "swing compares two polls: write \"AFTER.choice - BEFORE.choice\"";
                self.refuse("of", help, mistakes);
            }
            (None, _) => {}
        }
        self.weights(mistakes);
        self.both_orders(mistakes);
        self.keys_of_rules(mistakes);
        if self.decision.tie == Tie::Judge {
            self.judge_of_ties(mistakes);
        }
    }

    fn refuse(&self, key: &str, help: &str, mistakes: &mut Mistakes<'_>) {
        let at = self.table.get(key).map_or(self.table.at(), |item| item.at);
        mistakes.add(at, format!("{}.{key}: {help}", self.path));
    }

    /// Notes what is wrong with a reference; `true` when it can be followed.
    fn reference(&self, reference: &FieldRef, mistakes: &mut Mistakes<'_>) -> bool {
        let (parts, rule) = (self.parts, self.decision.rule);
        let FieldRef { phase, field } = reference;
        if !parts.phase_ids.contains(&phase.as_str()) {
            let help = unknown("phase", "", phase, parts.phase_ids);
            self.refuse("of", help.trim_start_matches(": "), mistakes);
            return false;
        }
        let (Some(placed), Some(contract)) = (parts.phase(phase), parts.contract_of(phase)) else {
            return false;
        };
        let before = mistakes.count();
        self.field(contract, phase, field, mistakes);
        self.kind_of_phase(placed, mistakes);
        let (_, seats) = parts.seats(placed);
        if rule == Rule::Judge && seats > 1 {
            let help = format!("up to {seats} judge in \"{phase}\": use the rule \"panel\"");
            self.refuse("of", &help, mistakes);
        }
        if rule == Rule::Synthesis && seats > 1 {
            let help = format!("up to {seats} write in \"{phase}\", and one synthesis is wanted");
            self.refuse("of", &help, mistakes);
        }
        mistakes.count() == before
    }

    fn field(&self, contract: &Contract, phase: &str, field: &str, mistakes: &mut Mistakes<'_>) {
        let rule = self.decision.rule;
        if contract.kind == ContractKind::Text && field == "text" && rule == Rule::Synthesis {
            return;
        }
        let Some(known) = contract.fields.iter().find(|known| known.name == *field) else {
            let fields = contract.fields.iter().map(|field| field.name.as_str());
            let fields: Vec<&str> = fields.collect();
            let help = unknown(
                "field",
                &format!("the contract of \"{phase}\""),
                field,
                &fields,
            );
            return self.refuse("of", &help, mistakes);
        };
        match (unfit(rule, &known.kind), &known.kind) {
            (Some(wanted), _) => {
                let rule = spelling::rule(rule);
                let help = format!("\"{field}\" must hold {wanted}, for the rule \"{rule}\"");
                self.refuse("of", &help, mistakes);
            }
            (None, FieldKind::OneOf(words)) if field == "winner" => self.winners(words, mistakes),
            (None, _) => {}
        }
    }

    /// A winner is a side, or nobody.
    fn winners(&self, words: &[String], mistakes: &mut Mistakes<'_>) {
        let roles = self.parts.roles.iter();
        let sides = roles.filter_map(|role| role.side.as_deref());
        let sides: BTreeSet<&str> = sides.chain(["tie", "none"]).collect();
        let sides: Vec<&str> = sides.into_iter().collect();
        for word in words.iter().filter(|word| !sides.contains(&word.as_str())) {
            self.refuse("of", &unknown("side", "winner", word, &sides), mistakes);
        }
    }

    fn kind_of_phase(&self, placed: &Placed, mistakes: &mut Mistakes<'_>) {
        let (rule, phase) = (self.decision.rule, &placed.phase);
        let wanted = match rule {
            Rule::Judge | Rule::Panel => (phase.kind != PhaseKind::Judge).then_some("\"judge\""),
            Rule::Swing => (phase.kind != PhaseKind::Poll).then_some("\"poll\""),
            Rule::Synthesis => {
                let writes = matches!(phase.kind, PhaseKind::Summarise | PhaseKind::Judge);
                (!writes).then_some("\"summarise\"")
            }
            Rule::Majority
            | Rule::Plurality
            | Rule::Weighted
            | Rule::Approval
            | Rule::Borda
            | Rule::MeanRank
            | Rule::Cumulative
            | Rule::Irv
            | Rule::Consensus
            | Rule::Trajectory => {
                let told = matches!(phase.kind, PhaseKind::Summarise | PhaseKind::AskHuman);
                told.then_some("\"speak\" or \"vote\"")
            }
        };
        if let Some(wanted) = wanted {
            let help = format!("\"{}\" must be of kind {wanted} under this rule", phase.id);
            self.refuse("of", &help, mistakes);
        }
    }

    /// Two polls can be compared that ask the same, one after the other.
    fn swing(&self, of: Option<&FieldRef>, minus: &FieldRef, mistakes: &mut Mistakes<'_>) {
        let Some(of) = of else { return };
        let parts = self.parts;
        let choices = |phase: &str| parts.contract_of(phase).and_then(choices_of);
        if choices(&of.phase) != choices(&minus.phase) {
            let help = format!(
                "\"{}\" and \"{}\" ask for different choices",
                of.phase, minus.phase
            );
            self.refuse("of", &help, mistakes);
        }
        if parts.place(&of.phase) <= parts.place(&minus.phase) {
            let help = format!("\"{}\" must run before \"{}\"", minus.phase, of.phase);
            self.refuse("of", &help, mistakes);
        }
    }

    fn weights(&self, mistakes: &mut Mistakes<'_>) {
        let Decision { rule, weights, .. } = self.decision;
        if *rule != Rule::Weighted {
            if *weights != Weights::Equal {
                self.refuse("weights", "only the rule \"weighted\" has them", mistakes);
            }
            return;
        }
        match weights {
            Weights::Equal => {
                let help = "\"weighted\" needs weights: confidence, rating or fn:reconcile_steps";
                self.refuse("rule", help, mistakes);
            }
            Weights::Rating => {}
            Weights::Confidence | Weights::ReconcileSteps => {
                for of in &self.decision.of {
                    let contract = self.parts.contract_of(&of.phase);
                    if contract.is_some_and(|contract| !has_confidence(contract)) {
                        let help = format!(
                            "the answers of \"{}\" need a field confidence = \"0..1\"",
                            of.phase
                        );
                        self.refuse("weights", &help, mistakes);
                    }
                }
            }
        }
    }

    fn both_orders(&self, mistakes: &mut Mistakes<'_>) {
        if !self.decision.swap {
            return;
        }
        // The last that runs decides; an earlier one does only where the last could not be had.
        let last = self.decision.of.last();
        let last = last.and_then(|of| self.parts.phase(&of.phase));
        if let Some(placed) = last.filter(|placed| !placed.phase.swap) {
            let help = format!(
                "each ballot of \"{}\" is given in one order only: set swap = true there",
                placed.phase.id
            );
            self.refuse("swap", &help, mistakes);
        }
    }

    /// Keys that only some rules look at.
    fn keys_of_rules(&self, mistakes: &mut Mistakes<'_>) {
        let rule = self.decision.rule;
        if self.table.get("threshold").is_some() && rule != Rule::Consensus {
            self.refuse("threshold", "only the rule \"consensus\" has one", mistakes);
        }
        if rule == Rule::Synthesis {
            for key in ["min_margin", "quorum"] {
                if self.table.get(key).is_some() {
                    self.refuse(key, "a synthesis is not counted", mistakes);
                }
            }
        }
        let repetitions = |of: &FieldRef| {
            let placed = self.parts.phase(&of.phase);
            placed.map_or(2, |placed| self.parts.repetitions(placed))
        };
        if rule == Rule::Trajectory && self.decision.of.iter().map(repetitions).sum::<u32>() < 2 {
            let help = "a trajectory needs answers of at least two rounds";
            self.refuse("of", help, mistakes);
        }
    }

    fn judge_of_ties(&self, mistakes: &mut Mistakes<'_>) {
        let parts = self.parts;
        let rules = |placed: &Placed| {
            let contract = parts.contracts.get(&placed.phase.contract);
            let fields = contract.map_or(&[][..], |contract| &contract.fields);
            let named = |name: &str| self.decision.of.iter().any(|of| of.field == name);
            placed.phase.kind == PhaseKind::Judge && fields.iter().any(|field| named(&field.name))
        };
        if parts.phases.len() == parts.phase_ids.len() && !parts.phases.iter().any(rules) {
            let help = "no phase of kind \"judge\" gives a ruling with that field";
            self.refuse("tie", help, mistakes);
        }
    }
}

/// What can be answered in a poll.
fn choices_of(contract: &Contract) -> Option<&Choices> {
    contract.choices.as_ref()
}

pub(super) fn has_confidence(contract: &Contract) -> bool {
    let wanted = FieldKind::Number { min: 0.0, max: 1.0 };
    let mut fields = contract.fields.iter();
    fields.any(|field| field.name == "confidence" && field.kind == wanted)
}
