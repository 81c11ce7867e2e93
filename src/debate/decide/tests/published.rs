//! What the published algorithms would answer, computed by hand, on agents that follow a script.

use serde_json::json;

use super::table::Ask;
use super::table::spec;
use super::table::sure;
use super::table::verdict;
use crate::types::debate::FlipKind;
use crate::types::debate::Rule;
use crate::types::debate::Tie;
use crate::types::debate::VerdictStatus;
use crate::types::debate::Weights;

const SOLVERS: [(&str, &str); 3] = [("ann", "solver"), ("bob", "solver"), ("cy", "solver")];

/// Answers by agent and round: the first round is the blind one.
fn rounds<'a>(answers: &'a [(&str, &[(&str, f64)])]) -> impl FnMut(&Ask) -> Option<String> + 'a {
    move |ask| {
        let round = if ask.phase == "blind" {
            0
        } else {
            ask.round as usize + 1
        };
        let of_agent = answers.iter().find(|(agent, _)| *agent == ask.agent)?;
        let (answer, confidence) = of_agent.1[round];
        sure(answer, confidence)
    }
}

/// Du et al. 2023: the mode of the last round's answers. Round 0: 42, 41, 40. Round 1: 42, 42, 40. Mode: 42.
#[test]
fn society_of_minds_gives_the_mode_of_the_last_round() {
    let answers: &[(&str, &[(&str, f64)])] = &[
        ("ann", &[("42", 0.6), ("42", 0.7)]),
        ("bob", &[("41", 0.9), ("42.0", 0.5)]),
        ("cy", &[("40", 0.5), ("40", 0.5)]),
    ];
    let verdict = verdict(spec("society-of-minds", &SOLVERS), rounds(answers));
    assert_eq!(verdict.status, VerdictStatus::Decided);
    assert_eq!(verdict.rule, "majority");
    assert_eq!(verdict.answer.as_deref(), Some("42"));
    assert_eq!(verdict.margin, Some(0.333333333));
    // Of the three pairs of ballots one agrees.
    assert_eq!(verdict.agreement, Some(0.333333333));
    let card = verdict.card.unwrap();
    // Three answers without a majority; bob was the surest.
    let majority = card.round0_majority.unwrap();
    assert_eq!(
        (majority.answer, majority.support, majority.of),
        (None, 1, 3)
    );
    assert_eq!((majority.tokens, majority.cost_nanousd.unwrap().0), (45, 9));
    let single = card.best_single.unwrap();
    assert_eq!(single.agent.as_deref(), Some("bob"));
    assert_eq!(single.answer.as_deref(), Some("41"));
    assert_eq!((single.support, single.tokens), (1, 15));
    assert_eq!(card.outcome.answer.as_deref(), Some("42"));
    assert_eq!(
        (card.outcome.support, card.outcome.of, card.outcome.tokens),
        (2, 3, 90)
    );
    assert_eq!((card.helped, card.bullied), (1, 0));
    assert_eq!(
        card.summary,
        "Before the debate there was no majority; it came to \"42\", which 2 of 3 held in the end; 1 came over to the \
         answer, 0 gave it up under a majority. It took 90 tokens, 6.0 times those of one answer."
    );
    let flip = &verdict.flips[0];
    assert_eq!(
        (flip.agent.as_str(), flip.from.as_str(), flip.to.as_str()),
        ("bob", "41", "42")
    );
    assert_eq!(
        (flip.from_support, flip.to_support, flip.kind),
        (0, 1, FlipKind::Helped)
    );
}

/// Du et al. break ties by the first seen, we by the round before: 42 was held by two at first, 41 by one.
#[test]
fn a_tied_last_round_falls_to_what_more_held_before() {
    let cast = [
        ("ann", "solver"),
        ("bob", "solver"),
        ("cy", "solver"),
        ("di", "solver"),
    ];
    let answers: &[(&str, &[(&str, f64)])] = &[
        ("ann", &[("41", 0.5), ("41", 0.5)]),
        ("bob", &[("42", 0.5), ("41", 0.5)]),
        ("cy", &[("42", 0.5), ("42", 0.5)]),
        ("di", &[("40", 0.5), ("42", 0.5)]),
    ];
    let verdict = verdict(spec("society-of-minds", &cast), rounds(answers));
    assert_eq!(verdict.answer.as_deref(), Some("42"));
    assert_eq!(verdict.rule, "plurality");
    assert_eq!(verdict.margin, Some(0.0));
}

