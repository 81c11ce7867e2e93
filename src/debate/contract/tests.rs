//! What can be read out of an answer, and what must not be.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

fn field(name: &str, kind: FieldKind) -> Field {
    Field {
        name: name.to_owned(),
        kind,
    }
}

fn contract(kind: ContractKind, fields: Vec<Field>) -> Contract {
    Contract {
        kind,
        fields,
        extract: vec![Extract::Schema, Extract::Fence],
        repair: 1,
        choices: None,
        quotes: None,
    }
}

fn verdict() -> Contract {
    let scores = FieldKind::Scores {
        keys: words(&["clash", "evidence"]),
        min: 0.0,
        max: 10.0,
    };
    let fields = vec![
        field("winner", FieldKind::OneOf(words(&["pro", "con", "tie"]))),
        field("margin", FieldKind::Number { min: 0.0, max: 3.0 }),
        field("scores", scores),
        field("decisive", FieldKind::Bool),
        field("reason", FieldKind::Text),
    ];
    contract(ContractKind::Verdict, fields)
}

/// A contract whose answer is the one field `answer`.
fn answer(kind: FieldKind) -> Contract {
    contract(ContractKind::Json, vec![field("answer", kind)])
}

fn choice(extract: Vec<Extract>) -> Contract {
    let kind = FieldKind::OneOf(words(&["For", "Against", "Strongly for"]));
    Contract {
        extract,
        ..contract(ContractKind::Choice, vec![field("choice", kind)])
    }
}

fn by_pattern(kind: FieldKind, pattern: &str) -> Contract {
    Contract {
        extract: vec![
            Extract::Schema,
            Extract::Fence,
            Extract::Regex(pattern.to_owned()),
        ],
        ..answer(kind)
    }
}

fn ruling() -> Value {
    json!({
        "winner": "pro",
        "margin": 2,
        "scores": {"clash": 7, "evidence": 6.5},
        "decisive": true,
        "reason": "con dropped the cost argument",
    })
}

/// The ruling with one field changed.
fn ruling_with(name: &str, value: Value) -> String {
    let mut ruling = ruling();
    ruling[name] = value;
    ruling.to_string()
}

fn problem(contract: &Contract, text: &str) -> String {
    let reading = read(contract, &[], text);
    assert_eq!(
        (reading.parsed, reading.path),
        (None, ParsePath::Unparsed),
        "{text}"
    );
    reading.problem.unwrap()
}

mod ways_of_reading {
    use super::*;

    #[test]
    fn json_alone_is_read_strictly() {
        let reading = read(&verdict(), &[], &format!("\n {} \n", ruling()));
        assert_eq!(reading.path, ParsePath::Strict);
        assert_eq!(reading.parsed, Some(ruling()));
        assert_eq!(reading.problem, None);
    }

    #[test]
    fn json_in_a_fence_or_in_prose_is_found() {
        let ruling = ruling();
        for text in [
            format!("Here is my ruling:\n```json\n{ruling}\n```\nThank you."),
            format!("```\n{ruling}\n```"),
            format!("I weighed {{both}} sides. {ruling} That is all."),
            format!("<think>maybe {{\"winner\": \"con\"}}</think>\n{ruling}"),
            format!("{ruling}\n\nAgain, in a fence:\n```json\n{ruling:#}\n```"),
        ] {
            let reading = read(&verdict(), &[], &text);
            assert_eq!(
                (reading.parsed.as_ref(), reading.path),
                (Some(&ruling), ParsePath::Fence),
                "{text}"
            );
        }
    }

    #[test]
    fn a_draft_in_the_reasoning_is_not_the_answer() {
        let draft = ruling_with("winner", json!("con"));
        let reading = read(
            &verdict(),
            &[],
            &format!("<think>{draft}</think>\n{}", ruling()),
        );
        assert_eq!(reading.parsed, Some(ruling()));
    }

