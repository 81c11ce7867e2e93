//! Writes parts of a format as its file says them, so that what is shown can be looked up and typed in again.

use crate::types::debate::Atom;
use crate::types::debate::Choices;
use crate::types::debate::ContractKind;
use crate::types::debate::Count;
use crate::types::debate::Edges;
use crate::types::debate::Family;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::OnFailThen;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Predicate;
use crate::types::debate::Quorum;
use crate::types::debate::QuoteSource;
use crate::types::debate::RoleKind;
use crate::types::debate::Rule;
use crate::types::debate::Sight;
use crate::types::debate::Tie;
use crate::types::debate::Weights;

/// What a speaker sees, with its flags: `others:last+anon`.
pub fn sight(sight: &Sight) -> String {
    let atom = match &sight.atom {
        Atom::Topic => "topic".to_owned(),
        Atom::Side => "side".to_owned(),
        Atom::Options => "options".to_owned(),
        Atom::Facts => "facts".to_owned(),
        Atom::Secret(name) => format!("secret:{name}"),
        Atom::Own => "own".to_owned(),
        Atom::OwnLast => "own:last".to_owned(),
        Atom::Others => "others".to_owned(),
        Atom::OthersLast => "others:last".to_owned(),
        Atom::OthersRound(back) => format!("others:round(-{back})"),
        Atom::Summary => "summary".to_owned(),
        Atom::Phase(id) => format!("phase:{id}"),
        Atom::Votes => "votes".to_owned(),
        Atom::Polls => "polls".to_owned(),
        Atom::Human => "human".to_owned(),
    };
    let flags = [
        (sight.anon, "+anon"),
        (sight.shuffle, "+shuffle"),
        (sight.noself, "+noself"),
        (sight.grouped, "+grouped"),
        (sight.quotes, "+quotes"),
    ];
    let set = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag);
    std::iter::once(atom.as_str()).chain(set).collect()
}

/// A condition: `all_agree(answer) or rounds>=2`.
pub fn predicate(condition: &Predicate) -> String {
    match condition {
        Predicate::AllAgree(field) => format!("all_agree({field})"),
        Predicate::Agree { field, at_least } => format!("agree({field})>={at_least}"),
        Predicate::Stable { field, rounds } => format!("stable({field},{rounds})"),
        Predicate::Flag { role, field } => format!("flag({role}.{field})"),
        Predicate::Rounds(least) => format!("rounds>={least}"),
        Predicate::Similarity(share) => format!("similarity>={share}"),
        Predicate::BudgetBelow(share) => format!("budget<{share}"),
        Predicate::LeadUnassailable => "lead_unassailable".to_owned(),
        Predicate::HumanStop => "human_stop".to_owned(),
        Predicate::And(all) => joined(all, " and "),
        Predicate::Or(any) => joined(any, " or "),
        Predicate::Not(one) => format!("not {}", inner(one)),
    }
}

fn joined(parts: &[Predicate], word: &str) -> String {
    parts.iter().map(inner).collect::<Vec<_>>().join(word)
}

fn inner(part: &Predicate) -> String {
    match part {
        Predicate::And(_) | Predicate::Or(_) => format!("({})", predicate(part)),
        Predicate::AllAgree(_)
        | Predicate::Agree { .. }
        | Predicate::Stable { .. }
        | Predicate::Flag { .. }
        | Predicate::Rounds(_)
        | Predicate::Similarity(_)
        | Predicate::BudgetBelow(_)
        | Predicate::LeadUnassailable
        | Predicate::HumanStop
        | Predicate::Not(_) => predicate(part),
    }
}

/// An order: `pick:mod`.
pub fn order(order: &Order) -> String {
    match order {
        Order::Sequential => "sequential".to_owned(),
        Order::Simultaneous => "simultaneous".to_owned(),
        Order::Alternate => "alternate".to_owned(),
        Order::Rotate => "rotate".to_owned(),
        Order::PairQa => "pair_qa".to_owned(),
        Order::Pick(role) => format!("pick:{role}"),
    }
}

/// Whose words reach whom: `to:lead`.
pub fn edges(edges: &Edges) -> String {
    match edges {
        Edges::All => "all".to_owned(),
        Edges::Ring => "ring".to_owned(),
        Edges::Star => "star".to_owned(),
        Edges::Prev => "prev".to_owned(),
        Edges::To(role) => format!("to:{role}"),
    }
}

