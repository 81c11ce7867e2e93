//! What the loader accepts, and how it says what is wrong.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::types::Diagnostic;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Count;
use crate::types::debate::Estimate;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::OnFailThen;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Predicate;
use crate::types::debate::Quorum;
use crate::types::debate::Rule;
use crate::types::debate::Spec;
use crate::types::debate::Tie;

/// A small format that is right; the tests break it, one line at a time.
const SMALL: &str = r#"[protocol]
id = "small"
version = 1
title = "Small"
description = "Two sides and a judge."

[roles.pro]
kind = "debater"
side = "pro"

[roles.con]
kind = "debater"
side = "con"

[roles.judge]
kind = "judge"
count = "1..3"

[[phase]]
id = "opening"
kind = "speak"
who = "debaters"
sees = ["topic", "side", "others:last"]
prompt = { pro = "argue", con = "argue" }
contract = "speech"
words = 100

[[phase]]
id = "judging"
kind = "judge"
who = "judges"
order = "simultaneous"
sees = ["topic", "phase:opening+anon"]
prompt = "rule"
contract = "verdict"

[contract.speech]
type = "text"

[contract.verdict]
type = "verdict"
fields = { winner = "pro|con|tie", reason = "string" }

[decision]
rule = "panel"
of = "judging.winner"

[prompts.argue]
template = "Argue for {{ side }} in {{ words }} words."

[prompts.rule]
template = """
Rule on it.
{{ form }}
"""
"#;

fn shipped(id: &str) -> Format {
    Format::clone(FormatLibrary::embedded().get(id).unwrap())
}

/// The mistakes of the small format after one replacement.
fn mistakes_with(from: &str, to: &str) -> Vec<Diagnostic> {
    assert!(SMALL.contains(from), "the small format has no {from}");
    parse("small.toml", &SMALL.replacen(from, to, 1)).unwrap_err()
}

fn line_of(source: &str, text: &str) -> usize {
    1 + source.lines().position(|line| line.contains(text)).unwrap()
}

mod shipped_formats {
    use super::*;