    #[test]
    fn a_pattern_reads_its_last_matching_line() {
        let contract = by_pattern(FieldKind::Text, r"^Answer: (.+)$");
        let reading = read(
            &contract,
            &[],
            "Answer: 41\nNo, I miscounted.\n  Answer: 42  \nI am sure.",
        );
        assert_eq!(reading.path, ParsePath::Regex);
        assert_eq!(reading.parsed, Some(json!({"answer": "42"})));
    }

    #[test]
    fn a_pattern_gives_the_first_field_alone() {
        let contract = Contract {
            extract: vec![Extract::Regex(r"\\boxed\{([^}]*)\}".to_owned())],
            ..contract(
                ContractKind::Json,
                vec![
                    field("answer", FieldKind::Text),
                    field("reasoning", FieldKind::Text),
                ],
            )
        };
        let reading = read(&contract, &[], r"So the answer is \boxed{42}.");
        assert_eq!(reading.parsed, Some(json!({"answer": "42"})));
    }

    #[test]
    fn only_the_ways_that_the_contract_lists_are_tried() {
        let strict = Contract {
            extract: vec![Extract::Schema],
            ..verdict()
        };
        problem(&strict, &format!("```json\n{}\n```", ruling()));
        let fence = Contract {
            extract: vec![Extract::Fence],
            ..verdict()
        };
        assert_eq!(
            read(&fence, &[], &ruling().to_string()).path,
            ParsePath::Fence
        );
    }

    #[test]
    fn a_text_is_any_text_but_an_empty_one() {
        let speech = Contract {
            extract: Vec::new(),
            ..contract(ContractKind::Text, Vec::new())
        };
        let reading = read(&speech, &[], "I disagree.");
        assert_eq!(
            (reading.parsed, reading.path, reading.problem),
            (None, ParsePath::Text, None)
        );
        let reading = read(&speech, &[], " \n ");
        assert_eq!((reading.parsed, reading.path), (None, ParsePath::Text));
        assert_eq!(reading.problem.as_deref(), Some("the answer is empty"));
    }

    #[test]
    fn a_choice_is_a_bare_word_or_json() {
        let contract = choice(vec![Extract::Schema, Extract::Fence]);
        for (text, wanted) in [
            ("for", "For"),
            (" **Against.** \n", "Against"),
            ("\"Strongly  for\"", "Strongly for"),
            (r#"{"choice": "AGAINST"}"#, "Against"),
            ("My choice:\n```json\n{\"choice\": \"for\"}\n```", "For"),
        ] {
            let reading = read(&contract, &[], text);
            assert_eq!(reading.parsed, Some(json!({"choice": wanted})), "{text}");
        }
        for text in [
            "I am for it",
            "for or against",
            "undecided",
            "{\"choice\": \"neither\"}",
        ] {
            let problem = problem(&contract, text);
            assert!(
                problem.contains("one of \"For\", \"Against\""),
                "{text}: {problem}"
            );
        }
    }
}

mod validation {
    use super::*;

    #[test]
    fn a_word_is_echoed_as_the_format_spells_it() {
        let reading = read(&verdict(), &[], &ruling_with("winner", json!(" PRO ")));
        assert_eq!(reading.parsed.unwrap()["winner"], "pro");
    }

    #[test]
    fn yes_and_no_are_truth_values_and_ones_are_not() {
        for (said, wanted) in [
            (json!("Yes"), true),
            (json!("no"), false),
            (json!(false), false),
        ] {
            let reading = read(&verdict(), &[], &ruling_with("decisive", said));
            assert_eq!(reading.parsed.unwrap()["decisive"], wanted);
        }
        for said in [json!(1), json!("maybe"), json!(null)] {
            assert!(problem(&verdict(), &ruling_with("decisive", said)).contains("true or false"));
        }
    }

    #[test]
    fn fields_come_in_the_contracts_order_and_no_others_come() {
        let text = r#"{"reason": "x", "mood": "good", "decisive": false,
            "scores": {"evidence": 1, "style": 9, "clash": 2}, "margin": 0, "winner": "tie"}"#;
        let parsed = read(&verdict(), &[], text).parsed.unwrap();
        let wanted = r#"{"winner":"tie","margin":0,"scores":{"clash":2,"evidence":1},"decisive":false,"reason":"x"}"#;
        assert_eq!(parsed.to_string(), wanted);
    }

