use super::*;

fn member(name: &str, role: &str) -> CastMember {
    CastMember {
        name: name.to_owned(),
        role: role.to_owned(),
        side: None,
        model: "demo/one".parse().unwrap(),
        substitute: None,
        persona: None,
        temperature: None,
        max_tokens: None,
        endpoint: None,
        prices: Some(Prices::default()),
        human: None,
        window_tokens: None,
        rating: None,
        defaulted: false,
    }
}

fn spec(format: Format, cast: Vec<CastMember>) -> Spec {
    Spec {
        topic: "Is water wet?".to_owned(),
        title: "Water".to_owned(),
        limits: format.limits,
        format,
        cast,
        seed: 7,
        options: Vec::new(),
        facts: Vec::new(),
        secrets: std::collections::BTreeMap::new(),
        audience: false,
        extractor: None,
        parent: None,
    }
}

fn oxford() -> Spec {
    let cast = vec![member("a", "pro"), member("b", "con"), member("j", "judge")];
    spec(shipped("oxford"), cast)
}

fn tit_for_tat() -> Spec {
    let cast = vec![member("a", "aff"), member("n", "neg"), member("m", "mod")];
    spec(shipped("tit-for-tat"), cast)
}

/// A cast of so many for each role.
fn cast(seats: &[(&str, u32)]) -> Vec<CastMember> {
    let names = seats
        .iter()
        .flat_map(|(role, count)| (0..*count).map(move |at| (role, at)));
    names
        .map(|(role, at)| member(&format!("{role}{at}"), role))
        .collect()
}

