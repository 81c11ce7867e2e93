//! Each rule against results computed by hand, the classic paradoxes among them.

use proptest::prelude::*;

use super::super::paper::Choice;
use super::super::paper::Count;
use super::super::paper::Paper;
use super::super::paper::Says;
use super::super::rules::count;
use super::super::swing;
use super::super::trajectory;
use crate::types::debate::Rule;
use crate::types::debate::Tally;

const ALL: [Rule; 11] = [
    Rule::Majority,
    Rule::Plurality,
    Rule::Judge,
    Rule::Panel,
    Rule::Weighted,
    Rule::Approval,
    Rule::Borda,
    Rule::MeanRank,
    Rule::Cumulative,
    Rule::Irv,
    Rule::Consensus,
];

fn choices(words: &str) -> Vec<Choice> {
    words.split_whitespace().map(Choice::spelled).collect()
}

fn paper(says: Says) -> Paper {
    Paper { says, weight: 1.0 }
}

fn one(word: &str) -> Paper {
    paper(Says::One(Choice::spelled(word)))
}

fn weighted(word: &str, weight: f64) -> Paper {
    Paper {
        weight,
        ..one(word)
    }
}

/// So many ballots of each ranking: `(39, "a b c")`.
fn rankings(groups: &[(usize, &str)]) -> Vec<Paper> {
    let ballots = |(times, words): &(usize, &str)| {
        std::iter::repeat_n(paper(Says::Ranking(choices(words))), *times)
    };
    groups.iter().flat_map(ballots).collect()
}

fn points(pairs: &[(&str, f64)]) -> Paper {
    let each = pairs.iter().map(|(word, it)| (Choice::spelled(word), *it));
    paper(Says::Points(each.collect()))
}

fn leaders(count: &Count) -> Vec<&str> {
    count
        .leaders
        .iter()
        .map(|choice| choice.key.as_str())
        .collect()
}

fn tally(count: &Count) -> Vec<(&str, f64)> {
    let entries = count.tally.iter();
    entries
        .map(|(choice, points)| (choice.key.as_str(), *points))
        .collect()
}

/// Tennessee chooses its capital, with 100 voters: every rule finds another city.
fn tennessee() -> Vec<Paper> {
    rankings(&[
        (42, "memphis nashville chattanooga knoxville"),
        (26, "nashville chattanooga knoxville memphis"),
        (15, "chattanooga knoxville nashville memphis"),
        (17, "knoxville chattanooga nashville memphis"),
    ])
}

#[test]
fn the_largest_group_of_first_places_wins_a_plurality() {
    let count = count(Rule::Plurality, &tennessee());
    let expected = [
        ("memphis", 42.0),
        ("nashville", 26.0),
        ("knoxville", 17.0),
        ("chattanooga", 15.0),
    ];
    assert_eq!(tally(&count), expected);
    assert_eq!(count.margin, Some(0.16));
}

#[test]
fn borda_takes_the_mean_of_normalised_places() {
    // Nashville: (42*2 + 26*3 + 15*1 + 17*1) / 300 = 194 / 300, and so on.
    let count = count(Rule::Borda, &tennessee());
    let expected = [
        ("nashville", 0.646666667),
        ("chattanooga", 0.576666667),
        ("memphis", 0.42),
        ("knoxville", 0.356666667),
    ];
    assert_eq!(tally(&count), expected);
    assert_eq!(count.margin, Some(0.07));
}

#[test]
fn mean_rank_is_the_mean_place_and_the_lowest_wins() {
    // Nashville: (42*2 + 26*1 + 15*3 + 17*3) / 100 = 206 / 100.
    let count = count(Rule::MeanRank, &tennessee());
    let expected = [
        ("nashville", 2.06),
        ("chattanooga", 2.27),
        ("memphis", 2.74),
        ("knoxville", 2.93),
    ];
    assert_eq!(tally(&count), expected);
    assert_eq!(leaders(&count), ["nashville"]);
    assert_eq!(count.margin, Some(0.07));
}