/// A kind of phase.
pub fn phase_kind(kind: PhaseKind) -> &'static str {
    match kind {
        PhaseKind::Speak => "speak",
        PhaseKind::Judge => "judge",
        PhaseKind::Vote => "vote",
        PhaseKind::Summarise => "summarise",
        PhaseKind::Poll => "poll",
        PhaseKind::AskHuman => "ask_human",
    }
}

/// A kind of role.
pub fn role_kind(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Debater => "debater",
        RoleKind::Judge => "judge",
        RoleKind::Moderator => "moderator",
        RoleKind::Summariser => "summariser",
        RoleKind::Audience => "audience",
    }
}

/// What a role's models must be.
pub fn family(family: Family) -> &'static str {
    match family {
        Family::Any => "any",
        Family::Distinct => "distinct",
        Family::NotDebaters => "not:debaters",
    }
}

/// How many may hold a role: `2..8`.
pub fn count(count: Count) -> String {
    match (count.min, count.max) {
        (_, u32::MAX) => "n".to_owned(),
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min}..{max}"),
    }
}

/// How many must have spoken.
pub fn quorum(quorum: Quorum) -> String {
    match quorum {
        Quorum::None => "none".to_owned(),
        Quorum::Majority => "majority".to_owned(),
        Quorum::All => "all".to_owned(),
        Quorum::AtLeast(least) => least.to_string(),
    }
}

/// What happens when a turn cannot be had.
pub fn on_fail(then: OnFailThen) -> &'static str {
    match then {
        OnFailThen::Substitute => "substitute",
        OnFailThen::Skip => "skip",
        OnFailThen::Forfeit => "forfeit",
        OnFailThen::Abort => "abort",
    }
}

/// A kind of contract.
pub fn contract_kind(kind: ContractKind) -> &'static str {
    match kind {
        ContractKind::Text => "text",
        ContractKind::Json => "json",
        ContractKind::Choice => "choice",
        ContractKind::Verdict => "verdict",
        ContractKind::Ranking => "ranking",
        ContractKind::Scores => "scores",
        ContractKind::Question => "question",
    }
}

/// What a field holds: `0..10`.
pub fn field_kind(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Text => "string".to_owned(),
        FieldKind::Bool => "bool".to_owned(),
        FieldKind::Number { min, max } => format!("{min}..{max}"),
        FieldKind::OneOf(words) => words.join("|"),
        FieldKind::Choice => "choice".to_owned(),
        FieldKind::Ranking => "ranking".to_owned(),
        FieldKind::Several => "several".to_owned(),
        FieldKind::Points(points) => format!("points:{points}"),
        FieldKind::Scores { keys, min, max } => format!("{}:{min}..{max}", keys.join(",")),
    }
}

/// What can be chosen.
pub fn choices(choices: &Choices) -> String {
    match choices {
        Choices::Fixed(words) => words.join("|"),
        Choices::Options => "$options".to_owned(),
        Choices::Phase(id) => format!("${id}"),
    }
}

/// What quotes are looked for in.
pub fn quote_source(source: &QuoteSource) -> String {
    match source {
        QuoteSource::Facts => "facts".to_owned(),
        QuoteSource::Secret(name) => format!("secret:{name}"),
        QuoteSource::All => "all".to_owned(),
    }
}

/// A rule of decision.
pub fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Majority => "majority",
        Rule::Plurality => "plurality",
        Rule::Judge => "judge",
        Rule::Panel => "panel",
        Rule::Weighted => "weighted",
        Rule::Approval => "approval",
        Rule::Borda => "borda",
        Rule::MeanRank => "mean_rank",
        Rule::Cumulative => "cumulative",
        Rule::Irv => "irv",
        Rule::Consensus => "consensus",
        Rule::Swing => "swing",
        Rule::Synthesis => "synthesis",
        Rule::Trajectory => "trajectory",
    }
}

/// What breaks a tie.
pub fn tie(tie: Tie) -> &'static str {
    match tie {
        Tie::Split => "split",
        Tie::EarliestRound => "earliest_round",
        Tie::Seeded => "seeded",
        Tie::Judge => "judge",
    }
}

/// How much each ballot weighs.
pub fn weights(weights: Weights) -> &'static str {
    match weights {
        Weights::Equal => "equal",
        Weights::Confidence => "confidence",
        Weights::ReconcileSteps => "fn:reconcile_steps",
        Weights::Rating => "rating",
    }
}

/// `PHASE.field`.
pub fn field_ref(reference: &FieldRef) -> String {
    format!("{}.{}", reference.phase, reference.field)
}
