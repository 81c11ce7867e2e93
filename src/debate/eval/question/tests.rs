use super::*;

fn one(line: &str) -> Question {
    let mut questions = read("q.jsonl", line).unwrap();
    assert_eq!(questions.len(), 1);
    questions.remove(0)
}

fn mistakes(text: &str) -> Vec<String> {
    let found = read("q.jsonl", text).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

/// Whether an answer is right: `None` when it could not be read.
fn graded(question: &Question, answer: &str) -> Option<bool> {
    question.is_right(&question.position(answer)?)
}

mod reading_files {
    use super::*;

    #[test]
    fn a_gsm8k_line_is_a_number_behind_the_last_mark() {
        let question = one(
            r#"{"question":"A pen costs $3. What do 4 cost?","answer":"4 * 3 = <<4*3=12>>12\n#### 1,012"}"#,
        );
        assert_eq!(question.id, "line-1");
        assert_eq!(graded(&question, "1012"), Some(true));
        assert_eq!(graded(&question, "12"), Some(false));
    }

    #[test]
    fn an_mmlu_line_is_a_choice_by_index_or_letter() {
        for answer in ["2", "\"C\"", "\"c\"", "\"Mars\""] {
            let question = one(&format!(
                r#"{{"question":"Which is red?","subject":"astronomy","choices":["Venus","Earth","Mars","Neptune"],"answer":{answer}}}"#
            ));
            assert_eq!(graded(&question, "C"), Some(true), "{answer}");
            assert_eq!(graded(&question, "A"), Some(false), "{answer}");
        }
    }

    #[test]
    fn our_own_shape_says_its_kind() {
        let exact = one(
            r#"{"id":"e","kind":"exact","question":"Capital of Peru?","answer":["Lima","Lima, Peru"]}"#,
        );
        assert_eq!((exact.id.as_str(), exact.kind()), ("e", Kind::Exact));
        let numeric =
            one(r#"{"id":7,"kind":"numeric","question":"Pi?","answer":3.14159,"tolerance":0.01}"#);
        assert_eq!((numeric.id.as_str(), numeric.kind()), ("7", Kind::Numeric));
        assert_eq!(graded(&numeric, "about 3.14"), Some(true));
        assert_eq!(graded(&numeric, "3.2"), Some(false));
        let judged = one(
            r#"{"kind":"judged","question":"Why is the sky blue?","answer":"Rayleigh scattering"}"#,
        );
        assert_eq!(graded(&judged, "It scatters."), None);
        assert_eq!(
            judged.position("It scatters.").as_deref(),
            Some("It scatters.")
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = concat!(
            "{\"question\":\"a\",\"answer\":1}\n",
            "\n",
            "not json\n",
            "{\"question\":\"b\"}\n",
            "{\"question\":\"\",\"answer\":1}\n",
            "{\"question\":\"c\",\"answer\":\"blue\"}\n",
            "{\"question\":\"d\",\"choices\":[\"x\",\"y\"],\"answer\":2}\n",
            "{\"question\":\"e\",\"choices\":[\"x\"],\"answer\":0}\n",
            "{\"question\":\"f\",\"choices\":[\"x\",\"y\"],\"answer\":\"z\"}\n",
            "{\"question\":\"g\",\"kind\":\"essay\",\"answer\":\"z\"}\n",
            "{\"id\":\"line-1\",\"question\":\"h\",\"answer\":1}\n",
            "{\"question\":\"j\",\"answer\":1,\"secrets\":[\"x\"]}\n",
            "{\"question\":\"i\",\"answer\":\"so #### one or 2 or 3\"}\n",
        );
        insta::assert_snapshot!(mistakes(text).join("\n"), @r##"
        q.jsonl:3  no JSON object: expected ident at line 1 column 2
        q.jsonl:4  "answer" is missing
        q.jsonl:5  "question" must be a text that is not empty
        q.jsonl:6  say what it is: "kind" numeric, choice, exact or judged
        q.jsonl:7  there is no choice 2: they count from 0
        q.jsonl:8  there must be 2 to 26 choices
        q.jsonl:9  the answer "z" is not one of the choices: write its letter or its index from 0
        q.jsonl:10  there is no kind "essay": it is numeric, choice, exact or judged
        q.jsonl:11  the id "line-1" is that of line 1 too
        q.jsonl:12  "secrets" must be an object of texts
        q.jsonl:13  the answer "so #### one or 2 or 3" is not one number
        "##);
        assert_eq!(mistakes(" \n").len(), 1);
    }

    #[test]
    fn an_answer_that_could_be_two_choices_is_a_mistake() {
        let found =
            mistakes(r#"{"question":"Which letter is a vowel?","choices":["B","A"],"answer":"A"}"#);
        assert!(found[0].contains("index"), "{found:?}");
    }
}

mod grading {
    use super::*;

    fn planets() -> Question {
        one(
            r#"{"question":"Which is red?","choices":["Venus","Earth","Mars","Blue Mars"],"answer":2}"#,
        )
    }

    #[test]
    fn an_option_is_named_by_letter_text_or_both() {
        for answer in [
            "C",
            "c",
            "(C)",
            "C)",
            "C.",
            "**C**",
            "Option C",
            "C) Mars",
            "C. Mars",
            "C: Mars",
            "c mars",
            "(C) Mars",
            "Mars",
            "mars.",
            "I look at each.\nAnswer: C",
        ] {
            assert_eq!(graded(&planets(), answer), Some(true), "{answer}");
        }
    }

    #[test]
    fn an_answer_that_names_no_option_or_two_is_unparsed() {
        for answer in [
            "",
            "E",
            "C or D",
            "Can I say Mars?",
            "B) Mars",
            "Mars and Venus",
            "Jupiter",
            "CD",
        ] {
            assert_eq!(graded(&planets(), answer), None, "{answer}");
        }
    }

    #[test]
    fn an_exact_text_is_right_whatever_its_dress() {
        let question = one(
            r#"{"kind":"exact","question":"Capital of Peru?","answer":["Lima","City of Kings"]}"#,
        );
        for answer in [
            "Lima",
            " lima. ",
            "\"LIMA\"",
            "city of  kings",
            "It is on the coast.\nAnswer: Lima",
        ] {
            assert_eq!(graded(&question, answer), Some(true), "{answer}");
        }
        assert_eq!(graded(&question, "Lima or Cusco"), Some(false));
        assert_eq!(graded(&question, "  "), None);
    }

    #[test]
    fn votes_for_one_number_have_one_position() {
        let question = one(r#"{"question":"How many?","answer":1200}"#);
        for answer in ["1200", "1,200", "1200.0 apples", "$1,200.00", "1.2e3"] {
            assert_eq!(
                question.position(answer).as_deref(),
                Some("1200"),
                "{answer}"
            );
        }
    }

    #[test]
    fn shuffled_options_keep_their_key() {
        let plain = planets();
        let mut moved = 0;
        for seed in 0..20 {
            let shuffled = plain.clone().shuffled(seed);
            assert_eq!(graded(&shuffled, "Mars"), Some(true));
            moved += u32::from(shuffled.position("Mars") != plain.position("Mars"));
            assert_eq!(shuffled, plain.clone().shuffled(seed));
        }
        assert!(moved > 5, "{moved}");
    }
}

#[test]
fn the_topic_shows_the_options_in_the_files_order_and_says_the_form() {
    let question = one(r#"{"question":"Which is red?","choices":["Venus","Mars"],"answer":1}"#);
    insta::assert_snapshot!(question.topic(), @r"
    Which is red?

    A) Venus
    B) Mars

    Give as the answer the letter of the right option alone. Wherever you write prose, end it with a line of its own: Answer: <the answer>
    ");
}
