//! What a verdict tells beside who won: which ballots count, how far they agree, what a reader should know.

use serde_json::json;

use super::super::lead_unassailable;
use super::super::needs_swap;
use super::table::Ask;
use super::table::play;
use super::table::ruling;
use super::table::spec;
use super::table::sure;
use super::table::verdict;
use super::table::watched;
use crate::debate::state::State;
use crate::types::debate::Atom;
use crate::types::debate::Choices;
use crate::types::debate::ContractKind;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::FlipKind;
use crate::types::debate::OnFailThen;
use crate::types::debate::ParsePath;
use crate::types::debate::PhaseKind;
use crate::types::debate::Rule;
use crate::types::debate::Spec;
use crate::types::debate::Tie;
use crate::types::debate::Verdict;
use crate::types::debate::VerdictStatus;

/// An Oxford debate before three judges who read the openings only, the affirmative first.
fn oxford() -> Spec {
    let cast = [
        ("ann", "pro"),
        ("bob", "con"),
        ("jo", "judge"),
        ("kim", "judge"),
        ("lou", "judge"),
    ];
    let mut spec = spec("oxford", &cast);
    let judging = spec
        .format
        .phases
        .iter_mut()
        .find(|phase| phase.id == "judging")
        .unwrap();
    judging.swap = true;
    judging
        .sees
        .retain(|sight| !matches!(&sight.atom, Atom::Phase(id) if id != "opening"));
    spec
}

/// What each judge says in the first order and in the reverse one.
type Rulings<'a> = &'a [(&'a str, (&'a str, u32), (&'a str, u32))];

fn judged(spec: Spec, rulings: Rulings<'_>) -> Verdict {
    verdict(spec, |ask| {
        let Some((_, first, reverse)) = rulings.iter().find(|(judge, ..)| *judge == ask.agent)
        else {
            return Some("a speech".into());
        };
        let (winner, margin) = if ask.swapped { reverse } else { first };
        ruling(winner, *margin)
    })
}

#[test]
fn a_ballot_counts_only_if_both_orders_agree() {
    let verdict = judged(
        oxford(),
        &[
            ("jo", ("pro", 1), ("pro", 1)),
            ("kim", ("pro", 1), ("con", 1)),
            // A wide margin is not asked again.
            ("lou", ("pro", 3), ("con", 3)),
        ],
    );
    assert_eq!(verdict.status, VerdictStatus::Decided);
    assert_eq!(verdict.winner.as_deref(), Some("pro"));
    let ballots: Vec<(bool, Option<&str>)> = verdict
        .panel
        .iter()
        .map(|ballot| (ballot.counts, ballot.swapped.as_deref()))
        .collect();
    assert_eq!(
        ballots,
        [(true, Some("pro")), (false, Some("con")), (true, None)]
    );
    assert_eq!(verdict.reason, "2 of 2 for \"pro\". pro by 1");
    assert_eq!((verdict.agreement, verdict.margin), (Some(1.0), Some(1.0)));
    // In the reverse order it is two to one all the same.
    assert_eq!(verdict.swap_consistent, Some(true));
    let note = "ballots that change with the order of reading and do not count: 1 of 2; of these 1 went to what was \
                shown first both times, 0 to what was shown last";
    assert!(
        verdict.notes.iter().any(|it| it == note),
        "{:?}",
        verdict.notes
    );
}

#[test]
fn a_panel_that_turns_with_the_order_is_too_close_to_call() {
    let verdict = judged(
        oxford(),
        &[
            ("jo", ("pro", 1), ("con", 1)),
            ("kim", ("con", 1), ("pro", 1)),
            ("lou", ("pro", 0), ("con", 0)),
        ],
    );
    assert_eq!(verdict.status, VerdictStatus::TooClose);
    assert_eq!((verdict.winner, verdict.answer), (None, None));
    assert_eq!(
        verdict.reason,
        "too close to call: 3 of 3 ballots change with the order of reading. no ballot could be counted"
    );
    assert_eq!(verdict.swap_consistent, Some(false));
    // Everybody's reasons stand, since nobody won.
    assert_eq!(verdict.dissent[1], "kim: winner con: con by 1");
    assert_eq!(verdict.dissent.len(), 3);
}

#[test]
fn a_lead_below_the_least_margin_is_too_close_to_call() {
    let mut spec = oxford();
    spec.format.decision.min_margin = 1.0;
    // (2 + 2 - 2) / 3 is below 1, (3 + 2 - 1) / 3 above it.
    let close: Rulings<'_> = &[
        ("jo", ("pro", 2), ("pro", 2)),
        ("kim", ("pro", 2), ("pro", 2)),
        ("lou", ("con", 2), ("con", 2)),
    ];
    let clear: Rulings<'_> = &[
        ("jo", ("pro", 3), ("pro", 3)),
        ("kim", ("pro", 2), ("pro", 2)),
        ("lou", ("con", 1), ("con", 1)),
    ];
    let verdict = judged(spec.clone(), close);
    assert_eq!(
        (verdict.status, verdict.winner),
        (VerdictStatus::TooClose, None)
    );
    let told = "too close to call: \"pro\" leads by 0.667, and 1 are needed";
    assert!(verdict.reason.starts_with(told), "{}", verdict.reason);
    let verdict = judged(spec, clear);
    assert_eq!(verdict.winner.as_deref(), Some("pro"));
    assert_eq!(verdict.dissent, ["lou: winner con: con by 1"]);
}

