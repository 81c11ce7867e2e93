//! What is wrong with an order, by field.

use std::collections::BTreeMap;

use super::*;
use crate::types::debate::Document;
use crate::types::debate::Extract;
use crate::types::debate::HumanSeat;

/// A roster that knows every model of `demo`, of which `dear` is dear.
struct Demo;

impl Roster for Demo {
    fn check(
        &self,
        model: &ModelName,
        _endpoint: Option<&Endpoint>,
    ) -> Result<Option<String>, OrderProblem> {
        match model.provider() {
            "demo" => Ok(None),
            _ => Err(OrderProblem {
                field: "model".to_owned(),
                code: "unknown_model",
                message: "there is no such model".to_owned(),
            }),
        }
    }

    fn prices(&self, model: &ModelName) -> Option<Prices> {
        let input = u64::from(model.model() == "dear") * 1_000_000_000;
        Some(Prices {
            input,
            ..Prices::default()
        })
    }

    fn window_tokens(&self, _model: &ModelName) -> Option<u64> {
        Some(8_192)
    }

    fn default_judge(&self) -> Option<ModelName> {
        None
    }

    fn default_extractor(&self) -> Option<ModelName> {
        None
    }
}

fn agent(model: &str) -> AgentOrder {
    AgentOrder::of(model.parse().unwrap())
}

fn order(format: &str) -> DebateOrder {
    DebateOrder {
        topic: "Should tests be short?".to_owned(),
        format: format.to_owned(),
        agents: vec![agent("demo/dear"), agent("demo/b")],
        judges: vec![agent("demo/j")],
        audience: true,
        ..DebateOrder::default()
    }
}

fn draw_up(order: &DebateOrder) -> Result<(Spec, Vec<String>), OrderError> {
    spec(order, &FormatLibrary::embedded(), &Demo, 7)
}

/// Field and code of each mistake.
fn mistakes(order: &DebateOrder) -> Vec<(String, &'static str)> {
    let OrderError(problems) = draw_up(order).expect_err("it is taken");
    let told = problems
        .into_iter()
        .map(|problem| (problem.field, problem.code));
    told.collect()
}

fn text(title: &str, bytes: usize) -> Document {
    Document {
        title: title.to_owned(),
        text: "x".repeat(bytes),
    }
}

#[test]
fn an_order_brings_people_ratings_windows_and_texts_into_the_spec() {
    let mut order = order("oxford");
    order.agents[0].human = Some(HumanSeat {
        identity: Some("ann@example".to_owned()),
        deadline_s: 60,
    });
    order.agents[1].rating = Some(2.5);
    order.facts = vec![text("A report", 10)];
    let (spec, _) = draw_up(&order).unwrap();
    assert_eq!(spec.cast[0].human, order.agents[0].human);
    assert_eq!(spec.cast[1].rating, Some(2.5));
    assert_eq!(spec.cast[1].window_tokens, Some(8_192));
    assert!(spec.audience);
    assert_eq!(spec.facts, order.facts);
}

#[test]
fn a_text_that_no_readers_window_holds_is_refused_with_the_numbers() {
    let mut order = order("oxford");
    order.facts = vec![text("A note", 30), text("A report", 60_000)];
    let OrderError(problems) = draw_up(&order).expect_err("20,000 tokens and a window of 8,192");
    let told: Vec<_> = problems.iter().map(|it| (&*it.field, it.code)).collect();
    assert_eq!(told, [("facts[1].text", "text_too_long_for_models")]);
    let message = &problems[0].message;
    for figure in ["\"A report\"", "20000 tokens", "8192", "demo/"] {
        assert!(message.contains(figure), "{figure}: {message}");
    }
    // Where a person holds every reader's seat, nobody knows what they can read.
    let person = HumanSeat {
        identity: None,
        deadline_s: 60,
    };
    order.agents[0].human = Some(person);
    let (_, warnings) = draw_up(&order).expect("a person may read it");
    let cannot = |it: &&String| it.contains("cannot be shown its texts");
    assert!(warnings.iter().any(|it| cannot(&it)), "{warnings:?}");
    order.facts.truncate(1);
    let (_, warnings) = draw_up(&order).unwrap();
    assert!(!warnings.iter().any(|it| cannot(&it)), "{warnings:?}");
}