#[test]
fn instant_runoff_tells_who_leaves_and_where_the_ballots_go() {
    let count = count(Rule::Irv, &tennessee());
    assert_eq!(leaders(&count), ["knoxville"]);
    assert_eq!(
        count.words,
        "round 1: \"memphis\" 42, \"nashville\" 26, \"knoxville\" 17, \"chattanooga\" 15 of 100; \"chattanooga\" \
         leaves; round 2: \"memphis\" 42, \"knoxville\" 32, \"nashville\" 26 of 100; \"nashville\" leaves; round 3: \
         \"knoxville\" 58, \"memphis\" 42 of 100"
    );
    assert_eq!(count.margin, Some(0.16));
}

#[test]
fn a_condorcet_cycle_is_a_tie_under_every_ranked_rule() {
    let cycle = rankings(&[(1, "a b c"), (1, "b c a"), (1, "c a b")]);
    for rule in [Rule::Borda, Rule::MeanRank, Rule::Irv, Rule::Plurality] {
        let count = count(rule, &cycle);
        assert_eq!(leaders(&count), ["a", "b", "c"], "{rule:?}");
    }
}

#[test]
fn borda_prefers_what_nobody_minds_to_what_most_put_first() {
    let ballots = rankings(&[(3, "a b c"), (2, "b c a")]);
    assert_eq!(leaders(&count(Rule::Plurality, &ballots)), ["a"]);
    let borda = count(Rule::Borda, &ballots);
    assert_eq!(tally(&borda), [("b", 0.7), ("a", 0.6), ("c", 0.2)]);
}

#[test]
fn more_support_can_lose_an_instant_runoff() {
    // The classic example: ten voters of the second group move the winner up to their first place, and it loses.
    let before = rankings(&[(39, "a b c"), (35, "b c a"), (26, "c a b")]);
    let after = rankings(&[(49, "a b c"), (25, "b c a"), (26, "c a b")]);
    let (before, after) = (count(Rule::Irv, &before), count(Rule::Irv, &after));
    assert_eq!(leaders(&before), ["a"]);
    assert_eq!(tally(&before), [("a", 65.0), ("b", 35.0)]);
    assert_eq!(leaders(&after), ["c"]);
    assert_eq!(tally(&after), [("c", 51.0), ("a", 49.0)]);
}

#[test]
fn of_several_weakest_the_earlier_rounds_decide_then_the_places_and_then_all_leave() {
    // b and d are equal in the first round, but d stands behind b on every other ballot.
    let by_places = rankings(&[
        (4, "a b d c"),
        (3, "c b d a"),
        (2, "b a c d"),
        (2, "d b a c"),
    ]);
    let by_places = count(Rule::Irv, &by_places);
    assert!(
        by_places.words.contains("of 11; \"d\" leaves; round 2"),
        "{}",
        by_places.words
    );
    // b and c mirror each other: both leave, and a has everything.
    let mirrored = rankings(&[
        (4, "a b c"),
        (4, "a c b"),
        (4, "b c a"),
        (4, "c b a"),
        (1, "d a"),
    ]);
    let mirrored = count(Rule::Irv, &mirrored);
    assert!(
        mirrored.words.contains("\"d\" leaves"),
        "{}",
        mirrored.words
    );
    assert_eq!(leaders(&mirrored), ["a"]);
    let mirrored = count(
        Rule::Irv,
        &rankings(&[(3, "a"), (2, "b c a"), (2, "c b a")]),
    );
    assert!(
        mirrored.words.contains("\"b\" and \"c\" leave"),
        "{}",
        mirrored.words
    );
    assert_eq!(tally(&mirrored), [("a", 7.0)]);
}

#[test]
fn a_ballot_whose_choices_have_left_counts_no_more() {
    let ballots = rankings(&[(4, "a"), (3, "b"), (2, "c")]);
    let count = count(Rule::Irv, &ballots);
    assert_eq!(tally(&count), [("a", 4.0), ("b", 3.0)]);
    assert!(
        count.words.ends_with("round 2: \"a\" 4, \"b\" 3 of 7"),
        "{}",
        count.words
    );
    assert_eq!(leaders(&count), ["a"]);
}

