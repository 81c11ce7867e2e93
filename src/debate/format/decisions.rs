//! Reads how a debate is decided, and what is reported beside the verdict.

use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::document::is_id;
use crate::types::debate::Decision;
use crate::types::debate::FieldRef;
use crate::types::debate::Report;
use crate::types::debate::Rule;
use crate::types::debate::Tie;
use crate::types::debate::Weights;

/// All rules, as the file says them.
pub(super) const RULES: Words<Rule> = Words(&[
    ("majority", Rule::Majority),
    ("plurality", Rule::Plurality),
    ("weighted", Rule::Weighted),
    ("approval", Rule::Approval),
    ("borda", Rule::Borda),
    ("mean_rank", Rule::MeanRank),
    ("cumulative", Rule::Cumulative),
    ("irv", Rule::Irv),
    ("consensus", Rule::Consensus),
    ("judge", Rule::Judge),
    ("panel", Rule::Panel),
    ("swing", Rule::Swing),
    ("synthesis", Rule::Synthesis),
    ("trajectory", Rule::Trajectory),
]);

const TIES: Words<Tie> = Words(&[
    ("split", Tie::Split),
    ("earliest_round", Tie::EarliestRound),
    ("seeded", Tie::Seeded),
    ("judge", Tie::Judge),
]);

const WEIGHTS: Words<Weights> = Words(&[
    ("equal", Weights::Equal),
    ("confidence", Weights::Confidence),
    ("rating", Weights::Rating),
    ("fn:reconcile_steps", Weights::ReconcileSteps),
]);

/// What can be reported beside the verdict.
#[derive(Clone, Copy, PartialEq)]
enum Compared {
    Round0Majority,
    SingleBest,
}

const BASELINES: Words<Compared> = Words(&[
    ("round0_majority", Compared::Round0Majority),
    ("single:best", Compared::SingleBest),
]);

/// Reads `[decision]` with all that is decided beside it.
pub(super) fn read(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Decision> {
    let table = root.section("decision", mistakes)?;
    let also = table.get("also");
    let also = match &also {
        None => Vec::new(),
        Some(item) if item.is_list() => {
            let elements = item.list(mistakes).unwrap_or_default();
            let tables = elements.iter();
            tables
                .filter_map(|element| element.section(mistakes))
                .collect()
        }
        Some(item) => item.section(mistakes).into_iter().collect(),
    };
    let decided: Vec<Option<Decision>> = also
        .iter()
        .map(|table| decision(table, &[], mistakes))
        .collect();
    let main = decision(&table, &["also"], mistakes)?;
    let also: Option<Vec<Decision>> = decided.into_iter().collect();
    Some(Decision {
        also: also?,
        ..main
    })
}

fn decision(
    table: &Section<'_>,
    more_keys: &[&str],
    mistakes: &mut Mistakes<'_>,
) -> Option<Decision> {
    let keys = [
        "rule",
        "of",
        "tie",
        "weights",
        "quorum",
        "threshold",
        "swap",
        "min_margin",
    ];
    table.only(&[&keys[..], more_keys].concat(), mistakes);
    let rule = table.require("rule", mistakes);
    let rule = rule.and_then(|item| RULES.read(&item, mistakes));
    let of = table.require("of", mistakes);
    let of = of.map(|item| operands(&item, mistakes));
    let tie = table
        .get("tie")
        .map_or(Some(Tie::Split), |item| TIES.read(&item, mistakes));
    let weights = table
        .get("weights")
        .map_or(Some(Weights::Equal), |item| WEIGHTS.read(&item, mistakes));
    let swap = table.get("swap").and_then(|item| item.flag(mistakes));
    let mut share = |key: &str, most: f64| {
        let item = table.get(key)?;
        item.within(0.0..=most, mistakes)
    };
    let (quorum, min_margin) = (share("quorum", 1.0), share("min_margin", 100.0));
    let threshold = share("threshold", 1.0);
    if let (Some(item), Some(share)) = (table.get("threshold"), threshold)
        && share <= 0.5
    {
        item.wrong(
            "above 0.5: with less, two answers could both have it",
            mistakes,
        );
    }
    let (of, minus) = of?;
    Some(Decision {
        rule: rule?,
        of,
        minus,
        tie: tie?,
        weights: weights?,
        quorum: quorum.unwrap_or(0.0),
        threshold: threshold.unwrap_or(1.0),
        swap: swap.unwrap_or(false),
        min_margin: min_margin.unwrap_or(0.0),
        also: Vec::new(),
    })
}

/// Reads `"PHASE.field"`, a list of them, or `"PHASE.field - PHASE.field"`. Whether they exist is looked at later.
fn operands(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> (Vec<FieldRef>, Option<FieldRef>) {
    if let Some((of, minus)) = item.as_str().and_then(|text| text.split_once(" - ")) {
        let mut operand = |text: &str| field_ref(item, text.trim(), mistakes);
        let (of, minus) = (operand(of), operand(minus));
        return (of.into_iter().collect(), minus);
    }
    let mut refs = Vec::new();
    for element in item.texts(mistakes) {
        let text = element.as_str().unwrap_or_default();
        let read = field_ref(&element, text, mistakes);
        if read.is_some() && refs.contains(&read) {
            let help = format!("{}: \"{text}\" stands there twice", item.path);
            mistakes.add(element.at, help);
        }
        refs.push(read);
    }
    if refs.is_empty() {
        let help = format!("{} names no answer to decide over", item.path);
        mistakes.add(item.at, help);
    }
    (refs.into_iter().flatten().collect(), None)
}

fn field_ref(item: &Item<'_>, text: &str, mistakes: &mut Mistakes<'_>) -> Option<FieldRef> {
    match text.split_once('.') {
        Some((phase, field)) if is_id(phase) && is_id(field) => Some(FieldRef {
            phase: phase.to_owned(),
            field: field.to_owned(),
        }),
        Some(_) | None => {
            let wanted = format!(
                "PHASE.field, for example \"judging.winner\", or two of them with \" - \" between, not \"{text}\""
            );
            item.wrong(&wanted, mistakes);
            None
        }
    }
}

/// Reads `[report]`.
pub(super) fn report(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Report {
    let Some(table) = root.section("report", mistakes) else {
        return Report::default();
    };
    let keys = ["baselines", "aggregate", "flips", "dissent"];
    table.only(&keys, mistakes);
    let baselines = table.get("baselines");
    let baselines = baselines.map_or_else(Vec::new, |item| item.texts(mistakes));
    let baselines: Vec<Compared> = baselines
        .iter()
        .filter_map(|item| BASELINES.read(item, mistakes))
        .collect();
    let aggregate = table
        .get("aggregate")
        .and_then(|item| RULES.read(&item, mistakes));
    let mut flag = |key: &str| table.get(key).and_then(|item| item.flag(mistakes));
    Report {
        round0_majority: baselines.contains(&Compared::Round0Majority),
        single_best: baselines.contains(&Compared::SingleBest),
        aggregate,
        flips: flag("flips").unwrap_or(false),
        dissent: flag("dissent").unwrap_or(false),
    }
}