#[test]
fn too_few_ballots_decide_nothing() {
    let mut spec = oxford();
    spec.format.decision.quorum = 0.6;
    let phase = spec
        .format
        .phases
        .iter_mut()
        .find(|phase| phase.id == "judging")
        .unwrap();
    phase.quorum = crate::types::debate::Quorum::None;
    let verdict = verdict(spec, |ask| match ask.agent.as_str() {
        "jo" => ruling("pro", 3),
        "kim" => None,
        "lou" => Some("I cannot say".into()),
        _ => Some("a speech".into()),
    });
    assert_eq!(verdict.status, VerdictStatus::Undecided);
    assert!(
        verdict
            .reason
            .starts_with("only 1 of 3 ballots count, and 2 are needed"),
        "{}",
        verdict.reason
    );
    assert_eq!(verdict.panel[2].parse, ParsePath::Unparsed);
    let note = "2 of 3 ballots could not be had or read and do not count";
    assert!(
        verdict.notes.iter().any(|it| it == note),
        "{:?}",
        verdict.notes
    );
}

#[test]
fn a_verdict_says_what_its_judges_and_debaters_share() {
    let models = |names: [&str; 5]| {
        let mut spec = oxford();
        for (member, name) in spec.cast.iter_mut().zip(names) {
            member.model = name.parse().unwrap();
        }
        let verdict = verdict(spec, |ask| match ask.agent.as_str() {
            "ann" => Some("one two three four five six".into()),
            "bob" => Some("one two".into()),
            _ => ruling("pro", 3),
        });
        verdict.notes.join("\n")
    };
    let notes = models([
        "openai/gpt-5",
        "openrouter/openai/gpt-5-mini",
        "openai/gpt-5",
        "azure/gpt-4",
        "mistral/mistral-large",
    ]);
    for part in [
        "jo runs the same model as ann (openai/gpt-5)",
        "kim (azure/gpt-4) is of the same family as ann (openai/gpt-5)",
        "all debaters are of one model family (gpt)",
        "words and con used",
    ] {
        assert!(notes.contains(part), "{part} is missing in\n{notes}");
    }
    assert!(!notes.contains("lou"), "{notes}");
    let panel = models([
        "openai/gpt-5",
        "xai/grok-5",
        "a/qwen3",
        "b/qwen3.7-max",
        "c/qwq:32b",
    ]);
    assert!(
        panel.contains("all judges are of one model family (qwen)"),
        "{panel}"
    );
    assert!(!panel.contains("all debaters"), "{panel}");
}

#[test]
fn a_consensus_needs_its_share_of_the_ballots() {
    let cast = [("ann", "solver"), ("bob", "solver"), ("cy", "solver")];
    let with = |threshold, answers: [&'static str; 3]| {
        let mut spec = spec("society-of-minds", &cast);
        spec.format.decision.rule = Rule::Consensus;
        spec.format.decision.threshold = threshold;
        let verdict = verdict(spec, move |ask| {
            let place = ["ann", "bob", "cy"]
                .iter()
                .position(|it| *it == ask.agent)?;
            sure(answers[place], 0.5)
        });
        (verdict.status, verdict.answer)
    };
    let two = ["42", "42", "41"];
    assert_eq!(with(1.0, two), (VerdictStatus::TooClose, None));
    assert_eq!(with(0.66, two), (VerdictStatus::Decided, Some("42".into())));
    assert_eq!(with(0.5, two), (VerdictStatus::Decided, Some("42".into())));
    assert_eq!(
        with(1.0, ["42", "42.0", "42"]),
        (VerdictStatus::Decided, Some("42".into()))
    );
    assert_eq!(with(0.5, ["40", "41", "42"]).0, VerdictStatus::Tie);
}