#[test]
fn the_calls_of_every_shipped_format_are_as_counted_by_hand() {
    // Turns, and calls at most: a turn takes 1 + 1 retry + the repairs of its contract.
    type Case = (&'static str, &'static [(&'static str, u32)], u64, u64);
    let cases: [Case; 15] = [
        ("single", &[("solver", 1)], 1, 3),
        ("vote", &[("solver", 5)], 5, 15),
        // Blind and one revision.
        ("society-of-minds", &[("solver", 3)], 6, 18),
        // Blind and two revisions.
        ("society-of-minds-full", &[("solver", 3)], 9, 27),
        ("society-of-minds-ring", &[("solver", 5)], 15, 45),
        // Blind and three rounds.
        ("reconcile", &[("solver", 3)], 12, 36),
        // 3 answers of 2, 3 reviews of 4, a synthesis of 2.
        ("council", &[("member", 3), ("chair", 1)], 7, 20),
        // A thesis, five questions, five replies and a conclusion, all of 3.
        ("socratic", &[("respondent", 1), ("questioner", 1)], 12, 36),
        // 2 blind of 3, 3 exchanges of 2 speeches of 2, 3 rulings of 4, the last resort of 4.
        ("tit-for-tat", &[("aff", 1), ("neg", 1), ("mod", 1)], 12, 34),
        // 2 openings, 2 questions and answers, 2 rebuttals, 2 closings of 2; a ruling of 4, in both orders.
        ("oxford", &[("pro", 1), ("con", 1), ("judge", 1)], 12, 28),
        // 3 blind of 4, 2 rounds of 3 of 2, 3 ballots of 4.
        (
            "chateval",
            &[("critic", 1), ("expert", 1), ("layperson", 1)],
            12,
            36,
        ),
        (
            "chateval-simultaneous",
            &[("critic", 1), ("expert", 1), ("layperson", 1)],
            12,
            36,
        ),
        // And 2 minutes of 2.
        (
            "chateval-summary",
            &[
                ("critic", 1),
                ("expert", 1),
                ("layperson", 1),
                ("summariser", 1),
            ],
            14,
            40,
        ),
        // A guess of 4, 2 openings of 2, 2 questions of 2, 4 arguments of 2, a ruling of 4 in both orders.
        (
            "debate-with-secret",
            &[("amber", 1), ("teal", 1), ("judge", 1)],
            11,
            28,
        ),
        // A guess of 4, an opening of 2, 2 questions of 3, 2 replies of 2, a ruling of 4.
        ("consultancy", &[("consultant", 1), ("judge", 1)], 7, 20),
    ];
    assert_eq!(FormatLibrary::embedded().iter().count(), cases.len());
    for (id, seats, expected, most) in cases {
        let estimate = estimate(&spec(shipped(id), cast(seats)));
        assert_eq!(
            (estimate.expected_calls, estimate.max_calls),
            (expected, most),
            "{id}"
        );
        assert!(
            estimate.expected_input_tokens < estimate.max_input_tokens,
            "{id}"
        );
        assert!(
            estimate.expected_output_tokens < estimate.max_output_tokens,
            "{id}"
        );
    }
}

#[test]
fn the_answers_of_oxford_are_bounded_by_what_each_phase_allows() {
    // 6 speeches of 2 x 2,000, 4 remarks of 2 x 1,500, a ruling of 4 x 3,000 in both orders.
    let estimate = estimate(&oxford());
    assert_eq!(estimate.max_output_tokens, 24_000 + 12_000 + 24_000);
}

#[test]
fn a_person_in_a_seat_is_called_only_by_the_stand_in() {
    let mut spec = oxford();
    let before = estimate(&spec);
    spec.cast[0].human = Some(HumanSeat {
        identity: None,
        deadline_s: 60,
    });
    let after = estimate(&spec);
    assert_eq!(after.max_calls, before.max_calls);
    // An opening, a question, an answer, a rebuttal and a closing.
    assert_eq!(after.expected_calls, before.expected_calls - 5);
}

#[test]
fn an_answer_that_another_model_reads_costs_what_that_model_charges() {
    let mut format = shipped("single");
    let contract = format.contracts.get_mut("answer").unwrap();
    contract.extract.push(Extract::Ask);
    let mut spec = spec(format, cast(&[("solver", 1)]));
    let before = estimate(&spec);
    assert_eq!(before.max_calls, 3);
    let prices = Prices {
        output: 1_000_000,
        ..Prices::default()
    };
    spec.extractor = Some(Extractor {
        model: "demo/reader".parse().unwrap(),
        prices: Some(prices),
    });
    let after = estimate(&spec);
    assert_eq!(after.max_calls, 4);
    assert_eq!(after.expected_calls, 1);
    assert_eq!(after.max_cost_nanousd, Some(NanoUsd(3000)));
}

#[test]
fn a_ring_reads_less_the_more_sit_in_it() {
    let read = |edges: Edges| {
        let mut format = shipped("society-of-minds-ring");
        format.phases[1].edges = edges;
        estimate(&spec(format, cast(&[("solver", 9)])))
    };
    let (all, ring) = (read(Edges::All), read(Edges::Ring));
    // Two neighbours instead of eight, in two rounds of nine.
    assert!(ring.expected_input_tokens * 3 < all.expected_input_tokens * 2);
    assert_eq!(ring.max_input_tokens, all.max_input_tokens);
}

#[test]
fn of_those_who_may_be_picked_one_speaks() {
    let mut format = shipped("tit-for-tat");
    format.phases.truncate(1);
    format.phases[0].order = Order::Pick("mod".to_owned());
    format.phases[0].sees.clear();
    let cast = cast(&[("aff", 1), ("neg", 1), ("mod", 1)]);
    let estimate = estimate(&spec(format, cast));
    // The pick, and the statement of whom it names: 3 calls each at most.
    assert_eq!((estimate.expected_calls, estimate.max_calls), (2, 6));
    assert_eq!(estimate.max_output_tokens, 6 * 2000);
}

#[test]
fn the_range_goes_from_the_smallest_cast_to_the_largest() {
    let (least, most) = range(&shipped("society-of-minds"));
    assert_eq!(least.cast, [("solver".to_owned(), 2)]);
    assert_eq!(most.cast, [("solver".to_owned(), 8)]);
    let calls = [least.estimate.expected_calls, most.estimate.expected_calls];
    assert_eq!(calls, [4, 16]);
    let (oxford, _) = range(&shipped("oxford"));
    assert!(oxford.cast.iter().all(|(role, _)| role != "crowd"));
}

#[test]
fn a_cap_on_rounds_lowers_the_bound() {
    let mut spec = tit_for_tat();
    spec.limits.rounds = Some(1);
    assert_eq!(estimate(&spec).expected_calls, 2 + 3 + 1);
}

#[test]
fn a_stand_in_may_try_as_often_as_the_agent() {
    let mut spec = oxford();
    let before = estimate(&spec);
    spec.cast[2].substitute = Some("demo/two".parse().unwrap());
    let after = estimate(&spec);
    assert_eq!(after.max_calls, before.max_calls + 2 * 4);
    assert_eq!(after.expected_calls, before.expected_calls);
    spec.cast[2].substitute = Some(spec.cast[2].model.clone());
    assert_eq!(estimate(&spec), before);
}

#[test]
fn an_agent_with_a_smaller_limit_lowers_its_own_bound_and_that_of_its_readers() {
    let mut spec = oxford();
    let before = estimate(&spec);
    spec.cast[0].max_tokens = Some(500);
    let after = estimate(&spec);
    // Twice an opening, a rebuttal and a closing, and twice a question and an answer.
    assert_eq!(
        after.max_output_tokens,
        before.max_output_tokens - 6 * 1500 - 4 * 1000
    );
    assert!(after.max_input_tokens < before.max_input_tokens);
}

#[test]
fn speakers_at_once_do_not_read_each_other() {
    let cast = |n: u32| {
        (0..n)
            .map(|i| member(&format!("s{i}"), "solver"))
            .collect::<Vec<_>>()
    };
    let mut blind = shipped("society-of-minds");
    blind.phases.truncate(1);
    let (two, four) = (
        estimate(&spec(blind.clone(), cast(2))),
        estimate(&spec(blind.clone(), cast(4))),
    );
    assert_eq!(four.max_input_tokens, 2 * two.max_input_tokens);
    blind.phases[0].order = Order::Sequential;
    blind.phases[0].sees = shipped("society-of-minds").phases[1].sees.clone();
    let (two, four) = (
        estimate(&spec(blind.clone(), cast(2))),
        estimate(&spec(blind, cast(4))),
    );
    assert!(four.max_input_tokens > 2 * two.max_input_tokens);
}

#[test]
fn a_longer_question_and_persona_raise_the_bound_by_at_least_their_length() {
    let mut spec = oxford();
    let before = estimate(&spec);
    spec.topic = "x".repeat(3000);
    let topic = estimate(&spec);
    assert!(topic.max_input_tokens >= before.max_input_tokens + topic.max_calls * 990);
    spec.cast[0].persona = Some("y".repeat(300));
    assert!(estimate(&spec).max_input_tokens >= topic.max_input_tokens + 6 * 100);
}

#[test]
fn the_cost_is_known_when_every_price_is() {
    let mut spec = oxford();
    assert_eq!(estimate(&spec).max_cost_nanousd, Some(NanoUsd(0)));
    let prices = Prices {
        output: 1_000_000,
        ..Prices::default()
    };
    for member in &mut spec.cast {
        member.prices = Some(prices);
    }
    // One nano-dollar a token of answer.
    let all = estimate(&spec);
    assert_eq!(all.max_cost_nanousd, Some(NanoUsd(all.max_output_tokens)));
    spec.cast[1].prices = None;
    assert_eq!(estimate(&spec).max_cost_nanousd, None);
}

#[test]
fn nobody_at_the_table_costs_nothing() {
    let nothing = Estimate {
        max_cost_nanousd: Some(NanoUsd(0)),
        expected_cost_nanousd: Some(NanoUsd(0)),
        ..Estimate::default()
    };
    assert_eq!(estimate(&spec(shipped("oxford"), Vec::new())), nothing);
}