    #[test]
    fn every_file_of_the_directory_is_shipped_under_its_own_name() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/formats");
        let mut files: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let library = FormatLibrary::embedded();
        let ids: Vec<&str> = library.iter().map(|format| format.id.as_str()).collect();
        assert_eq!(ids, files);
    }

    #[test]
    fn oxford_is_two_sides_three_rounds_of_speeches_and_a_panel() {
        let oxford = shipped("oxford");
        let phases: Vec<(&str, Option<u32>)> = oxford
            .phases
            .iter()
            .map(|phase| (phase.id.as_str(), phase.words))
            .collect();
        let wanted = [
            ("opening", Some(220)),
            ("rebuttal", Some(160)),
            ("closing", Some(120)),
            ("judging", None),
        ];
        assert_eq!(phases, wanted);
        assert_eq!(oxford.role("pro").unwrap().side.as_deref(), Some("pro"));
        assert_eq!(
            oxford.role("judge").unwrap().count,
            Count { min: 1, max: 9 }
        );
        assert_eq!(
            (oxford.decision.rule, oxford.decision.tie),
            (Rule::Panel, Tie::Split)
        );
        for phase in &oxford.phases {
            assert_eq!(
                (phase.on_fail.retry, phase.on_fail.then),
                (1, OnFailThen::Substitute)
            );
        }
    }

    #[test]
    fn an_oxford_judge_sees_every_speech_and_no_name() {
        let oxford = shipped("oxford");
        let judging = oxford.phase("judging").unwrap();
        let anonymous: Vec<&Atom> = judging
            .sees
            .iter()
            .filter(|sight| sight.anon)
            .map(|sight| &sight.atom)
            .collect();
        let phase = |id: &str| Atom::Phase(id.to_owned());
        assert_eq!(
            anonymous,
            [&phase("opening"), &phase("rebuttal"), &phase("closing")]
        );
        let named = judging
            .sees
            .iter()
            .filter(|sight| !sight.anon)
            .map(|sight| &sight.atom);
        assert!(named.eq([&Atom::Topic, &Atom::Human]));
    }

    #[test]
    fn the_last_word_in_oxford_goes_to_the_side_that_did_not_have_it_before() {
        let oxford = shipped("oxford");
        let last = |id: &str| oxford.phase(id).unwrap().who.last().cloned();
        assert_eq!(last("rebuttal").as_deref(), Some("con"));
        assert_eq!(last("closing").as_deref(), Some("pro"));
    }

    #[test]
    fn the_first_round_of_society_of_minds_is_blind() {
        let society = shipped("society-of-minds");
        let blind = &society.phases[0];
        assert_eq!(blind.order, Order::Simultaneous);
        assert!(
            blind
                .sees
                .iter()
                .map(|sight| &sight.atom)
                .eq([&Atom::Topic])
        );
        let revise = society.phase("revise").unwrap();
        assert_eq!((revise.repeat.min, revise.repeat.max), (0, 1));
        assert_eq!(
            revise.repeat.until,
            Some(Predicate::AllAgree("answer".to_owned()))
        );
        assert!(society.report.round0_majority && society.report.flips && society.report.dissent);
        assert_eq!(
            (society.decision.rule, society.decision.tie),
            (Rule::Majority, Tie::EarliestRound)
        );
    }

    #[test]
    fn the_referee_of_tit_for_tat_may_end_it_after_each_exchange() {
        let format = shipped("tit-for-tat");
        let exchange = format.phase("exchange").unwrap();
        assert_eq!(exchange.interleave, ["referee"]);
        let preference = Predicate::Flag {
            role: "mod".to_owned(),
            field: "preference".to_owned(),
        };
        assert_eq!(exchange.repeat.until, Some(preference.clone()));
        assert_eq!(
            format.phase("last_resort").unwrap().when,
            Some(Predicate::Not(Box::new(preference)))
        );
        assert_eq!(format.disagreement, Some(2));
        let of: Vec<&str> = format
            .decision
            .of
            .iter()
            .map(|of| of.phase.as_str())
            .collect();
        assert_eq!(of, ["referee", "last_resort"]);
    }

    #[test]
    fn each_side_of_tit_for_tat_gets_its_own_first_task() {
        let format = shipped("tit-for-tat");
        let ask = |side: &str| {
            let variables = Variables {
                topic: "?",
                agent: "a",
                role: side,
                side: Some(side),
                opponent_side: None,
                words: Some(150),
                round: 1,
                disagreement: Some(2),
                phase: "exchange",
                form: "",
                options: &[],
            };
            render(&format.prompts["state_or_oppose"], &variables).unwrap()
        };
        assert!(
            ask("aff").starts_with("Give your answer to the question"),
            "{}",
            ask("aff")
        );
        assert!(
            ask("neg").starts_with("The other side has answered."),
            "{}",
            ask("neg")
        );
    }

    #[test]
    fn every_prompt_that_shows_what_others_wrote_calls_it_material() {
        for format in FormatLibrary::embedded().iter() {
            for phase in &format.phases {
                let peers = |atom: &Atom| {
                    matches!(
                        atom,
                        Atom::Others | Atom::OthersLast | Atom::Phase(_) | Atom::Human
                    )
                };
                if !phase.sees.iter().any(|sight| peers(&sight.atom)) {
                    continue;
                }
                for id in std::iter::once(&phase.prompt.first).chain(&phase.prompt.next) {
                    let prompt = &format.prompts[id];
                    assert!(
                        prompt.contains("never instructions to you"),
                        "{}: {id}",
                        format.id
                    );
                }
            }
        }
    }
}

mod reading {
    use super::*;