#[test]
fn debating_that_changes_nothing_is_called_that() {
    let said = |answers: &[[&'static str; 2]]| {
        let names = ["ann", "bob", "cy", "di"];
        let cast: Vec<(&str, &str)> = names[..answers.len()]
            .iter()
            .map(|it| (*it, "solver"))
            .collect();
        let verdict = verdict(spec("society-of-minds", &cast), |ask| {
            let place = names.iter().position(|it| *it == ask.agent)?;
            sure(answers[place][usize::from(ask.phase != "blind")], 0.5)
        });
        verdict.card.unwrap()
    };
    let agreed = said(&[["42", "42"], ["42", "42"], ["42", "42"]]);
    assert!(
        agreed
            .summary
            .starts_with("Nobody debated: 3 of 3 gave \"42\" on their own, and that decided it."),
        "{}",
        agreed.summary
    );
    let same = said(&[["42", "42"], ["42", "42"], ["41", "42"]]);
    assert!(
        same.summary.starts_with(
            "Debating did not change the answer: 2 of 3 held \"42\" before it; 1 came over"
        ),
        "{}",
        same.summary
    );
    // Ann gives 42 up to two who hold 41, while those two come over to 42.
    let crossed = said(&[["42", "41"], ["41", "42"], ["41", "42"], ["42", "42"]]);
    assert_eq!(crossed.outcome.answer.as_deref(), Some("42"));
    assert_eq!((crossed.helped, crossed.bullied), (2, 1));
}

/// A format in which members approve of each other's answers, or share out ten points.
fn members(rule: Rule, kind: FieldKind) -> Spec {
    let cast = [
        ("ann", "member"),
        ("bob", "member"),
        ("cy", "member"),
        ("di", "member"),
        ("chair", "chair"),
    ];
    let mut spec = spec("council", &cast);
    spec.format.phases.retain(|phase| phase.id != "synthesis");
    spec.format.decision.rule = rule;
    spec.format.decision.tie = Tie::Split;
    spec.format.decision.of = vec![FieldRef {
        phase: "review".into(),
        field: "votes".into(),
    }];
    spec.format.report.aggregate = None;
    let contract = spec.format.contracts.get_mut("ranking").unwrap();
    contract.kind = ContractKind::Json;
    contract.choices = Some(Choices::Phase("answers".into()));
    contract.fields = vec![Field {
        name: "votes".into(),
        kind,
    }];
    spec
}

/// The votes of each member, as labels.
fn votes(ask: &Ask, of: &[(&str, &[&str])]) -> Option<String> {
    if ask.phase == "answers" {
        return Some(format!("the answer of {}", ask.agent));
    }
    let (_, names) = of.iter().find(|(agent, _)| *agent == ask.agent)?;
    let labels: Vec<&str> = names.iter().map(|name| ask.label(name)).collect();
    Some(json!({"votes": labels}).to_string())
}

#[test]
fn approvals_by_label_are_counted_by_author() {
    let given: &[(&str, &[&str])] = &[
        ("ann", &["bob", "cy"]),
        ("bob", &["ann"]),
        ("cy", &["bob"]),
        ("di", &["bob", "ann"]),
    ];
    let verdict = verdict(members(Rule::Approval, FieldKind::Several), |ask| {
        votes(ask, given)
    });
    let tally: Vec<(&str, f64)> = verdict
        .tally
        .iter()
        .map(|entry| (entry.choice.as_str(), entry.points))
        .collect();
    assert_eq!(tally, [("bob", 3.0), ("ann", 2.0), ("cy", 1.0)]);
    assert_eq!(verdict.answer.as_deref(), Some("the answer of bob"));
    // Approvals of three choices by four readers: P = (1/2 + 1/3 + 1/2) / 3, chance 1/2.
    assert_eq!(verdict.kappa, Some(-0.111111111));
}

#[test]
fn points_by_label_are_counted_by_author() {
    let spec = members(Rule::Cumulative, FieldKind::Points(10));
    let verdict = verdict(spec, |ask| {
        if ask.phase == "answers" {
            return votes(ask, &[]);
        }
        let others = ["ann", "bob", "cy", "di"]
            .into_iter()
            .filter(|name| *name != ask.agent);
        let mut points = serde_json::Map::new();
        for (place, name) in others.enumerate() {
            points.insert(ask.label(name).to_owned(), json!([6, 3, 1][place]));
        }
        Some(json!({"votes": points}).to_string())
    });
    // Ann 6 + 6 + 6; bob 6 + 3 + 3; cy 3 + 3 + 1; di 1 + 1 + 1.
    let points: Vec<f64> = verdict.tally.iter().map(|entry| entry.points).collect();
    assert_eq!(points, [18.0, 12.0, 7.0, 3.0]);
    assert_eq!(verdict.answer.as_deref(), Some("the answer of ann"));
}

#[test]
fn a_tie_can_fall_to_the_judge() {
    let cast = [
        ("ann", "pro"),
        ("bob", "con"),
        ("jo", "judge"),
        ("kim", "judge"),
    ];
    let mut spec = spec("oxford", &cast);
    let judging = spec
        .format
        .phases
        .iter_mut()
        .find(|phase| phase.id == "judging")
        .unwrap();
    judging.swap = false;
    spec.format.decision.tie = Tie::Judge;
    let verdict = verdict(spec, |ask| match ask.agent.as_str() {
        "jo" => ruling("con", 3),
        "kim" => ruling("pro", 3),
        _ => Some("a speech".into()),
    });
    assert_eq!(
        (verdict.status, verdict.winner.as_deref()),
        (VerdictStatus::Decided, Some("con"))
    );
}

/// After each answer of a phase, whether its lead is safe.
fn safe_after_each(
    spec: Spec,
    phase: &str,
    script: impl FnMut(&Ask) -> Option<String>,
) -> Vec<bool> {
    let mut seen = Vec::new();
    let watch = |state: &State| {
        let voting = state.turns().last().is_some_and(|turn| turn.phase == phase);
        if voting && !state.status().is_over() {
            seen.push(lead_unassailable(state));
        }
    };
    watched(spec, script, watch);
    seen
}

#[test]
fn a_lead_is_safe_when_no_missing_ballot_can_catch_up() {
    let cast = ["ann", "bob", "cy", "di", "eve"].map(|name| (name, "solver"));
    let mut spec = spec("society-of-minds", &cast);
    spec.format.phases.retain(|phase| phase.id == "blind");
    spec.format
        .decision
        .of
        .retain(|field| field.phase == "blind");
    let same = |spec: &Spec| safe_after_each(spec.clone(), "blind", |_| sure("42", 0.5));
    // Before the first, then 1, 2, 3 and 4 of 5: three against two that are missing are safe.
    assert_eq!(same(&spec), [false, false, false, true, true]);
    spec.format.decision.quorum = 0.8;
    assert_eq!(same(&spec), [false, false, false, false, true]);
    spec.format.decision.rule = Rule::Consensus;
    assert_eq!(same(&spec), [false; 5]);
}

#[test]
fn a_lead_in_places_is_safe_when_the_worst_ranking_leaves_it_ahead() {
    let council = |order: &'static [(&str, &str)]| {
        let mut cast: Vec<(&str, &str)> = order.iter().map(|(name, _)| (*name, "member")).collect();
        cast.push(("chair", "chair"));
        safe_after_each(spec("council", &cast), "review", |ask| {
            let own = order.iter().find(|(name, _)| *name == ask.agent);
            match own.filter(|_| ask.phase == "review") {
                Some((_, ranking)) => ask.ranking(ranking),
                None => Some("text".into()),
            }
        })
    };
    // Bob has two firsts. If di put him last and ann first, he had 2/3 and ann 2.5/3.
    let open = council(&[
        ("ann", "bob cy di"),
        ("bob", "ann cy di"),
        ("cy", "bob ann di"),
        ("di", "bob ann cy"),
    ]);
    assert_eq!(open[..4], [false; 4]);
    // Bob has three firsts, 3/4 at the worst; ann has 2/3, 1/3 and 2/3, with another first 2.67/4.
    let safe = council(&[
        ("ann", "bob cy eve di"),
        ("bob", "eve ann cy di"),
        ("cy", "bob eve ann di"),
        ("di", "bob ann cy eve"),
        ("eve", "bob ann cy di"),
    ]);
    assert_eq!(safe[..5], [false, false, false, false, true]);
}

