//! One by one: what can be seen, and how.

use std::collections::BTreeSet;

use serde_json::json;

use super::parser;
use crate::debate::contract;
use crate::debate::state::TurnRecord;
use crate::debate::table;
use crate::debate::table::NAMES;
use crate::debate::table::Table;
use crate::debate::table::member;
use crate::debate::view;
use crate::types::debate::Atom;
use crate::types::debate::Choices;
use crate::types::debate::Document;
use crate::types::debate::Edges;
use crate::types::debate::FieldKind;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Sight;
use crate::types::debate::Spec;

fn sight(atom: Atom) -> Sight {
    Sight {
        atom,
        anon: false,
        shuffle: false,
        noself: false,
        grouped: false,
        quotes: false,
    }
}

/// Solvers who answer blindly and then revise, seeing this.
fn solvers(count: usize, sees: Vec<Sight>) -> Spec {
    let mut spec = table::spec("society-of-minds", 9);
    spec.cast = NAMES[..count]
        .iter()
        .map(|name| member(name, "solver", None))
        .collect();
    spec.format.phases[1].sees = sees;
    spec
}

/// Answers of these solvers, in the order of the cast.
fn answered(spec: Spec, answers: &[&str]) -> Table {
    let mut table = Table::of(spec);
    for (turn, answer) in answers.iter().enumerate() {
        let text = json!({"reasoning": format!("reasons-{turn}."), "answer": answer, "confidence": 0.5 + turn as f64 / 10.0});
        table.answer(0, &text.to_string());
    }
    table
}

fn user(table: &Table, turn: &TurnRecord) -> String {
    view::render(&table.state, turn).messages[1].joined_text()
}

fn seen(text: &str) -> Vec<usize> {
    let mut seen: Vec<(usize, usize)> = (0..12)
        .filter_map(|turn| Some((text.find(&format!("reasons-{turn}."))?, turn)))
        .collect();
    seen.sort_unstable();
    seen.into_iter().map(|(_, turn)| turn).collect()
}

#[test]
fn options_facts_and_secrets_stand_where_they_belong() {
    let sees = vec![
        sight(Atom::Topic),
        sight(Atom::Options),
        sight(Atom::Facts),
        sight(Atom::Secret("story".into())),
    ];
    let mut spec = solvers(2, sees.clone());
    spec.format.phases[0].sees = sees;
    let story = Document {
        title: "Story".into(),
        text: "Only for those who are told.".into(),
    };
    spec.secrets.insert("story".into(), story);
    let without = Table::of(spec.clone()).shown.remove(0);
    let request = parser::parse(&without.system, &without.user);
    assert!(request.outside.contains("- It was\n- It was not"));
    assert_eq!(request.fenced[0].0, "document \"Report\"");
    assert!(
        !without.user.contains("Only for those"),
        "the role does not name the secret"
    );
    spec.format.roles[0].secrets.push("story".into());
    let with = Table::of(spec).shown.remove(0);
    assert!(
        with.user.contains("# For you alone: story")
            && with.user.contains("Only for those who are told.")
    );
}

#[test]
fn edges_decide_whose_words_arrive() {
    for (edges, reader, wanted) in [
        (Edges::All, 0, vec![1, 2, 3]),
        (Edges::Ring, 0, vec![1, 3]),
        (Edges::Ring, 2, vec![1, 3]),
        (Edges::Prev, 0, vec![3]),
        (Edges::Prev, 2, vec![1]),
        (Edges::Star, 0, vec![1, 2, 3]),
        (Edges::Star, 2, vec![0]),
    ] {
        let mut spec = solvers(4, vec![sight(Atom::Topic), sight(Atom::OthersLast)]);
        spec.format.phases[1].edges = edges.clone();
        let table = answered(spec, &["1", "2", "3", "4"]);
        assert_eq!(
            seen(&table.shown[4 + reader].user),
            wanted,
            "{edges:?} for {reader}"
        );
    }
}