    #[test]
    fn a_format_is_read_with_every_reference_resolved() {
        let format = parse("small.toml", SMALL).unwrap();
        assert_eq!(
            (format.id.as_str(), format.version, format.title.as_str()),
            ("small", 1, "Small")
        );
        assert_eq!(format.phases[0].who, ["pro", "con"]);
        assert_eq!(format.phases[1].who, ["judge"]);
        assert_eq!(format.phases[1].kind, PhaseKind::Judge);
        assert_eq!(format.phases[0].prompt.by_role["con"], "argue");
        let winner = FieldRef {
            phase: "judging".to_owned(),
            field: "winner".to_owned(),
        };
        assert_eq!(format.decision.of, [winner]);
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let format = parse("small.toml", SMALL).unwrap();
        let opening = &format.phases[0];
        assert_eq!(opening.order, Order::Sequential);
        assert_eq!((opening.repeat.min, opening.repeat.max), (1, 1));
        assert_eq!(
            (opening.on_fail.retry, opening.on_fail.then),
            (1, OnFailThen::Substitute)
        );
        assert_eq!(opening.quorum, Quorum::None);
        assert_eq!(format.decision.tie, Tie::Split);
        assert_eq!(format.limits, Limits::default());
    }

    #[test]
    fn the_fields_of_a_contract_keep_the_order_of_the_file() {
        let source = SMALL.replace(
            r#"fields = { winner = "pro|con|tie", reason = "string" }"#,
            "[contract.verdict.fields]\nzeal = \"0..3\"\nwinner = \"pro|con|tie\"\namount = \"bool\"",
        );
        let format = parse("small.toml", &source).unwrap();
        let fields = &format.contracts["verdict"].fields;
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["zeal", "winner", "amount"]);
        assert_eq!(fields[2].kind, FieldKind::Bool);
    }

    #[test]
    fn the_hash_follows_every_letter_of_the_file() {
        let one = parse("small.toml", SMALL).unwrap().hash;
        let other = parse("small.toml", &SMALL.replace("Rule on it", "Rule on this"))
            .unwrap()
            .hash;
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
        assert_eq!(one, parse("another-name.toml", SMALL).unwrap().hash);
    }

    #[test]
    fn a_choice_has_the_one_field_choice() {
        let source = SMALL
            .replace(r#"type = "verdict""#, r#"type = "choice""#)
            .replace(
                r#"fields = { winner = "pro|con|tie", reason = "string" }"#,
                r#"choices = ["pro", "con"]"#,
            )
            .replace("judging.winner", "judging.choice");
        let format = parse("small.toml", &source).unwrap();
        let words = vec!["pro".to_owned(), "con".to_owned()];
        assert_eq!(
            format.contracts["verdict"].fields[0].kind,
            FieldKind::OneOf(words)
        );
    }
}

mod mistakes {
    use super::*;