/// `ReConcile`: ann 42 at 1.0 weighs 1; bob and cy 41 at 0.85 weigh 0.5 and 0.3 at 0.7: 0.8. One sure agent wins, against
/// a majority. The discussion runs three rounds, because nobody moves.
#[test]
fn reconcile_weighs_each_vote_by_the_steps_of_its_confidence() {
    let stays = |answer, confidence| [(answer, confidence); 4];
    let (ann, bob, cy) = (stays("42", 1.0), stays("41", 0.85), stays("41", 0.7));
    let answers: &[(&str, &[(&str, f64)])] = &[("ann", &ann), ("bob", &bob), ("cy", &cy)];
    let verdict = verdict(spec("reconcile", &SOLVERS), rounds(answers));
    assert_eq!(verdict.rule, "weighted");
    assert_eq!(verdict.answer.as_deref(), Some("42"));
    let weights: Vec<f64> = verdict.panel.iter().map(|ballot| ballot.weight).collect();
    assert_eq!(weights, [1.0, 0.5, 0.3]);
    let tally: Vec<(&str, f64)> = verdict
        .tally
        .iter()
        .map(|entry| (entry.choice.as_str(), entry.points))
        .collect();
    assert_eq!(tally, [("42", 1.0), ("41", 0.8)]);
    let card = verdict.card.unwrap();
    assert_eq!(card.round0_majority.unwrap().answer.as_deref(), Some("41"));
    assert_eq!(card.best_single.unwrap().answer.as_deref(), Some("42"));
    assert!(
        card.summary
            .starts_with("Debating changed the answer from \"41\" (2 of 3) to \"42\""),
        "{}",
        card.summary
    );
}

/// The nudge of `ReConcile`: ann 41 and cy 42 at 0.95 weigh 0.8 each, bob 40 at 0.85 weighs 0.5; the tie falls to ann, who
/// sits first.
#[test]
fn reconciles_ties_fall_to_the_first_agent() {
    let stays = |answer, confidence| [(answer, confidence); 4];
    let (ann, bob, cy) = (stays("41", 0.95), stays("40", 0.85), stays("42", 0.95));
    let answers: &[(&str, &[(&str, f64)])] = &[("ann", &ann), ("bob", &bob), ("cy", &cy)];
    let verdict = verdict(spec("reconcile", &SOLVERS), rounds(answers));
    assert_eq!(
        (verdict.status, verdict.answer.as_deref()),
        (VerdictStatus::Decided, Some("41"))
    );
}

/// Free-MAD: two of three give in to 41, but the course of 42 scores 60 + 10 - 25 = 45 and that of 41 30.
#[test]
fn a_trajectory_keeps_what_a_majority_gave_up() {
    let mut spec = spec("society-of-minds", &SOLVERS);
    spec.format.decision.rule = Rule::Trajectory;
    let answers: &[(&str, &[(&str, f64)])] = &[
        ("ann", &[("42", 0.5), ("42", 0.5)]),
        ("bob", &[("42", 0.5), ("41", 0.5)]),
        ("cy", &[("40", 0.5), ("41", 0.5)]),
    ];
    // 42: 20 + 20 + 10 - 12.5 = 37.5; 40: 20 - 12.5 = 7.5; 41: 15 + 15 = 30.
    let verdict = verdict(spec, rounds(answers));
    assert_eq!(
        (verdict.rule.as_str(), verdict.answer.as_deref()),
        ("trajectory", Some("42"))
    );
    let points: Vec<f64> = verdict.tally.iter().map(|entry| entry.points).collect();
    assert_eq!(points, [37.5, 30.0, 7.5]);
    // Bob gave up what came out, but not to more: nobody held 41 before.
    assert_eq!(verdict.flips[0].kind, FlipKind::Other);
    assert_eq!(verdict.card.unwrap().bullied, 0);
}

fn council() -> Vec<(&'static str, &'static str)> {
    vec![
        ("ann", "member"),
        ("bob", "member"),
        ("cy", "member"),
        ("di", "member"),
        ("chair", "chair"),
    ]
}