#[test]
fn others_of_the_repetition_before_are_found_across_phases() {
    let mut spec = solvers(2, vec![sight(Atom::Topic), sight(Atom::OthersRound(1))]);
    spec.format.phases[1].repeat.max = 3;
    spec.limits.rounds = None;
    let mut table = answered(spec, &["1", "2"]);
    assert_eq!(
        seen(&table.shown[2].user),
        [1],
        "the blind round came before"
    );
    for turn in 2..4 {
        let text = json!({"reasoning": format!("reasons-{turn}."), "answer": turn.to_string(), "confidence": 0.5});
        table.answer(0, &text.to_string());
    }
    assert_eq!(seen(&table.shown[4].user), [3]);
}

#[test]
fn equal_answers_stand_together_the_most_first() {
    let grouped = Sight {
        grouped: true,
        anon: true,
        ..sight(Atom::OthersLast)
    };
    let table = answered(
        solvers(5, vec![sight(Atom::Topic), grouped]),
        &["41", "42", "7", "42.0", "7"],
    );
    let shown = &table.shown[5].user;
    assert_eq!(seen(shown), [1, 3, 2, 4]);
    let request = parser::parse(&table.shown[5].system, shown);
    assert_eq!(request.outside.matches("## 2 gave this answer").count(), 2);
    assert_eq!(request.fenced[0].1, "42\n\nreasons-1.");
    assert!(
        request.fenced[0]
            .0
            .ends_with(", blind, round 1, confidence 0.6"),
        "{}",
        request.fenced[0].0
    );
}

#[test]
fn each_reader_has_its_own_labels_and_order_and_they_lead_back() {
    let mut table = Table::of(table::spec("council", 21));
    let members = table.calls.len();
    for turn in 0..members {
        table.answer(0, &format!("answer-{turn}."));
    }
    let reviews: Vec<&TurnRecord> = table.state.turns()[members..].iter().collect();
    assert_eq!(reviews.len(), members);
    let mut words_of_first = BTreeSet::new();
    for review in &reviews {
        let labels = view::labels(&table.state, review);
        let text = user(&table, review);
        assert_eq!(labels.len(), members - 1, "not its own");
        let mut last = 0;
        for (label, turn) in &labels {
            assert_ne!(table.state.turns()[*turn].member, review.member);
            let at = text
                .find(&format!("from {label}, answers"))
                .expect("it is shown under its label");
            let words = text.find(&format!("answer-{turn}.")).expect("it is shown");
            assert!(last < at && at < words, "in the order shown");
            last = at;
            if *turn == 0 {
                words_of_first.insert(label.clone());
            }
        }
        let choices = view::choices(&table.state, review);
        assert_eq!(
            choices,
            labels
                .iter()
                .map(|(label, _)| label.clone())
                .collect::<Vec<_>>()
        );
        let contract = table.state.contract_of(review);
        let ranking = json!({"notes": "n", "ranking": choices}).to_string();
        assert!(
            contract::read(&contract, &choices, &ranking)
                .parsed
                .is_some()
        );
    }
    assert!(
        words_of_first.len() > 1,
        "no two readers can put their words together: {words_of_first:?}"
    );
}

#[test]
fn who_gave_no_answer_is_not_on_the_ballot() {
    let mut table = Table::of(table::spec("council", 21));
    let members = table.calls.len();
    assert!(members >= 3);
    table.fail(0, "overloaded");
    for turn in 1..members {
        table.answer(0, &format!("answer-{turn}."));
    }
    let review = table.state.turns().last().expect("they review");
    let labels = view::labels(&table.state, review);
    assert!(labels.iter().all(|(_, turn)| *turn != 0));
    let rendered = view::render(&table.state, review);
    let text = |message: usize| rendered.messages[message].joined_text();
    let fenced = parser::parse(&text(0), &text(1)).fenced;
    let said_nothing = fenced.iter().filter(|(_, text)| text == "[no statement]");
    assert_eq!(said_nothing.count(), 0, "nor among what is to be ranked");
}