    /// What is replaced, by what, the line's text after it, and what the mistake says.
    const CASES: &[(&str, &str, &str, &str)] = &[
        ("title =", "titel =", "titel", "did you mean \"title\"?"),
        (
            "version = 1",
            "version = 0",
            "version = 0",
            "protocol.version must be a whole number from 1",
        ),
        (
            "id = \"small\"",
            "id = \"Small!\"",
            "Small!",
            "protocol.id must be an id",
        ),
        (
            "kind = \"judge\"\ncount",
            "kind = \"audience\"\ncount",
            "audience",
            "does not run in this version; available: debater",
        ),
        (
            "count = \"1..3\"",
            "count = \"3..1\"",
            "3..1",
            "roles.judge.count must be a number of seats",
        ),
        (
            "side = \"con\"",
            "side = \"pro\"",
            "[roles.pro]",
            "the only side",
        ),
        ("side = \"con\"\n", "", "[roles.con]", "needs one"),
        (
            "[roles.con]",
            "[roles.judges]",
            "[roles.judges]",
            "a meaning of its own",
        ),
        (
            "who = \"debaters\"",
            "who = [\"pro\", \"conn\"]",
            "conn",
            "did you mean \"con\"?",
        ),
        (
            "who = \"debaters\"",
            "who = [\"pro\", \"debaters\"]",
            "who = [\"pro\"",
            "\"pro\" stands there twice",
        ),
        (
            "who = \"judges\"",
            "who = \"pro\"",
            "id = \"judging\"",
            "is a debater and cannot judge",
        ),
        (
            "order = \"simultaneous\"",
            "order = \"alternate\"",
            "alternate",
            "does not run in this version; available: sequential, simultaneous",
        ),
        (
            "order = \"simultaneous\"",
            "order = \"pick:judge\"",
            "pick:judge",
            "available: sequential, simultaneous",
        ),
        (
            "order = \"simultaneous\"",
            "order = \"simultanous\"",
            "simultanous",
            "did you mean \"simultaneous\"?",
        ),
        (
            "kind = \"speak\"",
            "kind = \"poll\"",
            "poll",
            "does not run in this version; available: speak, judge",
        ),
        (
            "others:last\"]",
            "other:last\"]",
            "other:last",
            "did you mean \"others:last\"?",
        ),
        (
            "\"side\", \"others:last\"]",
            "\"topic\"]",
            "\"topic\", \"topic\"",
            "already seen",
        ),
        (
            "phase:opening+anon",
            "phase:openning+anon",
            "openning",
            "did you mean \"opening\"?",
        ),
        (
            "\"side\", \"others:last\"",
            "\"phase:judging\"",
            "phase:judging",
            "runs only later",
        ),
        (
            "\"side\", \"others:last\"",
            "\"secret:brief\"",
            "secret:brief",
            "no secret of its speakers \"brief\"",
        ),
        (
            "\"topic\", \"phase:opening+anon\"",
            "\"side\"",
            "sees = [\"side\"]",
            "none of its speakers has a side",
        ),
        (
            "prompt = \"rule\"",
            "prompt = \"ruel\"",
            "ruel",
            "did you mean \"rule\"?",
        ),
        (
            "con = \"argue\"",
            "next = \"argue\"",
            "next = ",
            "first is missing",
        ),
        (
            "con = \"argue\"",
            "conn = \"argue\"",
            "conn",
            "did you mean \"con\"?",
        ),
        (
            "contract = \"speech\"",
            "contract = \"speach\"",
            "speach",
            "did you mean \"speech\"?",
        ),
        (
            "words = 100",
            "words = 100\ntokens = 50",
            "tokens = 50",
            "tokens must be at least 200",
        ),
        (
            "words = 100",
            "words = 100\nrepeat = { min = 2, max = 1 }",
            "min = 2",
            "min 2 is above max 1",
        ),
        (
            "words = 100",
            "words = 100\nrepeat = { max = 1, until = \"rounds>=1\" }",
            "max = 1, until",
            "never looked at",
        ),
        (
            "words = 100",
            "words = 100\nrepeat = { max = 2, until = \"all_agree(answer)\" }",
            "all_agree",
            "no field of an answer \"answer\"",
        ),
        (
            "words = 100",
            "words = 100\nwhen = \"flag(mod.preference)\"",
            "flag(mod",
            "no role \"mod\"",
        ),
        (
            "words = 100",
            "words = 100\nwhen = \"flag(judge.wins)\"",
            "flag(judge",
            "no field of an answer \"wins\"",
        ),
        (
            "words = 100",
            "words = 100\nwhen = \"stable(winner)\"",
            "stable",
            "does not run in this version",
        ),
        (
            "words = 100",
            "words = 100\nstop_early = \"rounds>=1\"",
            "stop_early",
            "does not run in this version",
        ),
        (
            "words = 100",
            "words = 100\nquorum = \"most\"",
            "most",
            "available: none, majority, all",
        ),
        (
            "words = 100",
            "words = 100\non_fail = { then = \"retire\" }",
            "retire",
            "available: substitute, skip, forfeit, abort",
        ),
        (
            "words = 100",
            "words = 100\ninterleave = [\"referee\"]",
            "referee",
            "no phase \"referee\"",
        ),
        (
            "words = 100",
            "words = 100\ninterleave = [\"opening\"]",
            "interleave",
            "cannot run inside itself",
        ),
        (
            "id = \"judging\"",
            "id = \"opening\"",
            "",
            "the id \"opening\" is taken",
        ),
        (
            "type = \"verdict\"",
            "type = \"ranking\"",
            "ranking",
            "does not run in this version; available: text, json",
        ),
        (
            "type = \"text\"",
            "type = \"text\"\nrepair = 1",
            "repair",
            "has no repair",
        ),
        (
            "winner = \"pro|con|tie\"",
            "winner = \"pro/con\"",
            "pro/con",
            "is not a form of a field",
        ),
        (
            "winner = \"pro|con|tie\"",
            "winner = \"left|right|tie\"",
            "of = ",
            "no side \"left\"",
        ),
        (
            "rule = \"panel\"",
            "rule = \"borda\"",
            "borda",
            "does not run in this version; available: majority, plurality, judge, panel",
        ),
        (
            "rule = \"panel\"",
            "rule = \"judge\"",
            "of = ",
            "use the rule \"panel\"",
        ),
        (
            "rule = \"panel\"",
            "rule = \"panel\"\nswap = true",
            "swap",
            "does not run in this version",
        ),
        (
            "judging.winner",
            "judging.winer",
            "judging.winer",
            "did you mean \"winner\"?",
        ),
        (
            "judging.winner",
            "bench.winner",
            "bench.winner",
            "no phase \"bench\"",
        ),
        ("judging.winner", "winner", "of = ", "must be PHASE.field"),
        (
            "judging.winner",
            "opening.text",
            "opening.text",
            "no field \"text\"; there is none",
        ),
        ("{{ side }}", "{{ sied }}", "sied", "did you mean \"side\"?"),
        (
            "{{ form }}",
            "{{ form }",
            "{{ form }",
            "prompts.rule.template: syntax error",
        ),
        (
            "{{ form }}",
            "{{ form | shout }}",
            "template = \"\"\"",
            "in the phase \"judging\"",
        ),
        (
            "{{ form }}",
            "In any form.",
            "template = \"\"\"",
            "tell it with {{ form }}",
        ),
        (
            " in {{ words }} words",
            "",
            "Argue for",
            "tell it with {{ words }}",
        ),
        (
            "[prompts.rule]",
            "[prompts.spare]\ntemplate = \"x\"\n\n[prompts.rule]",
            "[prompts.spare]",
            "is the prompt of no phase",
        ),
        (
            "[contract.verdict]",
            "[contract.spare]\ntype = \"text\"\n\n[contract.verdict]",
            "[contract.spare]",
            "is the contract of no phase",
        ),
        (
            "[roles.judge]",
            "[roles.idle]\nkind = \"moderator\"\n\n[roles.judge]",
            "[roles.idle]",
            "speaks in no phase",
        ),
        (
            "[decision]",
            "[report]\nbaselines = [\"round0_majority\"]\n\n[flow]\n\n[decision]",
            "[flow]",
            "no key \"flow\"",
        ),
        (
            "[decision]",
            "[report]\nbaselines = [\"single:best\"]\n\n[decision]",
            "single:best",
            "does not run in this version",
        ),
        (
            "[decision]",
            "[dial]\ndisagreement = 11\n\n[decision]",
            "disagreement",
            "from 0 to 10",
        ),
        (
            "[decision]",
            "[limits]\ncost_usd = -1\n\n[decision]",
            "cost_usd",
            "a number above 0",
        ),
        ("words = 100", "words = ", "words = ", "this is not TOML"),
    ];