/// Reviews: ann bob > cy > di, bob ann > cy > di, cy bob > ann > di, di bob > ann > cy.
fn reviews(ask: &Ask) -> Option<String> {
    match (ask.phase.as_str(), ask.agent.as_str()) {
        ("answers", agent) => Some(format!("the answer of {agent}")),
        ("review", "ann") => ask.ranking("bob cy di"),
        ("review", "bob") => ask.ranking("ann cy di"),
        ("review", "cy") => ask.ranking("bob ann di"),
        ("review", "di") => ask.ranking("bob ann cy"),
        _ => Some("all of it in one".into()),
    }
}

/// Borda: bob 1, 1, 1: 1; ann 1, 1/2, 1/2: 2/3; cy 1/2, 1/2, 0: 1/3; di 0, 0, 0: 0.
/// Mean place, as llm-council shows it: bob 1, ann 5/3, cy 7/3, di 3.
#[test]
fn council_aggregates_by_borda_and_mean_place_beside_the_chairs_text() {
    let mut spec = spec("council", &council());
    let mut mean = spec.format.decision.clone();
    mean.rule = Rule::MeanRank;
    mean.of = vec![crate::types::debate::FieldRef {
        phase: "review".into(),
        field: "ranking".into(),
    }];
    spec.format.decision.also = vec![mean];
    let verdict = verdict(spec, reviews);
    assert_eq!(
        (verdict.status, verdict.rule.as_str()),
        (VerdictStatus::Decided, "synthesis")
    );
    assert_eq!(verdict.answer.as_deref(), Some("all of it in one"));
    let tallies: Vec<(&str, Vec<(&str, f64)>)> = verdict
        .also
        .iter()
        .map(|side| {
            let tally = side
                .tally
                .iter()
                .map(|entry| (entry.choice.as_str(), entry.points));
            (side.rule.as_str(), tally.collect())
        })
        .collect();
    let borda = vec![
        ("bob", 1.0),
        ("ann", 0.666666667),
        ("cy", 0.333333333),
        ("di", 0.0),
    ];
    let mean = vec![
        ("bob", 1.0),
        ("ann", 1.666666667),
        ("cy", 2.333333333),
        ("di", 3.0),
    ];
    assert_eq!(tallies, [("borda", borda), ("mean_rank", mean)]);
    // Ballots are told by name, whatever labels their readers saw.
    let ballots: Vec<&str> = verdict
        .panel
        .iter()
        .filter_map(|it| it.choice.as_deref())
        .collect();
    assert_eq!(
        ballots,
        [
            "bob > cy > di",
            "ann > cy > di",
            "bob > ann > di",
            "bob > ann > cy"
        ]
    );
    let card = verdict.card.unwrap();
    let best = card.best_single.unwrap();
    assert_eq!(
        (best.agent.as_deref(), best.support, best.of),
        (Some("bob"), 3, 4)
    );
    assert_eq!(best.answer.as_deref(), Some("the answer of bob"));
    assert!(card.summary.contains("nobody compared"), "{}", card.summary);
}

#[test]
fn without_its_chair_a_council_gives_the_best_ranked_answer_and_says_so() {
    let verdict = verdict(spec("council", &council()), |ask| {
        match ask.phase.as_str() {
            "synthesis" => None,
            _ => reviews(ask),
        }
    });
    assert_eq!(
        (verdict.status, verdict.rule.as_str()),
        (VerdictStatus::Decided, "borda")
    );
    assert_eq!(verdict.answer.as_deref(), Some("the answer of bob"));
    let expected = "nobody wrote a synthesis: this is the best-ranked answer, by bob";
    assert!(verdict.reason.starts_with(expected), "{}", verdict.reason);
}

/// A reviewer that is missing shifts no mean: without ann's ballot bob 1, 1; ann 1, 1/2, 1/2; cy 1/2, 0; di 0, 0.
#[test]
fn a_missing_review_takes_nothing_from_those_it_would_have_ranked() {
    let verdict = verdict(spec("council", &council()), |ask| {
        match (ask.phase.as_str(), ask.agent.as_str()) {
            ("review", "ann") => None,
            _ => reviews(ask),
        }
    });
    let borda: Vec<f64> = verdict.also[0]
        .tally
        .iter()
        .map(|entry| entry.points)
        .collect();
    assert_eq!(borda, [1.0, 0.666666667, 0.25, 0.0]);
}