#[test]
fn approval_counts_everything_that_a_ballot_approves_of() {
    let ballots = [
        paper(Says::Several(choices("a b"))),
        paper(Says::Several(choices("b"))),
        paper(Says::Several(choices("b c"))),
        paper(Says::Several(Vec::new())),
        one("a"),
    ];
    let count = count(Rule::Approval, &ballots);
    assert_eq!(tally(&count), [("b", 3.0), ("a", 2.0), ("c", 1.0)]);
    assert_eq!((count.counted, count.margin), (5, Some(0.2)));
    assert_eq!(
        count.words,
        "3 of 5 approve of \"b\", 2 of 5 approve of \"a\", 1 of 5 approve of \"c\""
    );
}

#[test]
fn cumulative_adds_up_the_points_given_out() {
    let ballots = [
        points(&[("a", 6.0), ("b", 4.0)]),
        points(&[("b", 7.0), ("c", 3.0)]),
        points(&[("a", 10.0)]),
        one("c"),
    ];
    let count = count(Rule::Cumulative, &ballots);
    assert_eq!(tally(&count), [("a", 16.0), ("b", 11.0), ("c", 3.0)]);
    assert_eq!(count.counted, 3);
    assert_eq!(count.margin, Some(0.166666667));
}

#[test]
fn one_sure_agent_outweighs_two_that_are_not() {
    let ballots = [
        weighted("42", 1.0),
        weighted("41", 0.3),
        weighted("41.0", 0.5),
    ];
    let count = count(Rule::Weighted, &ballots);
    assert_eq!(tally(&count), [("42", 1.0), ("41", 0.8)]);
    assert_eq!(count.margin, Some(0.111111111));
}

#[test]
fn equal_weights_are_equal_however_they_are_added_up() {
    // 0.1 + 0.2 is not 0.3 in binary.
    let ballots = [weighted("a", 0.1), weighted("a", 0.2), weighted("b", 0.3)];
    assert_eq!(leaders(&count(Rule::Weighted, &ballots)), ["a", "b"]);
    // Three thirds are one.
    let thirds = rankings(&[(1, "a b c d"), (1, "c b a d"), (1, "d b a c")]);
    let count = count(Rule::Borda, &thirds);
    assert_eq!(tally(&count)[0], ("b", 0.666666667));
}

#[test]
fn rankings_of_different_length_compare_by_normalised_places() {
    // Nobody ranks their own: the author of a is ranked by two, the authors of b and c by two each.
    let ballots = rankings(&[(1, "b c"), (1, "a c"), (1, "a b")]);
    let count = count(Rule::Borda, &ballots);
    assert_eq!(tally(&count), [("a", 1.0), ("b", 0.5), ("c", 0.0)]);
}

#[test]
fn a_course_is_scored_by_what_was_begun_kept_adopted_and_given_up() {
    let course = |answers: &str| -> Vec<(u32, Choice)> { (0..).zip(choices(answers)).collect() };
    // 42: 20 + 20 begun, 20/2 kept, 30/2 adopted, -25/2 given up. 41: 20 begun, -25/2, 30/2.
    let count = trajectory::count(&[course("41 42"), course("42 42"), course("42 41")]);
    assert_eq!(tally(&count), [("42", 52.5), ("41", 22.5)]);
    // Two of three end at b, but the course says a: 60 + 20/2 - 2*25/2 against 2*30/2.
    let count = trajectory::count(&[course("a a"), course("a b"), course("a b")]);
    assert_eq!(tally(&count), [("a", 45.0), ("b", 30.0)]);
    assert_eq!(leaders(&count), ["a"]);
    // A second round weighs a third: 20 + 20/2 + 20/3.
    let count = trajectory::count(&[course("a a a")]);
    assert_eq!(tally(&count), [("a", 36.666666667)]);
    // A round without an answer is left out, and the next one weighs as its own round.
    let gap = vec![(0, Choice::spelled("a")), (2, Choice::spelled("a"))];
    assert_eq!(tally(&trajectory::count(&[gap])), [("a", 26.666666667)]);
}