#[test]
fn in_the_reverse_order_a_reader_sees_exactly_the_reverse() {
    let anon = Sight {
        anon: true,
        shuffle: true,
        ..sight(Atom::OthersLast)
    };
    let table = answered(
        solvers(5, vec![sight(Atom::Topic), anon]),
        &["1", "2", "3", "4", "5"],
    );
    let mut turn = table.state.turns()[5].clone();
    let mut order = seen(&user(&table, &turn));
    turn.swapped = true;
    order.reverse();
    assert_eq!(seen(&user(&table, &turn)), order);
}

#[test]
fn in_the_reverse_order_of_events_the_speakers_change_places_and_the_rounds_do_not() {
    let mut spec = solvers(
        2,
        vec![sight(Atom::Topic), sight(Atom::Own), sight(Atom::Others)],
    );
    let judge = Sight {
        anon: true,
        ..sight(Atom::Phase("revise".into()))
    };
    spec.format.phases[1].repeat.min = 2;
    spec.format.phases[1].repeat.max = 2;
    let mut last = spec.format.phases[1].clone();
    last.id = "check".into();
    last.sees = vec![judge];
    last.repeat.min = 1;
    last.repeat.max = 1;
    last.repeat.until = None;
    spec.limits.rounds = None;
    spec.format.phases.push(last);
    let mut table = answered(spec, &["1", "2"]);
    for turn in 2..6 {
        let text = json!({"reasoning": format!("reasons-{turn}."), "answer": turn.to_string(), "confidence": 0.5});
        table.answer(0, &text.to_string());
    }
    let mut turn = table.state.turns()[6].clone();
    assert_eq!(seen(&user(&table, &turn)), [2, 3, 4, 5]);
    turn.swapped = true;
    assert_eq!(seen(&user(&table, &turn)), [3, 2, 5, 4]);
}

#[test]
fn a_hidden_phase_is_seen_by_its_speakers_only() {
    for hidden in [HiddenUntil::Phase, HiddenUntil::End] {
        let mut spec = table::spec("tit-for-tat", 2);
        let exchange = spec
            .format
            .phases
            .iter_mut()
            .find(|phase| phase.id == "exchange")
            .unwrap();
        exchange.hidden_until = Some(hidden.clone());
        let mut table = Table::of(spec);
        table.play(|turn| format!("reasons-{turn}."));
        for shown in &table.shown {
            let turn = &table.state.turns()[shown.turn];
            let mut others = seen(&shown.user);
            others.retain(|other| {
                let other = &table.state.turns()[*other];
                other.member != turn.member && other.phase == "exchange"
            });
            match (turn.phase.as_str(), &hidden) {
                ("referee", _) => assert!(others.is_empty(), "it runs inside the hidden phase"),
                ("last_resort", HiddenUntil::Phase) => assert!(others.len() > 3),
                ("last_resort", HiddenUntil::End) => assert!(others.is_empty()),
                ("exchange", _) => assert!(shown.turn == 2 || !others.is_empty()),
                _ => assert!(others.is_empty()),
            }
        }
    }
}

#[test]
fn one_holder_of_a_role_is_the_dissenter() {
    let mut spec = solvers(4, vec![sight(Atom::Topic)]);
    spec.format.dissenter = Some("solver".into());
    let table = Table::of(spec);
    let told = table
        .shown
        .iter()
        .filter(|shown| shown.system.contains("You are the dissenter"));
    assert_eq!(told.count(), 1);
}

#[test]
fn the_dial_speaks_where_the_prompts_do_not() {
    let sentence = |level: u8| {
        let mut spec = solvers(2, vec![sight(Atom::Topic)]);
        spec.format.disagreement = Some(level);
        Table::of(spec).shown.remove(0).system
    };
    assert_eq!(sentence(0), sentence(0));
    let told: BTreeSet<String> = [0, 2, 5, 10].map(sentence).into_iter().collect();
    assert_eq!(told.len(), 4);
    let spec = table::spec("tit-for-tat", 2);
    assert!(spec.format.disagreement.is_some());
    assert!(
        !Table::of(spec).shown[0].system.contains("yield"),
        "its prompts say it"
    );
}