/// MAD (Liang et al. 2023): the moderator breaks as soon as it prefers an answer; here after the second exchange.
#[test]
fn tit_for_tat_gives_the_answer_that_the_moderator_prefers() {
    let cast = [("aff", "aff"), ("neg", "neg"), ("mod", "mod")];
    let mut exchanges = 0;
    let verdict = verdict(spec("tit-for-tat", &cast), |ask| match ask.phase.as_str() {
        "exchange" => {
            exchanges += 1;
            Some(format!("{} says so", ask.agent))
        }
        _ => {
            let prefers = ask.round == 1;
            let (side, answer) = if prefers {
                ("neg", "42")
            } else {
                ("none", "open")
            };
            Some(
                json!({"reason": "r", "preference": prefers, "side": side, "answer": answer})
                    .to_string(),
            )
        }
    });
    assert_eq!(exchanges, 4);
    assert_eq!(verdict.answer.as_deref(), Some("42"));
    assert_eq!(verdict.winner.as_deref(), Some("neg"));
    assert_eq!(verdict.rule, "judge");
    let card = verdict.card.unwrap();
    assert!(card.best_single.is_none());
    assert!(
        card.summary
            .starts_with("No agent gave an answer of its own first"),
        "{}",
        card.summary
    );
}

/// Confidence as it is given: 0.9 + 0.1 against 0.95.
#[test]
fn weights_can_be_the_confidence_or_the_rating_itself() {
    let answers: &[(&str, &[(&str, f64)])] = &[
        ("ann", &[("42", 0.9), ("42", 0.9)]),
        ("bob", &[("41", 0.95), ("41", 0.95)]),
        ("cy", &[("42", 0.1), ("42", 0.1)]),
    ];
    let mut by_confidence = spec("society-of-minds", &SOLVERS);
    by_confidence.format.decision.rule = Rule::Weighted;
    by_confidence.format.decision.weights = Weights::Confidence;
    let mut by_rating = by_confidence.clone();
    by_rating.format.decision.weights = Weights::Rating;
    // Cy has no rating and weighs the mean of the others': 2.
    by_rating.cast[0].rating = Some(1.0);
    by_rating.cast[1].rating = Some(3.5);
    let weighed = |spec| {
        let verdict = verdict(spec, rounds(answers));
        let tally = verdict
            .tally
            .iter()
            .map(|entry| (entry.choice.clone(), entry.points));
        tally.collect::<Vec<_>>()
    };
    assert_eq!(
        weighed(by_confidence),
        [("42".into(), 1.0), ("41".into(), 0.95)]
    );
    assert_eq!(
        weighed(by_rating),
        [("41".into(), 3.5), ("42".into(), 3.25)]
    );
}

/// One of each: the ballots, apart from their order, are the same to every rule of ties but `split`.
#[test]
fn ties_end_as_the_format_says() {
    let cast = [("ann", "solver"), ("bob", "solver")];
    let answers: &[(&str, &[(&str, f64)])] = &[
        ("ann", &[("42", 0.5), ("42", 0.5)]),
        ("bob", &[("41", 0.5), ("41", 0.5)]),
    ];
    let with = |tie, seed| {
        let mut spec = spec("society-of-minds", &cast);
        spec.format.decision.tie = tie;
        spec.seed = seed;
        verdict(spec, rounds(answers))
    };
    let split = with(Tie::Split, 7);
    assert_eq!((split.status, split.answer), (VerdictStatus::Tie, None));
    // Equal in every round: the earliest round does not tell them apart either.
    assert_eq!(with(Tie::EarliestRound, 7).status, VerdictStatus::Tie);
    let drawn: Vec<_> = (0..20)
        .filter_map(|seed| with(Tie::Seeded, seed).answer)
        .collect();
    assert_eq!(drawn.len(), 20);
    assert!(drawn.contains(&"42".to_owned()) && drawn.contains(&"41".to_owned()));
    assert_eq!(with(Tie::Seeded, 7).answer, with(Tie::Seeded, 7).answer);
    // There is no judge in this format.
    assert_eq!(with(Tie::Judge, 7).status, VerdictStatus::Tie);
}
