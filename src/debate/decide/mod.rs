//! From ballots to a verdict. A ballot that could not be read is an outcome of its own, never a guess.

mod count;

use serde_json::Value;

use count::Count;

use super::contract;
use super::state::State;
use super::state::TurnRecord;
use super::state::TurnStanding;
use crate::types::debate::Ballot;
use crate::types::debate::Baseline;
use crate::types::debate::FieldRef;
use crate::types::debate::Flip;
use crate::types::debate::ParsePath;
use crate::types::debate::RoleKind;
use crate::types::debate::Rule;
use crate::types::debate::Verdict;
use crate::types::debate::VerdictStatus;

/// Decides a debate on what was said so far.
pub(super) fn verdict(state: &State) -> Verdict {
    if let Some(forfeited) = forfeit(state) {
        return forfeited;
    }
    let format = &state.spec().format;
    let (ballots, field) = ballots(state);
    let count = Count::of(state, &ballots, format.decision.tie);
    let sides: Vec<&str> = format
        .roles
        .iter()
        .filter_map(|role| role.side.as_deref())
        .collect();
    let leading = count.leader.clone();
    let status = match &leading {
        _ if count.counted == 0 => VerdictStatus::Undecided,
        None => VerdictStatus::Tie,
        Some(choice) if !sides.is_empty() && names_no_winner(choice) => VerdictStatus::Tie,
        Some(_) => VerdictStatus::Decided,
    };
    let won = leading.filter(|_| status == VerdictStatus::Decided);
    let is_side = |choice: &String| sides.iter().any(|side| side.eq_ignore_ascii_case(choice));
    let ruling = won
        .as_ref()
        .and_then(|choice| ballots.iter().find(|ballot| count::same(ballot, choice)));
    let side_of_ruling = ruling.and_then(|ballot| text_field(ballot.parsed.as_ref()?, "side"));
    let winner = won
        .clone()
        .filter(is_side)
        .or_else(|| side_of_ruling.filter(is_side));
    let answer = won
        .as_ref()
        .filter(|choice| !is_side(choice))
        .map(|choice| count.spelling(choice));
    let dissent = if format.report.dissent {
        dissent(state, &ballots, won.as_deref(), &field)
    } else {
        Vec::new()
    };
    Verdict {
        status,
        rule: rule_name(format.decision.rule, &count),
        reason: reason(&count, won.as_deref(), &ballots),
        winner,
        answer,
        margin: count.margin(),
        baselines: baselines(state),
        flips: if format.report.flips {
            flips(state)
        } else {
            Vec::new()
        },
        dissent,
        swap_consistent: None,
        agreement: None,
        tally: Vec::new(),
        also: Vec::new(),
        card: None,
        notes: notes(state, &ballots),
        panel: ballots,
    }
}

/// The answer that a turn holds, in formats that decide over debaters' answers; as a voter would spell it.
pub(super) fn held_answer(state: &State, turn: &TurnRecord) -> Option<String> {
    let of = &state.spec().format.decision.of;
    let field = of.iter().find(|field| field.phase == turn.phase)?;
    turn.parsed
        .as_ref()?
        .get(&field.field)
        .map(contract::canonical)
}

fn forfeit(state: &State) -> Option<Verdict> {
    let lost = state
        .turns()
        .iter()
        .find(|turn| turn.standing == TurnStanding::Forfeited)?;
    let cast = &state.spec().cast;
    let side = cast[lost.member].side.clone()?;
    let winner = cast
        .iter()
        .filter_map(|member| member.side.clone())
        .find(|other| *other != side);
    Some(Verdict {
        status: VerdictStatus::Forfeit,
        rule: "forfeit".to_owned(),
        reason: format!("{} could not speak for {side}", cast[lost.member].name),
        winner,
        answer: None,
        margin: None,
        panel: Vec::new(),
        baselines: Vec::new(),
        flips: Vec::new(),
        dissent: Vec::new(),
        swap_consistent: None,
        agreement: None,
        tally: Vec::new(),
        also: Vec::new(),
        card: None,
        notes: Vec::new(),
    })
}

/// The ballots that count: of the last deciding phase that ran, each voter's last; and the field that is counted.
fn ballots(state: &State) -> (Vec<Ballot>, String) {
    let of = &state.spec().format.decision.of;
    let ran = |field: &&FieldRef| state.turns().iter().any(|turn| turn.phase == field.phase);
    let last_ran = |field: &FieldRef| {
        state
            .turns()
            .iter()
            .rposition(|turn| turn.phase == field.phase)
    };
    let Some(deciding) = of.iter().filter(ran).max_by_key(|field| last_ran(field)) else {
        return (Vec::new(), String::new());
    };
    let mut ballots: Vec<(usize, Ballot)> = Vec::new();
    for turn in state
        .turns()
        .iter()
        .filter(|turn| turn.phase == deciding.phase)
    {
        ballots.retain(|(member, _)| *member != turn.member);
        ballots.push((turn.member, ballot(state, turn, &deciding.field)));
    }
    ballots.sort_by_key(|(member, _)| *member);
    (
        ballots.into_iter().map(|(_, ballot)| ballot).collect(),
        deciding.field.clone(),
    )
}