fn poll(votes: &[(&str, f64)]) -> Vec<Tally> {
    let entry = |(choice, points): &(&str, f64)| Tally {
        choice: (*choice).to_owned(),
        points: *points,
    };
    votes.iter().map(entry).collect()
}

#[test]
fn a_swing_is_won_by_movement_and_not_by_size() {
    // For: 60 % to 64 %, +4. Against: 20 % to 34 %, +14. The smaller side wins.
    let before = poll(&[("for", 60.0), ("against", 20.0), ("undecided", 20.0)]);
    let after = poll(&[("for", 32.0), ("against", 17.0), ("undecided", 1.0)]);
    let count = swing::count(&before, &after);
    assert_eq!(leaders(&count), ["against"]);
    assert_eq!(
        tally(&count),
        [("against", 14.0), ("for", 4.0), ("undecided", -18.0)]
    );
    assert_eq!(count.margin, Some(0.1));
    assert_eq!(
        count.words,
        "for: 60 % to 64 % (+4 points); against: 20 % to 34 % (+14 points); undecided: 20 % to 2 % (-18 points)"
    );
}

#[test]
fn the_undecided_never_win_a_swing_and_equal_gains_tie() {
    let before = poll(&[("for", 5.0), ("against", 5.0), ("undecided", 0.0)]);
    let after = poll(&[("for", 4.0), ("against", 4.0), ("undecided", 2.0)]);
    assert_eq!(leaders(&swing::count(&before, &after)), ["against", "for"]);
    assert_eq!(swing::count(&before, &[]).counted, 0);
    assert!(
        swing::count(&poll(&[("for", 0.0)]), &after)
            .leaders
            .is_empty()
    );
}

#[test]
fn a_ballot_that_does_not_hold_what_is_counted_does_not_count() {
    let single = [one("a"), paper(Says::Nothing)];
    for (rule, counted) in [
        (Rule::Plurality, 1),
        (Rule::Approval, 1),
        (Rule::Irv, 1),
        (Rule::Borda, 0),
        (Rule::MeanRank, 0),
        (Rule::Cumulative, 0),
    ] {
        assert_eq!(count(rule, &single).counted, counted, "{rule:?}");
    }
}

fn any_ballot() -> impl Strategy<Value = Paper> {
    let words = Just(vec!["a", "b", "c", "d"]).prop_shuffle();
    let weight = prop_oneof![Just(1.0), Just(0.1), Just(0.3), Just(0.8)];
    (0..5, words, 1..=4_usize, weight).prop_map(|(kind, words, many, weight)| {
        let chosen: Vec<Choice> = words[..many].iter().map(|it| Choice::spelled(it)).collect();
        let says = match kind {
            0 => Says::One(chosen[0].clone()),
            1 => Says::Several(chosen),
            2 => Says::Points(chosen.into_iter().zip([1.0, 2.0, 3.0, 4.0]).collect()),
            3 => Says::Nothing,
            _ => Says::Ranking(chosen),
        };
        Paper { says, weight }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_ballots_changes_nothing(
        (ballots, shuffled) in proptest::collection::vec(any_ballot(), 0..9)
            .prop_flat_map(|ballots| (Just(ballots.clone()), Just(ballots).prop_shuffle()))
    ) {
        for rule in ALL {
            prop_assert_eq!(count(rule, &ballots), count(rule, &shuffled), "{:?}", rule);
        }
    }

    #[test]
    fn a_ballot_that_could_not_be_read_changes_nothing(
        ballots in proptest::collection::vec(any_ballot(), 0..9),
        place in 0..9_usize,
    ) {
        let mut more = ballots.clone();
        more.insert(place.min(ballots.len()), paper(Says::Nothing));
        for rule in ALL {
            prop_assert_eq!(count(rule, &ballots), count(rule, &more), "{:?}", rule);
        }
    }
}