    #[test]
    fn a_number_where_text_may_hold_one_is_that_text() {
        let reading = read(&answer(FieldKind::Text), &[], r#"{"answer": 42}"#);
        assert_eq!(reading.parsed, Some(json!({"answer": "42"})));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (name, value, wanted) in [
            (
                "winner",
                json!("proo"),
                "\"winner\" must be one of \"pro\", \"con\", \"tie\"",
            ),
            ("winner", json!(["pro"]), "\"winner\" must be one of"),
            (
                "margin",
                json!(4),
                "\"margin\" must be a number from 0 to 3",
            ),
            ("margin", json!("2"), "\"margin\" must be a number"),
            (
                "scores",
                json!(7),
                "\"scores\" must be an object of numbers",
            ),
            (
                "scores",
                json!({"clash": 7}),
                "\"scores\": \"evidence\" is missing",
            ),
            (
                "scores",
                json!({"clash": 7, "evidence": 11}),
                "\"evidence\" must be a number from 0 to 10",
            ),
            ("reason", json!("  "), "\"reason\" is empty"),
            ("reason", json!(null), "\"reason\" must be text"),
        ] {
            let problem = problem(&verdict(), &ruling_with(name, value));
            assert!(problem.contains(wanted), "{problem}");
        }
    }

    #[test]
    fn all_wrong_fields_are_named_at_once() {
        let problem = problem(&verdict(), r#"{"winner": "x", "margin": 9, "reason": "r"}"#);
        for wanted in [
            "\"winner\" must",
            "\"margin\" must",
            "\"scores\" is missing",
            "\"decisive\" is missing",
        ] {
            assert!(problem.contains(wanted), "{problem}");
        }
    }

    #[test]
    fn broken_json_says_where_it_breaks() {
        let whole = ruling().to_string();
        let cut = &whole[..whole.len() - 1];
        assert!(problem(&verdict(), cut).contains("JSON is broken"));
        assert!(problem(&verdict(), "I cannot decide.").contains("not a JSON object"));
    }
}

mod never_a_guess {
    use super::*;

    /// Four mistakes that other debate programs make when an answer cannot be read.
    #[test]
    fn random_fill_an_unreadable_ballot_is_unparsed_every_time() {
        let text = "Both sides were impressive and I enjoyed the evening.";
        let first = read(&verdict(), &[], text);
        assert_eq!(
            (first.parsed.as_ref(), first.path),
            (None, ParsePath::Unparsed)
        );
        for _ in 0..50 {
            assert_eq!(read(&verdict(), &[], text), first);
        }
    }

    #[test]
    fn return_1_an_unreadable_number_is_not_one() {
        let contract = by_pattern(
            FieldKind::Number {
                min: 0.0,
                max: 100.0,
            },
            r"^Answer: (\S+)$",
        );
        for text in [
            "",
            "no idea",
            "Answer: dunno",
            "{\"answer\": null}",
            "{\"answer\": true}",
        ] {
            assert_eq!(read(&contract, &[], text).parsed, None, "{text}");
        }
    }

    #[test]
    fn digit_join_two_numbers_are_not_run_together() {
        let contract = by_pattern(
            FieldKind::Number {
                min: 0.0,
                max: 1000.0,
            },
            r"^Answer: (.+)$",
        );
        for text in [
            "Answer: 1 or 2",
            "Answer: between 1 and 2, so 3",
            "{\"answer\": \"1 2\"}",
        ] {
            assert_eq!(read(&contract, &[], text).parsed, None, "{text}");
        }
        let twice = by_pattern(
            FieldKind::Number {
                min: 0.0,
                max: 1000.0,
            },
            r"\[(\d+)\]",
        );
        assert!(problem(&twice, "I take [1] and [2]").contains("different answers"));
        assert_eq!(
            read(&twice, &[], "I take [12] ([12])").parsed,
            Some(json!({"answer": 12}))
        );
    }

    #[test]
    fn mention_order_the_side_that_is_named_first_has_not_won() {
        for text in [
            "Con argued badly; pro was better.",
            "pro",
            "FINAL RANKING: con, pro",
            "winner: pro",
        ] {
            problem(&verdict(), text);
        }
        problem(
            &choice(vec![Extract::Schema, Extract::Fence]),
            "Against is wrong, so: for",
        );
    }

    #[test]
    fn two_different_rulings_are_none() {
        let other = ruling_with("winner", json!("con"));
        let text = format!("First I thought {}, but now {other}", ruling());
        assert!(problem(&verdict(), &text).contains("2 different answers"));
    }

    #[test]
    fn a_contradiction_ends_the_search() {
        let contract = by_pattern(FieldKind::Text, r"^Answer: (.+)$");
        problem(
            &contract,
            "{\"answer\": \"1\"} {\"answer\": \"2\"}\nAnswer: 1",
        );
    }

    #[test]
    fn a_field_that_is_given_twice_is_not_read() {
        let text = ruling()
            .to_string()
            .replacen('{', r#"{"winner": "con", "#, 1);
        assert_eq!(problem(&verdict(), &text), "\"winner\" is given twice");
        let text = ruling()
            .to_string()
            .replace(r#""clash":7"#, r#""clash":7,"clash":1"#);
        assert_eq!(
            problem(&verdict(), &text),
            "\"scores\": \"clash\" is given twice"
        );
    }

    #[test]
    fn an_object_inside_another_is_not_the_answer() {
        problem(&verdict(), &json!({"example": ruling()}).to_string());
        let broken = format!("{{\"example\": {}, \"winner\": con}}", ruling());
        assert!(problem(&verdict(), &broken).contains("JSON is broken"));
    }
}

mod ballots {
    use super::*;
    use crate::types::debate::Choices;

    fn labels() -> Vec<String> {
        words(&["Cedar", "Harbor", "Quill"])
    }

    fn over(kind: ContractKind, name: &str, field_kind: FieldKind) -> Contract {
        Contract {
            choices: Some(Choices::Phase("answers".to_owned())),
            ..contract(kind, vec![field(name, field_kind)])
        }
    }

    fn ranking() -> Contract {
        over(ContractKind::Ranking, "ranking", FieldKind::Ranking)
    }

    fn refused(contract: &Contract, text: &str) -> String {
        let reading = read(contract, &labels(), text);
        assert_eq!(
            (reading.parsed, reading.path),
            (None, ParsePath::Unparsed),
            "{text}"
        );
        reading.problem.unwrap()
    }

    #[test]
    fn a_ranking_holds_every_label_once_and_is_echoed_as_given() {
        let text = r#"{"ranking": [" quill ", "CEDAR", "**Harbor**"]}"#;
        let reading = read(&ranking(), &labels(), text);
        assert_eq!(
            (reading.parsed, reading.path),
            (
                Some(json!({"ranking": ["Quill", "Cedar", "Harbor"]})),
                ParsePath::Strict
            )
        );
        for (text, wanted) in [
            (r#"{"ranking": ["Cedar", "Quill"]}"#, "\"Harbor\" missing"),
            (
                r#"{"ranking": ["Cedar", "Quill", "Cedar", "Harbor"]}"#,
                "\"Cedar\" twice",
            ),
            (
                r#"{"ranking": ["Cedar", "Quill", "Meadow"]}"#,
                "\"Meadow\" is none of",
            ),
            (r#"{"ranking": ["Cedar", 2, "Harbor"]}"#, "words only"),
            (r#"{"ranking": "Cedar, Quill, Harbor"}"#, "must be a list"),
            (r#"{"ranking": []}"#, "missing"),
        ] {
            let problem = refused(&ranking(), text);
            assert!(problem.contains(wanted), "{problem}");
        }
    }

    #[test]
    fn a_ranking_in_a_line_is_read_by_its_pattern_and_prose_is_not() {
        let by_line = Contract {
            extract: vec![
                Extract::Schema,
                Extract::Regex("FINAL RANKING: *(.+)".to_owned()),
            ],
            ..ranking()
        };
        for line in [
            "Quill > Cedar > Harbor",
            "Quill, Cedar, Harbor.",
            "quill; cedar; harbor",
        ] {
            let reading = read(
                &by_line,
                &labels(),
                &format!("I compared them.\nFINAL RANKING: {line}"),
            );
            assert_eq!(reading.path, ParsePath::Regex, "{line}");
            assert_eq!(
                reading.parsed,
                Some(json!({"ranking": ["Quill", "Cedar", "Harbor"]}))
            );
        }
        // The labels in the order in which they are mentioned are no ranking.
        for text in [
            "Quill is better than Cedar, and Harbor is the worst.",
            "FINAL RANKING: Quill, then Cedar and Harbor",
            "FINAL RANKING: Quill > Cedar",
            "FINAL RANKING:\n1. Quill\n2. Cedar\n3. Harbor",
        ] {
            refused(&by_line, text);
        }
    }

    #[test]
    fn an_approval_holds_some_labels_or_none() {
        let approval = over(ContractKind::Json, "approved", FieldKind::Several);
        for (text, wanted) in [
            (r#"{"approved": ["harbor"]}"#, json!(["Harbor"])),
            (r#"{"approved": []}"#, json!([])),
        ] {
            let reading = read(&approval, &labels(), text);
            assert_eq!(reading.parsed, Some(json!({"approved": wanted})));
        }
        refused(&approval, r#"{"approved": ["Harbor", "harbor"]}"#);
        refused(&approval, r#"{"approved": ["all"]}"#);
        refused(&approval, r#"{"approved": "Harbor"}"#);
    }

    #[test]
    fn points_make_their_sum_and_who_is_not_named_has_none() {
        let points = over(ContractKind::Scores, "scores", FieldKind::Points(10));
        let reading = read(
            &points,
            &labels(),
            r#"{"scores": {"quill": 7, "Cedar": 3.0}}"#,
        );
        assert_eq!(
            reading.parsed,
            Some(json!({"scores": {"Cedar": 3, "Harbor": 0, "Quill": 7}}))
        );
        for (text, wanted) in [
            (
                r#"{"scores": {"Quill": 7, "Cedar": 4}}"#,
                "make 10 points together, not 11",
            ),
            (
                r#"{"scores": {"Quill": 7, "Cedar": -1, "Harbor": 4}}"#,
                "whole number",
            ),
            (
                r#"{"scores": {"Quill": 9.5, "Cedar": 0.5}}"#,
                "whole number",
            ),
            (r#"{"scores": {"Quill": "10"}}"#, "whole number"),
            (r#"{"scores": {"Quill": 5, "quill": 5}}"#, "given twice"),
            (r#"{"scores": {"Quill": 5, "Quill": 5}}"#, "given twice"),
            (r#"{"scores": {"Meadow": 10}}"#, "none of"),
            (r#"{"scores": [10]}"#, "an object"),
        ] {
            let problem = refused(&points, text);
            assert!(problem.contains(wanted), "{problem}");
        }
    }

    #[test]
    fn digit_join_points_are_not_read_out_of_prose() {
        let points = over(ContractKind::Scores, "scores", FieldKind::Points(10));
        for text in [
            "Cedar 1, Harbor 0, Quill 9",
            "10",
            "1 0",
            "Cedar gets all 10",
        ] {
            refused(&points, text);
        }
    }

    #[test]
    fn a_choice_is_over_the_options_of_the_debate() {
        let contract = Contract {
            choices: Some(Choices::Options),
            ..contract(
                ContractKind::Choice,
                vec![field("choice", FieldKind::Choice)],
            )
        };
        let options = words(&["42", "It depends", "No"]);
        for (text, wanted) in [
            ("it  depends.", "It depends"),
            ("42", "42"),
            (r#"{"choice": "no"}"#, "No"),
        ] {
            let reading = read(&contract, &options, text);
            assert_eq!(reading.parsed, Some(json!({"choice": wanted})), "{text}");
        }
        assert_eq!(read(&contract, &options, "42 or no").parsed, None);
        assert_eq!(
            schema(&contract, &options).unwrap()["properties"]["choice"]["enum"],
            json!(options)
        );
    }

    #[test]
    fn options_that_differ_in_letter_case_alone_are_told_apart_or_not_read() {
        let contract = contract(
            ContractKind::Choice,
            vec![field("choice", FieldKind::Choice)],
        );
        let options = words(&["pH", "PH"]);
        assert_eq!(
            read(&contract, &options, "PH").parsed,
            Some(json!({"choice": "PH"}))
        );
        assert_eq!(
            read(&contract, &options, "pH").parsed,
            Some(json!({"choice": "pH"}))
        );
        assert_eq!(read(&contract, &options, "ph").parsed, None);
    }

    #[test]
    fn a_question_is_one_question() {
        let question = contract(
            ContractKind::Question,
            vec![field("question", FieldKind::Text)],
        );
        for text in [
            "What do you mean by virtue?",
            "You said it can be taught. Who teaches it?",
            r#"{"question": "Who teaches it?"}"#,
            "\u{4f55}\u{ff1f}",
        ] {
            assert!(read(&question, &[], text).parsed.is_some(), "{text}");
        }
        for (text, wanted) in [
            ("Virtue can be taught.", "question mark"),
            ("Who? And why?", "one question"),
            (r#"{"question": "Virtue."}"#, "question mark"),
            (r#"{"question": "Who?"#, "JSON is broken"),
        ] {
            let problem = problem(&question, text);
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }

    #[test]
    fn the_schema_and_the_words_name_the_labels() {
        let schema = schema(&ranking(), &labels()).unwrap();
        assert_eq!(
            schema["properties"]["ranking"]["items"]["enum"],
            json!(labels())
        );
        let points = over(ContractKind::Scores, "scores", FieldKind::Points(10));
        let schema = super::super::schema(&points, &labels()).unwrap();
        assert_eq!(schema["properties"]["scores"]["required"], json!(labels()));
        insta::assert_snapshot!(instruction(&ranking(), &labels()), @r#"
        Answer with one JSON object and nothing else: no text before or after it, no code fence. It has exactly these fields:
        - "ranking": a list of all of these, each exactly once, best first: "Cedar", "Harbor", "Quill"
        "#);
        insta::assert_snapshot!(instruction(&points, &labels()), @r#"
        Answer with one JSON object and nothing else: no text before or after it, no code fence. It has exactly these fields:
        - "scores": an object with a whole number of points for each of "Cedar", "Harbor", "Quill", which together make 10
        "#);
    }
}

mod read_by_another_model {
    use super::*;

    fn extracted(answer_text: &str, copied: &str) -> Reading {
        let kind = FieldKind::OneOf(words(&["pro", "con"]));
        read_extracted(&answer(kind), &[], answer_text, copied)
    }

    #[test]
    fn what_it_copied_counts_when_it_stands_in_the_answer() {
        let reading = extracted("All in all I side with Pro.", r#"{"answer": "pro"}"#);
        assert_eq!(
            (reading.parsed, reading.path),
            (Some(json!({"answer": "pro"})), ParsePath::Extracted)
        );
    }

    #[test]
    fn what_it_made_up_does_not_count() {
        for (text, copied) in [
            ("Both were fine.", r#"{"answer": "pro"}"#),
            ("A professional debate.", r#"{"answer": "pro"}"#),
            ("I side with pro.", "UNCLEAR"),
            ("I side with pro.", "pro, I think"),
        ] {
            let reading = extracted(text, copied);
            assert_eq!(
                (reading.parsed, reading.path),
                (None, ParsePath::Unparsed),
                "{text}"
            );
        }
        let number = answer(FieldKind::Number {
            min: 0.0,
            max: 99.0,
        });
        assert_eq!(
            read_extracted(&number, &[], "It is 42.", r#"{"answer": 42}"#).path,
            ParsePath::Extracted
        );
        assert_eq!(
            read_extracted(&number, &[], "It is 4 or 2.", r#"{"answer": 42}"#).path,
            ParsePath::Unparsed
        );
    }
}

mod telling_a_model {
    use super::*;

    #[test]
    fn the_schema_wants_every_field_and_no_other() {
        let schema = schema(&verdict(), &[]).unwrap();
        assert_eq!(
            schema["required"],
            json!(["winner", "margin", "scores", "decisive", "reason"])
        );
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(
            schema["properties"]["winner"],
            json!({"type": "string", "enum": ["pro", "con", "tie"]})
        );
        assert_eq!(
            schema["properties"]["scores"]["required"],
            json!(["clash", "evidence"])
        );
        assert_eq!(
            schema["properties"]["scores"]["additionalProperties"],
            false
        );
        assert_eq!(
            super::super::schema(&contract(ContractKind::Text, Vec::new()), &[]),
            None
        );
    }

    #[test]
    fn the_instruction_names_every_field_and_what_it_holds() {
        insta::assert_snapshot!(instruction(&verdict(), &[]), @r#"
        Answer with one JSON object and nothing else: no text before or after it, no code fence. It has exactly these fields:
        - "winner": one of "pro", "con", "tie"
        - "margin": a number from 0 to 3
        - "scores": an object with a number from 0 to 10 for each of "clash", "evidence"
        - "decisive": true or false
        - "reason": text
        "#);
    }

    #[test]
    fn a_repair_quotes_the_problem_and_asks_for_the_same_answer() {
        let prompt = repair_prompt(&choice(vec![Extract::Schema]), &[], "it is empty");
        insta::assert_snapshot!(prompt, @r#"
        Your answer could not be used: it is empty.
        Give the same answer again in the required form. Do not change what you decided; only mend the form.

        Answer with exactly one of "For", "Against", "Strongly for", and nothing else.
        "#);
    }
}

mod canonical_answers {
    use super::*;

    fn canonical_text(text: &str) -> String {
        canonical(&json!(text))
    }

    #[test]
    fn spellings_of_one_answer_are_equal() {
        for (group, wanted) in [
            (
                vec![
                    "42",
                    "42.0",
                    " 42. ",
                    "+42",
                    "042",
                    "\"42\"",
                    r"\boxed{42.00}",
                    "$42$",
                    "**42**",
                    r"$\boxed{42}$.",
                ],
                "42",
            ),
            (
                vec![
                    "Paris",
                    " paris.",
                    "\u{201c}Paris\u{201d}",
                    "PARIS!",
                    "`paris`",
                ],
                "paris",
            ),
            (vec!["New  York", "new\nyork"], "new york"),
            (vec!["-0.50", "-.5"], "-0.5"),
            (vec!["0", "-0", "0.0", "00"], "0"),
            (
                vec![
                    "1,000",
                    "1000",
                    "1000.0",
                    "1,000.00",
                    "1{,}000",
                    "1e3",
                    "1.0E3",
                    r"1 \times 10^3",
                    r"\(1\,000\)",
                    "\u{ff11}\u{ff10}\u{ff10}\u{ff10}",
                ],
                "1000",
            ),
            (
                vec![
                    "1/2",
                    "2/4",
                    r"\frac{1}{2}",
                    r"$\dfrac{2}{4}$",
                    "\u{bd}",
                    "0.50",
                    ".5",
                ],
                "0.5",
            ),
            (vec!["2/6", r"\frac{1}{3}", "1 / 3"], "1/3"),
            (vec!["-3/4", "-0.75", "\u{2212}0.75"], "-0.75"),
            (
                vec!["50%", "50 %", "50 percent", r"50\%", "50.0 per cent"],
                "50 %",
            ),
            (
                vec!["10km", "10 km", "10 kilometers", "10.0 Kilometres."],
                "10 km",
            ),
            (
                vec!["$1,200", "1200 dollars", "USD 1,200.00", "1200 $"],
                "1200 $",
            ),
            (vec!["5 m/s", "5 meters per second"], "5 m/s"),
            (vec!["1,000 apples", "1000 apples"], "1000 apples"),
            (vec!["(B)", "B)", "b.", r"\text{B}", "**(B)**"], "b"),
            (vec![r"\boxed{\text{yes}}", "Yes."], "yes"),
        ] {
            for text in group {
                assert_eq!(canonical_text(text), wanted, "{text}");
            }
        }
        assert_eq!(canonical(&json!(42)), canonical(&json!("42.0")));
        assert_eq!(canonical(&json!(true)), canonical(&json!("True")));
    }

    #[test]
    fn answers_that_a_reader_would_tell_apart_stay_apart() {
        for (one, other) in [
            ("42", "-42"),
            ("4.2", "42"),
            ("1,000", "1"),
            ("C", "C++"),
            ("!", "?"),
            ("\"a\" or \"b\"", "a or b"),
            ("12345678901234567890", "12345678901234567891"),
            ("10 km", "10 m"),
            ("10 km", "10"),
            ("50%", "0.5"),
            ("50%", "50"),
            ("1,5", "1.5"),
            ("1,00", "100"),
            ("1,0000", "10000"),
            ("10\u{b2}", "102"),
            ("3\u{bd}", "31/2"),
            (r"3\frac{1}{2}", "31/2"),
            ("1/3", "0.333"),
            ("5 pounds", "5 lb"),
            ("agent 007", "agent 7"),
            ("007 james", "7 james"),
            ("1 2", "12"),
            ("1e99999", "1"),
            ("9:30", "930"),
            ("(a) or (b)", "a) or (b"),
            (r"\boxed{1} and \boxed{2}", "1} and \\boxed{2"),
        ] {
            assert_ne!(canonical_text(one), canonical_text(other));
        }
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,200}|[{}\\[\\]\",:a-z0-9 `\n]{0,200}") {
        for contract in [verdict(), choice(vec![Extract::Schema, Extract::Fence]), by_pattern(FieldKind::Text, "(x*)")] {
            let reading = read(&contract, &[], &text);
            prop_assert_eq!(reading.parsed.is_some(), reading.problem.is_none());
            prop_assert_eq!(reading.parsed.is_none(), reading.path == ParsePath::Unparsed);
        }
    }

    #[test]
    fn an_answer_of_the_form_is_always_read_strictly(
        winner in prop::sample::select(vec!["pro", "con", "tie"]),
        margin in 0.0_f64..=3.0,
        (clash, evidence) in (0.0_f64..=10.0, 0_u8..=10),
        decisive: bool,
        reason in "\\PC{0,40}[a-z]",
        pretty: bool,
    ) {
        let answer = json!({
            "winner": winner, "margin": margin, "decisive": decisive,
            "scores": {"clash": clash, "evidence": evidence}, "reason": reason,
        });
        let text = if pretty { format!("{answer:#}") } else { answer.to_string() };
        let reading = read(&verdict(), &[], &text);
        prop_assert_eq!(reading.path, ParsePath::Strict, "{:?}", reading.problem);
        let parsed = reading.parsed.unwrap();
        prop_assert_eq!(&parsed["winner"], winner);
        prop_assert_eq!(&parsed["reason"], reason.trim());
        // What was read reads the same again.
        prop_assert_eq!(read(&verdict(), &[], &parsed.to_string()).parsed, Some(parsed));
    }

    #[test]
    fn the_canonical_form_of_a_canonical_form_is_itself(text in "\\PC{0,40}|[$\\\\{}boxed\"'*0-9.+ -]{0,20}") {
        let once = canonical(&json!(text));
        prop_assert_eq!(canonical(&json!(once)), once);
    }

    #[test]
    fn case_spaces_and_a_full_stop_make_no_other_answer(text in "[a-z]{1,10}( [a-z]{1,10}){0,3}") {
        let other = format!("  {}. ", text.to_uppercase().replace(' ', "  "));
        prop_assert_eq!(canonical(&json!(other)), text);
    }
}
