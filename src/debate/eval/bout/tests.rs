use serde_json::json;

use super::*;
use crate::debate::eval::question;
use crate::debate::format::FormatLibrary;

fn format(id: &str) -> Format {
    (**FormatLibrary::embedded().get(id).unwrap()).clone()
}

fn question(line: &str) -> Question {
    question::read("q", line).unwrap().remove(0)
}

fn doors() -> Question {
    question(r#"{"question":"Which?","choices":["left","right","none"],"answer":0}"#)
}

/// A verdict with these members beside the usual ones, as a log holds it.
fn verdict(own: &serde_json::Value) -> Verdict {
    let mut whole = json!({
        "status": "decided", "rule": "majority", "winner": null, "answer": "a", "reason": "", "margin": 0.5,
        "panel": [], "baselines": [], "flips": [], "dissent": [], "swap_consistent": null, "notes": []
    });
    for (name, value) in own.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

#[test]
fn models_take_the_debaters_seats_in_turn() {
    let models: Vec<ModelName> = ["a/1", "a/2"]
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    let seated = |id: &str, debaters| {
        let order = order(&format(id), debaters, &doors(), (&models, &[]));
        let names = order.agents.iter().map(|agent| agent.model.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seated("society-of-minds", None), "a/1 a/2 a/1");
    assert_eq!(seated("society-of-minds", Some(5)), "a/1 a/2 a/1 a/2 a/1");
    assert_eq!(seated("tit-for-tat", None), "a/1 a/2");
}

#[test]
fn whoever_does_not_debate_judges_and_kin_comes_last() {
    let named = |names: &[&str]| -> Vec<ModelName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    };
    let judged = |models: &[&str], judges: &[&str]| {
        let (models, judges) = (named(models), named(judges));
        let order = order(
            &format("tit-for-tat"),
            Some(2),
            &doors(),
            (&models, &judges),
        );
        let names = order.judges.iter().map(|agent| agent.model.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    let (gpt, claude) = ("a/gpt-5", "a/claude-haiku-4-5");
    assert_eq!(
        judged(&[gpt, claude, "b/gpt-5-mini", "a/grok-5"], &[]),
        "a/grok-5"
    );
    // Nobody is idle: the engine fills the seat.
    assert_eq!(judged(&[gpt, claude], &[]), "");
    assert_eq!(judged(&[gpt, claude, "a/grok-5"], &["a/own"]), "a/own");
}

#[test]
fn a_format_that_rules_on_sides_seeks_no_answer() {
    assert!(seeks_answer(&format("society-of-minds")));
    assert!(seeks_answer(&format("tit-for-tat")));
    assert!(!seeks_answer(&format("oxford")));
    for id in [
        "council",
        "reconcile",
        "socratic",
        "debate-with-secret",
        "consultancy",
    ] {
        assert!(seeks_answer(&format(id)), "{id}");
    }
    assert_eq!(judging_seats(&format("society-of-minds")), 0);
    assert!(judging_seats(&format("oxford")) >= 1);
}

#[test]
fn what_only_some_see_reaches_the_formats_that_have_such_a_role() {
    let models: Vec<ModelName> = vec!["a/1".parse().unwrap()];
    let line = r#"{"question":"Who came?","choices":["Ida","Tom"],"answer":0,"secrets":{"story":"Ida came.","diary":"x"},
        "facts":["It rained."]}"#;
    let reading = question(&line.replace('\n', " "));
    let (secret, plain) = (format("debate-with-secret"), format("society-of-minds"));
    let ordered = order(&secret, None, &reading, (&models, &[]));
    assert_eq!(ordered.options, ["Ida", "Tom"]);
    assert_eq!(ordered.secrets.keys().collect::<Vec<_>>(), ["story"]);
    assert_eq!(ordered.facts[0].text, "It rained.");
    let ordered = order(&plain, None, &reading, (&models, &[]));
    assert!(ordered.options.is_empty() && ordered.secrets.is_empty());
    assert_eq!(lacks(&secret, &reading), None);
    assert!(lacks(&secret, &doors()).unwrap().contains("story"));
    let number = question(r#"{"question":"2+2?","answer":4,"secrets":{"story":"s"}}"#);
    assert_eq!(lacks(&secret, &number).as_deref(), Some("choices"));
    assert_eq!(lacks(&plain, &number), None);
}

#[test]
fn flips_are_for_the_better_or_the_worse() {
    let flip = |from: &str, to: &str| json!({"agent": "x", "from": from, "to": to, "round": 1});
    let verdict = verdict(&json!({"flips": [
        flip("b", "a"), flip("right", "left"), flip("a", "c"), flip("b", "c"), flip("a", "(a)"), flip("dunno", "a"),
    ]}));
    let flips = flips(&verdict, &doors());
    let wanted = Flips {
        helped: 3,
        bullied: 1,
        other: 1,
        ungraded: 0,
    };
    assert_eq!(flips, wanted);
}

#[test]
fn the_blind_majority_is_read_where_there_is_one() {
    let of = |answer: serde_json::Value| {
        let baselines = json!([{"id": "round0_majority", "answer": answer, "support": 2, "of": 3}]);
        round0(&verdict(&json!({"baselines": baselines})), &doors()).unwrap()
    };
    assert_eq!(of(json!("a")).right, Some(true));
    assert_eq!(of(json!("b")).right, Some(false));
    // A tie decides nothing, so it is not right.
    assert_eq!(of(json!(null)).right, Some(false));
    assert_eq!(round0(&verdict(&json!({})), &doors()), None);
}
