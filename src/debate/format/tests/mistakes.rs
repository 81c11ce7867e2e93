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
        "kind = \"human\"\ncount",
        "human",
        "may put a person into any seat",
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
        "there is only one",
    ),
    (
        "order = \"simultaneous\"",
        "order = \"pick:judge\"",
        "pick:judge",
        "one picks, and 3 may hold \"judge\"",
    ),
    (
        "order = \"simultaneous\"",
        "order = \"simultanous\"",
        "simultanous",
        "did you mean \"simultaneous\"?",
    ),
    (
        "kind = \"speak\"",
        "kind = \"pol\"",
        "pol\"",
        "did you mean \"poll\"?",
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
        "stands where \",\" is expected",
    ),
    (
        "words = 100",
        "words = 100\nstop_early = \"rounds>=1\"",
        "stop_early",
        "one speaks after the other",
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
        "type = \"rankin\"",
        "rankin\"",
        "did you mean \"ranking\"?",
    ),
    (
        "type = \"text\"",
        "type = \"text\"\nrepair = 1",
        "repair",
        "speech.repair: a contract of this type has none",
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
        "of = ",
        "must hold a ranking: give it the form \"ranking\", for the rule \"borda\"",
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
        "in one order only: set swap = true there",
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
        "[report]\nbaselines = [\"single:worst\"]\n\n[decision]",
        "single:worst",
        "did you mean \"single:best\"?",
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
        ("type = \"verdict\"", "type = \"rankin\""),
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
        .replace("kind = \"speak\"", "kind = \"spaek\"")
        .replace("rule = \"panel\"", "rule = \"bordda\"")
        .replace("{{ side }}", "{{ sied }}");
    let found = parse("small.toml", &source).unwrap_err();
    let lines: Vec<Option<usize>> = found.iter().map(|mistake| mistake.line).collect();
    assert!(lines.is_sorted());
    for help in ["titel", "title is missing", "spaek", "bordda", "sied"] {
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