    #[test]
    fn each_is_said_with_its_line_and_its_remedy() {
        let mut wrong = Vec::new();
        for (from, to, at, help) in CASES {
            let source = SMALL.replacen(from, to, 1);
            let found = mistakes_with(from, to);
            let line = (!at.is_empty()).then(|| line_of(&source, at));
            let said = |mistake: &&Diagnostic| {
                mistake.help.contains(help)
                    && mistake.file == "small.toml"
                    && (line.is_none() || mistake.line == line)
            };
            if !found.iter().any(|mistake| said(&mistake)) {
                wrong.push((to, at, help, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn one_slip_is_one_mistake() {
        for (from, to) in [
            ("prompt = \"rule\"", "prompt = \"ruel\""),
            ("judging.winner", "judging.winer"),
            ("order = \"simultaneous\"", "order = \"alternate\""),
            ("{{ side }}", "{{ sied }}"),
            ("who = \"debaters\"", "who = [\"pro\", \"conn\"]"),
            ("con = \"argue\"", "conn = \"argue\""),
            ("type = \"verdict\"", "type = \"ranking\""),
            ("kind = \"judge\"\ncount", "kind = \"jugde\"\ncount"),
        ] {
            let found = mistakes_with(from, to);
            assert_eq!(found.len(), 1, "{to}: {found:#?}");
        }
    }

    #[test]
    fn all_are_reported_at_once_in_the_order_of_their_lines() {
        let source = SMALL
            .replace("title =", "titel =")
            .replace("kind = \"speak\"", "kind = \"poll\"")
            .replace("rule = \"panel\"", "rule = \"borda\"")
            .replace("{{ side }}", "{{ sied }}");
        let found = parse("small.toml", &source).unwrap_err();
        let lines: Vec<Option<usize>> = found.iter().map(|mistake| mistake.line).collect();
        assert!(lines.is_sorted());
        for help in ["titel", "title is missing", "poll", "borda", "sied"] {
            assert!(
                found.iter().any(|mistake| mistake.help.contains(help)),
                "{help}: {found:#?}"
            );
        }
    }

    #[test]
    fn an_interleaved_phase_runs_with_its_host_alone() {
        let referee = "interleave = [\"judging\"]\nwords = 100\nrepeat = { max = 2 }";
        let fine = SMALL.replace("words = 100", referee);
        parse("small.toml", &fine).unwrap();
        let repeated = fine.replace("order = \"simultaneous\"", "repeat = { max = 2 }");
        let found = parse("small.toml", &repeated).unwrap_err();
        assert!(
            found[0].help.contains("takes neither repeat nor when"),
            "{found:#?}"
        );
    }

    #[test]
    fn a_phase_may_look_at_the_one_that_runs_inside_it() {
        let source = SMALL
            .replace(
                "words = 100",
                "interleave = [\"judging\"]\nwords = 100\nrepeat = { max = 2 }",
            )
            .replace("\"side\", \"others:last\"", "\"phase:judging\"");
        parse("small.toml", &source).unwrap();
    }

    #[test]
    fn a_mistake_in_a_template_has_the_line_of_the_file_not_of_the_text() {
        let long = "Rule \\\n  on \\\n  it.\nThen mend it.\n{{ from }}\n{{ form }}";
        let source = SMALL.replace("Rule on it.\n{{ form }}", long);
        let found = parse("small.toml", &source).unwrap_err();
        assert_eq!(
            found[0].line,
            Some(line_of(&source, "{{ from }}")),
            "{found:#?}"
        );
        let source = source.replace("{{ from }}", "{% if %}");
        let found = parse("small.toml", &source).unwrap_err();
        assert_eq!(
            found[0].line,
            Some(line_of(&source, "{% if %}")),
            "{found:#?}"
        );
    }

    #[test]
    fn an_empty_file_lacks_every_section() {
        let found = parse("empty.toml", "").unwrap_err();
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(
            found
                .iter()
                .all(|mistake| mistake.line.is_none() && mistake.help.ends_with("is missing"))
        );
    }

    proptest! {
        #[test]
        fn no_edit_of_a_format_makes_the_loader_panic(at in 0_usize..SMALL.len(), with in "[ -~]{0,3}", cut in 0_usize..12) {
            let end = (at + cut).min(SMALL.len());
            let source = format!("{}{with}{}", &SMALL[..at], &SMALL[end..]);
            match parse("small.toml", &source) {
                Ok(_) => {}
                Err(found) => prop_assert!(!found.is_empty()),
            }
        }
    }
}

mod library {
    use super::*;

    #[test]
    fn the_operators_directory_adds_formats_and_replaces_them_by_id() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("small.toml"), SMALL).unwrap();
        fs::write(
            dir.path().join("mine.toml"),
            SMALL.replace("id = \"small\"", "id = \"oxford\""),
        )
        .unwrap();
        fs::write(dir.path().join("notes.txt"), "not a format").unwrap();
        let library = FormatLibrary::load(Some(dir.path())).unwrap();
        assert_eq!(library.get("small").unwrap().title, "Small");
        assert_eq!(library.get("oxford").unwrap().title, "Small");
        assert!(library.get("tit-for-tat").is_some());
    }

    #[test]
    fn two_files_of_one_id_and_a_broken_one_are_reported_together() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.toml"), SMALL).unwrap();
        fs::write(dir.path().join("b.toml"), SMALL).unwrap();
        fs::write(dir.path().join("c.toml"), "id = ").unwrap();
        let found = FormatLibrary::load(Some(dir.path())).unwrap_err();
        assert!(
            found[0].file.ends_with("b.toml") && found[0].help.contains("is taken by"),
            "{found:#?}"
        );
        assert!(
            found[1].file.ends_with("c.toml") && found[1].line == Some(1),
            "{found:#?}"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_mistake_and_none_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let found = FormatLibrary::load(Some(&dir.path().join("gone"))).unwrap_err();
        assert!(found[0].help.contains("cannot be read"));
        assert!(FormatLibrary::load(None).unwrap().get("oxford").is_some());
    }

    #[test]
    fn the_nearest_id_is_offered() {
        let library = FormatLibrary::embedded();
        assert_eq!(library.nearest("oxfrod"), Some("oxford"));
        assert_eq!(library.nearest("parliament-of-owls"), None);
    }
}

mod bounds {
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

    #[test]
    fn oxford_takes_seven_calls_when_nothing_goes_wrong() {
        let estimate = estimate(&oxford());
        assert_eq!(estimate.expected_calls, 7);
        // Six speeches with a retry each; one ruling with a retry and two repairs.
        assert_eq!(estimate.max_calls, 6 * 2 + 4);
        assert_eq!(estimate.max_output_tokens, 12 * 2000 + 4 * 3000);
    }

    #[test]
    fn an_interleaved_phase_counts_once_for_each_repetition() {
        // Three exchanges of two and a referee, and the last resort.
        assert_eq!(estimate(&tit_for_tat()).expected_calls, 3 * 3 + 1);
    }

    #[test]
    fn a_cap_on_rounds_lowers_the_bound() {
        let mut spec = tit_for_tat();
        spec.limits.rounds = Some(1);
        assert_eq!(estimate(&spec).expected_calls, 3 + 1);
    }

    #[test]
    fn a_stand_in_may_try_as_often_as_the_agent() {
        let mut spec = oxford();
        let before = estimate(&spec);
        spec.cast[2].substitute = Some("demo/two".parse().unwrap());
        let after = estimate(&spec);
        assert_eq!(after.max_calls, before.max_calls + 4);
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
        assert_eq!(after.max_output_tokens, before.max_output_tokens - 6 * 1500);
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
            ..Estimate::default()
        };
        assert_eq!(estimate(&spec(shipped("oxford"), Vec::new())), nothing);
    }
}