#[test]
fn two_speakers_of_a_side_know_of_each_other_and_are_told_apart() {
    let mut spec = table::spec("oxford", 6);
    spec.cast = ["pro", "pro", "con", "judge"]
        .iter()
        .zip(NAMES)
        .map(|(role, name)| {
            let of_role = spec.format.roles.iter().find(|known| known.id == *role);
            let role = of_role.unwrap_or_else(|| spec.format.roles.last().unwrap());
            member(name, &role.id, role.side.as_deref())
        })
        .collect();
    let mut table = Table::of(spec);
    table.play(|turn| format!("reasons-{turn}."));
    let first = &table.shown[0].system;
    assert!(
        first.contains("side \"pro\" together with Benedek"),
        "{first}"
    );
    let judge = table
        .shown
        .iter()
        .find(|shown| table.state.turns()[shown.turn].member == 3)
        .unwrap();
    let labels: BTreeSet<String> = parser::parse(&judge.system, &judge.user)
        .fenced
        .into_iter()
        .map(|(label, _)| label.split(',').next().unwrap_or_default().to_owned())
        .filter(|label| label.starts_with("from "))
        .collect();
    let of_pro: Vec<&String> = labels
        .iter()
        .filter(|label| label.ends_with("(pro)"))
        .collect();
    assert_eq!(of_pro.len(), 2, "{labels:?}");
    assert!(labels.contains("from con"), "{labels:?}");
}

#[test]
fn a_picker_sees_whom_it_can_name_and_can_name_nobody_else() {
    let table = answered(
        solvers(3, vec![sight(Atom::Topic), sight(Atom::Others)]),
        &["1", "2", "3"],
    );
    let mut turn = table.state.turns()[3].clone();
    turn.picks = true;
    let text = user(&table, &turn);
    assert!(
        text.contains("# Who can speak next\n\n- Benedek\n- Cleopha\n\n"),
        "{text}"
    );
    let contract = table.state.contract_of(&turn);
    let choices = view::choices(&table.state, &turn);
    let read = |name: &str| {
        let text = json!({"reason": "r", "next": name}).to_string();
        contract::read(&contract, &choices, &text).parsed
    };
    assert!(read("benedek").is_some());
    assert_eq!(read("Adaline"), None);
    assert_eq!(read("Kasimir"), None);
}

#[test]
fn checked_quotes_are_marked_where_the_reader_asks_for_it() {
    use crate::events::QuoteCheck;
    let mut spec = solvers(
        2,
        vec![
            sight(Atom::Topic),
            Sight {
                quotes: true,
                ..sight(Atom::OthersLast)
            },
        ],
    );
    spec.format.contracts.get_mut("answer").unwrap().quotes =
        Some(crate::types::debate::QuoteRule {
            source: crate::types::debate::QuoteSource::Facts,
            tag: true,
        });
    let mut table = Table::of(spec);
    for words in [
        "<quote>Nobody was at home</quote> and <quote>all were</quote>",
        "x",
    ] {
        let text =
            json!({"reasoning": words, "answer": words.len().to_string(), "confidence": 0.5});
        table.answer(0, &text.to_string());
    }
    let quotes: Vec<bool> = table.state.turns()[0]
        .quotes
        .iter()
        .map(|quote: &QuoteCheck| quote.verified)
        .collect();
    assert_eq!(quotes, [true, false]);
    let shown = &table.shown[3];
    let mark = parser::parse(&shown.system, &shown.user).mark;
    assert!(
        shown
            .user
            .contains(&format!("home</quote> [verified {mark}] and")),
        "{}",
        shown.user
    );
    assert!(
        shown
            .user
            .contains(&format!("were</quote> [unverified {mark}]"))
    );
    assert!(shown.system.contains(&format!("[verified {mark}] says")));
}