fn ballot(state: &State, turn: &TurnRecord, field: &str) -> Ballot {
    Ballot {
        agent: state.spec().cast[turn.member].name.clone(),
        choice: turn
            .parsed
            .as_ref()
            .and_then(|parsed| text_field(parsed, field)),
        parsed: turn.parsed.clone(),
        parse: turn.parse.unwrap_or(ParsePath::Unparsed),
        weight: 1.0,
        swapped: None,
        counts: true,
    }
}

fn text_field(parsed: &Value, field: &str) -> Option<String> {
    match parsed.get(field)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(other.to_string())
        }
    }
}

fn names_no_winner(choice: &str) -> bool {
    matches!(choice, "tie" | "draw" | "none")
}

fn rule_name(rule: Rule, count: &Count) -> String {
    match rule {
        Rule::Judge => "judge",
        Rule::Panel => "panel",
        Rule::Plurality => "plurality",
        // More than half of those who answered; less than that has won by being the largest group only.
        Rule::Majority if count.is_majority() => "majority",
        Rule::Majority => "plurality",
        Rule::Weighted
        | Rule::Approval
        | Rule::Borda
        | Rule::Cumulative
        | Rule::Irv
        | Rule::Consensus
        | Rule::Swing
        | Rule::Synthesis
        | Rule::Trajectory => todo!("base"),
    }
    .to_owned()
}

fn reason(count: &Count, won: Option<&str>, ballots: &[Ballot]) -> String {
    let words = won.and_then(|choice| {
        let ruling = ballots
            .iter()
            .find(|ballot| count::same(ballot, choice))?
            .parsed
            .as_ref()?;
        text_field(ruling, "reason").or_else(|| text_field(ruling, "reasoning"))
    });
    let tally = count.describe();
    match words {
        Some(words) if ballots.len() == 1 => words,
        Some(words) => format!("{tally}. {words}"),
        None => tally,
    }
}

/// What would have come out without debating: the majority of each debater's first answer.
fn baselines(state: &State) -> Vec<Baseline> {
    if !state.spec().format.report.round0_majority {
        return Vec::new();
    }
    let mut first: Vec<(usize, String)> = Vec::new();
    for turn in state.turns() {
        if let Some(answer) = held_answer(state, turn)
            && first.iter().all(|(member, _)| *member != turn.member)
        {
            first.push((turn.member, answer));
        }
    }
    let answers: Vec<String> = first.into_iter().map(|(_, answer)| answer).collect();
    let (answer, support) = count::plurality(&answers);
    vec![Baseline {
        id: "round0_majority".to_owned(),
        answer,
        support,
        of: answers.len() as u32,
        tokens: 0,
        cost_nanousd: None,
    }]
}

fn flips(state: &State) -> Vec<Flip> {
    let mut held: Vec<Option<String>> = vec![None; state.spec().cast.len()];
    let mut spoken = vec![0; state.spec().cast.len()];
    let mut flips = Vec::new();
    for turn in state.turns() {
        let Some(answer) = held_answer(state, turn) else {
            continue;
        };
        if let Some(from) = held[turn.member].replace(answer.clone())
            && from != answer
        {
            let agent = state.spec().cast[turn.member].name.clone();
            flips.push(Flip {
                agent,
                from,
                to: answer,
                round: spoken[turn.member],
                kind: crate::types::debate::FlipKind::Other,
            });
        }
        spoken[turn.member] += 1;
    }
    flips
}

fn dissent(state: &State, ballots: &[Ballot], won: Option<&str>, field: &str) -> Vec<String> {
    let Some(won) = won else { return Vec::new() };
    let against = ballots
        .iter()
        .filter(|ballot| ballot.choice.is_some() && !count::same(ballot, won));
    against
        .map(|ballot| {
            let choice = ballot.choice.clone().unwrap_or_default();
            let why = ballot.parsed.as_ref().and_then(|parsed| {
                text_field(parsed, "reason").or_else(|| text_field(parsed, "reasoning"))
            });
            match why {
                Some(why) => format!("{}: {field} {choice}: {why}", ballot.agent),
                None => format!("{}: {field} {choice}", ballot.agent),
            }
        })
        .take(state.spec().cast.len())
        .collect()
}

/// What a reader of the verdict should know.
fn notes(state: &State, ballots: &[Ballot]) -> Vec<String> {
    let mut notes = Vec::new();
    let unread = ballots
        .iter()
        .filter(|ballot| ballot.choice.is_none())
        .count();
    if unread > 0 {
        notes.push(format!(
            "{unread} of {} ballots could not be had or read and do not count",
            ballots.len()
        ));
    }
    let format = &state.spec().format;
    let kind = |role: &str| format.role(role).map(|role| role.kind);
    for judge in state
        .spec()
        .cast
        .iter()
        .filter(|member| kind(&member.role) != Some(RoleKind::Debater))
    {
        let shares = |other: &&crate::types::debate::CastMember| {
            kind(&other.role) == Some(RoleKind::Debater) && other.model == judge.model
        };
        if let Some(debater) = state.spec().cast.iter().find(shares) {
            notes.push(format!(
                "{} runs the same model as {} ({}): models favour their own texts",
                judge.name, debater.name, judge.model
            ));
        }
    }
    notes
}