#[test]
fn a_ballot_is_asked_again_when_it_is_close_or_says_no_margin() {
    let with = |margin: u32, swap: bool| {
        let mut spec = oxford();
        let judging = spec
            .format
            .phases
            .iter_mut()
            .find(|phase| phase.id == "judging")
            .unwrap();
        judging.swap = swap;
        let state = play(spec, |ask| match ask.agent.as_str() {
            "jo" | "kim" | "lou" => ruling("pro", margin),
            _ => Some("a speech".into()),
        });
        let judging = |index: &usize| {
            let turn = &state.turns()[*index];
            turn.phase == "judging" && !turn.swapped
        };
        let first = (0..state.turns().len()).find(judging).unwrap();
        needs_swap(&state, first)
    };
    assert!(with(0, true) && with(1, true));
    assert!(!with(2, true) && !with(1, false));
}

#[test]
fn phases_of_judging_are_told_from_others() {
    // The tests above lean on these shipped phases.
    let format = spec("oxford", &[]).format;
    assert_eq!(
        format.phase("judging").map(|phase| phase.kind),
        Some(PhaseKind::Judge)
    );
}

#[test]
fn a_judge_who_is_asked_before_and_after_is_what_the_card_compares() {
    let mut spec = spec(
        "debate-with-secret",
        &[("ann", "amber"), ("bob", "teal"), ("jo", "judge")],
    );
    spec.options = vec!["at dawn".into(), "at dusk".into()];
    let story = json!({"title": "story", "text": "The ship sailed at dusk."});
    spec.secrets
        .insert("story".into(), serde_json::from_value(story).unwrap());
    let verdict = verdict(spec, |ask| {
        let answer = match ask.phase.as_str() {
            "unheard" => "at dawn",
            "ruling" => "at dusk",
            _ => return Some("The text says <quote>The ship sailed at dusk</quote>.".into()),
        };
        Some(json!({"reason": "r", "answer": answer, "confidence": 0.7}).to_string())
    });
    assert_eq!(verdict.answer.as_deref(), Some("at dusk"));
    let card = verdict.card.unwrap();
    assert_eq!(card.best_single.unwrap().answer.as_deref(), Some("at dawn"));
    assert_eq!(card.helped, 1);
    assert!(
        card.summary
            .starts_with("Debating changed the answer from \"at dawn\" (1 of 1) to \"at dusk\""),
        "{}",
        card.summary
    );
    assert_eq!(
        (verdict.flips.len(), verdict.flips[0].kind),
        (1, FlipKind::Helped)
    );
}