#[test]
fn an_answer_that_another_model_reads_stands_in_a_fence() {
    let mut spec = solvers(2, vec![sight(Atom::Topic)]);
    let answer = spec.format.contracts.get_mut("answer").unwrap();
    answer.choices = Some(Choices::Options);
    answer.fields.retain(|field| field.name == "answer");
    answer.fields[0].kind = FieldKind::Choice;
    let table = Table::of(spec);
    let mut turn = table.state.turns()[0].clone();
    turn.purpose = crate::events::Purpose::Extract;
    turn.unreadable = Some(("It was, I think.\n[/quote".into(), "no".into()));
    let rendered = view::render(&table.state, &turn);
    let (system, text) = (
        rendered.messages[0].joined_text(),
        rendered.messages[1].joined_text(),
    );
    let request = parser::parse(&system, &text);
    assert_eq!(
        request.fenced,
        [(
            "an answer".to_owned(),
            "It was, I think.\n[/quote".to_owned()
        )]
    );
    assert!(
        request
            .outside
            .contains("one of \"It was\", \"It was not\"")
    );
}

/// What the third of three solvers sees of the first, whose answer has these reasons.
fn shown_to_the_third(spec: Spec, reasons: &str) -> String {
    let mut table = Table::of(spec);
    for answer in [reasons, "Nothing.", "Nothing."] {
        let text =
            json!({"reasoning": answer, "answer": answer.len().to_string(), "confidence": 0.5});
        table.answer(0, &text.to_string());
    }
    let turn = table.state.turns().iter().rfind(|turn| turn.member == 2);
    user(&table, turn.expect("the third was asked again"))
}

#[test]
fn who_is_not_named_does_not_name_itself() {
    let anonymous = Sight {
        anon: true,
        ..sight(Atom::OthersLast)
    };
    let spec = |sees: &Sight| {
        let mut spec = solvers(3, vec![sight(Atom::Topic), sees.clone()]);
        spec.cast[0].model = "openai/gpt-5.1".parse().unwrap();
        spec.cast[1].model = "ollama/gemma3:12b".parse().unwrap();
        spec
    };
    let own = NAMES[0];
    for (said, left) in [
        ("As GPT-5.1, I hold 42.", "As [name withheld], I hold 42."),
        ("I am Claude Sonnet 4.5.", "I am [name withheld]."),
        (
            "Well, as I am Gemini, no.",
            "Well, as I am [name withheld], no.",
        ),
        (
            "As an AI language model developed by Google, I think so.",
            "As an AI language model developed by [name withheld], I think so.",
        ),
        (
            "I was trained by OpenAI.",
            "I was trained by [name withheld].",
        ),
        ("Ask gemma3:12b again.", "Ask [name withheld] again."),
    ] {
        let masked = shown_to_the_third(spec(&anonymous), said);
        assert!(masked.contains(left), "{masked}");
        let named = shown_to_the_third(spec(&sight(Atom::OthersLast)), said);
        assert!(named.contains(said), "{named}");
    }
    let said = format!("As {own}, I hold 42.");
    let masked = shown_to_the_third(spec(&anonymous), &said);
    assert!(masked.contains("As [name withheld], I hold"), "{masked}");
    // What is no word about the writer stays.
    for said in [
        "As Claude Monet saw, light changes.",
        "I am sure, as Google is a company.",
        "Gemini is a constellation. I command respect.",
        "It is driven by Amazon's rain.",
    ] {
        let shown = shown_to_the_third(spec(&anonymous), said);
        assert!(shown.contains(said), "{shown}");
    }
    // And so does what the debate is about.
    let mut about = spec(&anonymous);
    about.topic = "Is GPT a good name?".into();
    let said = "I am GPT.";
    assert!(shown_to_the_third(about, said).contains(said));
}