#[test]
fn every_mistake_of_a_seat_is_told_by_its_field() {
    let mut order = order("oxford");
    order.agents[0].human = Some(HumanSeat {
        identity: Some("  ".to_owned()),
        deadline_s: 0,
    });
    order.agents[1].rating = Some(f64::NAN);
    order.judges[0].rating = Some(0.0);
    order.extract_model = Some("nobody/x".parse().unwrap());
    let told = mistakes(&order);
    for wanted in [
        ("agents[0].human.deadline_s", "bad_deadline"),
        ("agents[0].human.identity", "bad_identity"),
        ("agents[1].rating", "bad_rating"),
        ("judges[0].rating", "bad_rating"),
        ("extract_model", "unknown_model"),
    ] {
        let wanted = (wanted.0.to_owned(), wanted.1);
        assert!(told.contains(&wanted), "{wanted:?} is missing in {told:?}");
    }
}

#[test]
fn texts_are_bounded_one_by_one_and_together() {
    let mut order = order("oxford");
    order.facts = vec![text("Long", 200_001), text("Empty", 0), text("long", 5)];
    let told = mistakes(&order);
    assert_eq!(
        told,
        [
            ("facts[0].text".to_owned(), "text_too_long"),
            ("facts[1]".to_owned(), "empty_text"),
            ("facts[2].title".to_owned(), "duplicate_title"),
        ]
    );
    order.facts = (0..6)
        .map(|at| text(&format!("Part {at}"), 190_000))
        .collect();
    assert_eq!(mistakes(&order), [("facts".to_owned(), "texts_too_long")]);
}

#[test]
fn a_format_gets_the_secrets_that_its_roles_name_and_no_others() {
    let secretive = "debate-with-secret";
    let mut order = order(secretive);
    let library = FormatLibrary::embedded();
    let format = library.get(secretive).unwrap();
    if format.needs_options() {
        order.options = vec!["yes".to_owned(), "no".to_owned()];
    }
    let names = format.needs_secrets();
    assert!(!names.is_empty());
    let missing = mistakes(&order);
    for name in &names {
        let wanted = (format!("secrets.{name}"), "missing_secret");
        assert!(missing.contains(&wanted), "{missing:?}");
    }
    let given = names.iter().map(|name| ((*name).to_owned(), text(name, 9)));
    order.secrets = given.collect::<BTreeMap<_, _>>();
    assert!(draw_up(&order).is_ok(), "{:?}", draw_up(&order));
    order.secrets.insert("gossip".to_owned(), text("Gossip", 9));
    let told = mistakes(&order);
    assert_eq!(told, [("secrets.gossip".to_owned(), "unknown_secret")]);
}

#[test]
fn what_a_format_has_no_use_for_is_a_warning() {
    let warned = |order: &DebateOrder, words: &str| {
        let (_, warnings) = draw_up(order).unwrap();
        let found = warnings.iter().any(|warning| warning.contains(words));
        assert!(found, "{warnings:?}");
    };
    let mut plain = order("tit-for-tat");
    plain.options = vec!["yes".to_owned(), "no".to_owned()];
    warned(&plain, "has no use for options");
    warned(&plain, "asks the audience anything");
    let mut alone = order("oxford");
    alone.audience = false;
    warned(&alone, "nobody watches");
    let mut slow = order("oxford");
    slow.agents[0].human = Some(HumanSeat {
        identity: None,
        deadline_s: 600_000,
    });
    warned(&slow, "seconds to answer in");
}

#[test]
fn who_reads_what_could_not_be_read_is_named_or_else_the_cheapest_of_the_cast() {
    let reader = |order: &DebateOrder, asks: bool| {
        let (spec, _) = draw_up(order).unwrap();
        let mut format = spec.format.clone();
        if asks {
            let contract = format.contracts.get_mut("verdict").unwrap();
            contract.extract.push(Extract::Ask);
        }
        let mut check = Check::new(&Demo);
        let reader = check.extractor(&format, order, &spec.cast);
        reader.map(|reader| reader.model.as_str().to_owned())
    };
    let mut order = order("oxford");
    assert_eq!(reader(&order, false), None, "nobody has to read anything");
    assert_eq!(reader(&order, true).as_deref(), Some("demo/b"));
    order.extract_model = Some("demo/reader".parse().unwrap());
    assert_eq!(reader(&order, true).as_deref(), Some("demo/reader"));
}

#[test]
fn a_judge_of_a_debaters_family_is_told_of_before_the_debate() {
    let warned = |judge: &str| {
        let mut order = order("oxford");
        order.agents = vec![agent("demo/claude-haiku-4-5"), agent("demo/gpt-5-mini")];
        order.judges = vec![agent(judge)];
        let (_, warnings) = spec(&order, &FormatLibrary::embedded(), &Demo, 1).unwrap();
        warnings
            .iter()
            .any(|it| it.contains("of the same family of models"))
    };
    assert!(warned("demo/claude-opus-5"));
    assert!(!warned("demo/mistral-large"));
}