#[test]
fn a_forfeited_debate_tells_what_was_held_before_it() {
    let mut spec = spec(
        "society-of-minds",
        &[("ann", "solver"), ("bob", "solver"), ("cy", "solver")],
    );
    for (member, side) in spec.cast.iter_mut().zip(["yes", "no", "yes"]) {
        member.side = Some(side.to_owned());
    }
    for phase in &mut spec.format.phases {
        phase.on_fail.then = OnFailThen::Forfeit;
    }
    let verdict = verdict(spec, |ask| match (ask.agent.as_str(), ask.phase.as_str()) {
        ("bob", "blind") => sure("41", 0.9),
        ("bob", _) => None,
        _ => sure("42", 0.8),
    });
    assert_eq!(verdict.status, VerdictStatus::Forfeit);
    assert_eq!(verdict.winner.as_deref(), Some("yes"));
    let card = verdict.card.expect("every verdict has a card");
    let majority = card.round0_majority.expect("there were first answers");
    assert_eq!(majority.answer.as_deref(), Some("42"));
    assert_eq!((majority.support, majority.of), (2, 3));
    let single = card.best_single.expect("somebody was the surest");
    assert_eq!(single.agent.as_deref(), Some("bob"));
    assert_eq!(card.outcome.answer.as_deref(), Some("yes"));
    assert!(
        card.summary.starts_with(
            "A side could not speak, so debating decided nothing; on their own 2 of 3 held \"42\". It took "
        ),
        "{}",
        card.summary
    );
}

#[test]
fn a_debate_forfeited_before_anybody_answered_says_that_too() {
    let mut spec = oxford();
    for phase in &mut spec.format.phases {
        phase.on_fail.then = OnFailThen::Forfeit;
    }
    let verdict = verdict(spec, |ask| (ask.agent != "bob").then(|| "a speech".into()));
    let card = verdict.card.expect("every verdict has a card");
    assert_eq!((card.best_single, card.round0_majority), (None, None));
    assert_eq!(
        card.summary,
        "A side could not speak, so debating decided nothing; no agent had given an answer of its own."
    );
}
