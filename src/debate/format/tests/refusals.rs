//! What cannot run, refused with its line: one change each to a format in which nearly every part of the grammar stands.

use super::*;

/// Nearly everything at once; it loads.
pub(super) const FULL: &str = r#"[protocol]
id = "full"
version = 1
title = "Full"
description = "Nearly every part of the grammar."

[limits]
calls = 200

[roles.solver]
kind = "debater"
count = "2..4"
secrets = ["brief"]

[roles.devil]
kind = "debater"

[roles.host]
kind = "moderator"

[roles.clerk]
kind = "summariser"

[roles.bench]
kind = "judge"
count = 3

[roles.crowd]
kind = "audience"
count = "n"

[[phase]]
id = "before"
kind = "poll"
who = "crowd"
prompt = "stance"
contract = "stance"
hidden_until = "end"

[[phase]]
id = "blind"
kind = "speak"
who = "debaters"
order = "simultaneous"
sees = ["topic", "options", "facts", "secret:brief"]
prompt = "say"
contract = "answer"
quorum = "majority"

[[phase]]
id = "talk"
kind = "speak"
who = "debaters"
order = "rotate"
repeat = { min = 1, max = 3, until = "all_agree(answer) or stable(answer,2) or human_stop" }
sees = ["topic", "own:last", "others:last+anon+shuffle+grouped+quotes", "others:round(-2)", "summary", "human"]
prompt = { first = "say", next = "say_on" }
contract = "answer"
edges = "ring"
interleave = ["sum_up"]
audience = true

[[phase]]
id = "sum_up"
kind = "summarise"
who = "clerk"
sees = ["phase:talk", "summary"]
prompt = "tell"
contract = "note"

[[phase]]
id = "pairs"
kind = "speak"
who = ["host", "solver"]
order = "pair_qa"
sees = ["topic", "phase:pairs"]
prompt = { ask = "tell", answer = "tell" }
contract = "note"

[[phase]]
id = "floor"
kind = "ask_human"
who = "crowd"
prompt = "tell"
contract = "note"
timeout_s = 30

[[phase]]
id = "rank"
kind = "vote"
who = "debaters"
order = "simultaneous"
sees = ["topic", "phase:blind+anon+shuffle+noself"]
prompt = "say"
contract = "ranking"
stop_early = "lead_unassailable"

[[phase]]
id = "after"
kind = "poll"
who = "crowd"
prompt = "stance"
contract = "stance"

[[phase]]
id = "bench"
kind = "judge"
who = "judges"
order = "simultaneous"
sees = ["topic", "phase:talk+anon", "votes+anon", "polls"]
prompt = "say"
contract = "ruling"
swap = true

[contract.note]
type = "text"

[contract.stance]
type = "choice"
choices = ["for", "against"]

[contract.answer]
type = "json"
fields = { reasoning = "string", answer = "string", confidence = "0..1" }
quotes = { source = "all", tag = true }
extract = ["schema", "fence", "ask"]

[contract.ranking]
type = "ranking"
choices = "$blind"

[contract.ruling]
type = "verdict"
choices = "$options"
fields = { reason = "string", answer = "choice", margin = "0..3" }

[decision]
rule = "panel"
of = "bench.answer"
swap = true
quorum = 0.5
min_margin = 1
tie = "judge"

[[decision.also]]
rule = "swing"
of = "after.choice - before.choice"

[[decision.also]]
rule = "borda"
of = "rank.ranking"

[report]
baselines = ["round0_majority", "single:best"]
aggregate = "irv"
flips = true
dissent = true

[dial]
disagreement = 3
dissenter = "devil"

[prompts.stance]
template = "Where do you stand?"

[prompts.say]
template = "Say it. {{ form }}"

[prompts.say_on]
template = "Say it again. {{ form }}"

[prompts.tell]
template = "Tell it."
"#;

/// What is replaced, by what, the line's text after it, and what the mistake says.
const CASES: &[(&str, &str, &str, &str)] = &[
    // Roles.
    (
        "count = \"n\"",
        "count = \"3\"",
        "count = \"3\"",
        "any number of people may watch",
    ),
    (
        "count = \"2..4\"",
        "count = \"n\"",
        "count = \"n\"",
        "\"n\" is for an audience",
    ),
    (
        "count = \"n\"",
        "count = \"n\"\npersona = \"You watch.\"",
        "persona",
        "have no seats",
    ),
    (
        "kind = \"summariser\"",
        "kind = \"summariser\"\nside = \"pro\"",
        "[roles.clerk]",
        "only debaters have a side",
    ),
    (
        "secrets = [\"brief\"]",
        "secrets = [\"brief\", \"spare\"]",
        "[roles.solver]",
        "\"spare\" is seen in no phase",
    ),
    // Who speaks where.
    (
        "who = \"clerk\"",
        "who = \"crowd\"",
        "id = \"sum_up\"",
        "can only be asked, in a \"poll\" or \"ask_human\"",
    ),
    (
        "id = \"floor\"\nkind = \"ask_human\"\nwho = \"crowd\"",
        "id = \"floor\"\nkind = \"ask_human\"\nwho = \"host\"",
        "id = \"floor\"",
        "only a role of kind \"audience\"",
    ),
    (
        "who = \"judges\"",
        "who = \"devil\"",
        "id = \"bench\"",
        "is a debater and cannot judge",
    ),
    (
        "quorum = \"majority\"",
        "quorum = 9",
        "quorum = 9",
        "9 must speak, but there are at most 5",
    ),
    // Orders.
    (
        "who = [\"host\", \"solver\"]",
        "who = [\"host\", \"solver\", \"devil\"]",
        "pair_qa",
        "takes two roles, who asks and who answers, not 3",
    ),
    (
        "{ ask = \"tell\", answer = \"tell\" }",
        "\"tell\"",
        "prompt = \"tell\"",
        "pair_qa needs { ask",
    ),
    (
        "{ ask = \"tell\", answer = \"tell\" }",
        "{ ask = \"tell\" }",
        "{ ask = \"tell\" }",
        "answer is missing",
    ),
    (
        "{ first = \"say\", next = \"say_on\" }",
        "{ first = \"say\", ask = \"say_on\" }",
        "ask = \"say_on\"",
        "only the order \"pair_qa\" has it",
    ),
    (
        "repeat = { min = 1, max = 3, until = \"all_agree(answer) or stable(answer,2) or human_stop\" }\n",
        "",
        "order = \"rotate\"",
        "there is only one",
    ),
    (
        "order = \"rotate\"",
        "order = \"pick:bench\"",
        "pick:bench",
        "one picks, and 3 may hold",
    ),
    (
        "order = \"rotate\"",
        "order = \"pick:hots\"",
        "pick:hots",
        "did you mean \"host\"?",
    ),
    (
        "stop_early = \"lead_unassailable\"",
        "stop_early = \"lead_unassailable\"\nedges = \"ring\"",
        "edges = \"ring\"",
        "sees no \"others\"",
    ),
    (
        "edges = \"ring\"",
        "edges = \"to:clerk\"",
        "edges = \"to:clerk\"",
        "\"clerk\" does not speak in it",
    ),
    (
        "edges = \"ring\"",
        "edges = \"rings\"",
        "rings",
        "did you mean \"ring\"?",
    ),
    (
        "timeout_s = 30",
        "order = \"simultaneous\"",
        "order = \"simultaneous\"",
        "all asked at once",
    ),
    (
        "contract = \"note\"\ntimeout_s",
        "contract = \"stance\"\ntimeout_s",
        "contract = \"stance\"",
        "of type \"text\"",
    ),
    // Kinds of answers.
    (
        "contract = \"ranking\"\n",
        "contract = \"note\"\n",
        "contract = \"note\"",
        "a vote needs a contract that can be counted",
    ),
    (
        "contract = \"stance\"\nhidden_until",
        "contract = \"note\"\nhidden_until",
        "contract = \"note\"",
        "a poll needs a contract of type \"choice\"",
    ),
    (
        "prompt = \"tell\"\ncontract = \"note\"\n\n[[phase]]\nid = \"pairs\"",
        "prompt = \"tell\"\ncontract = \"stance\"\n\n[[phase]]\nid = \"pairs\"",
        "contract = \"stance\"",
        "a summary needs a contract of type \"text\"",
    ),
    (
        "choices = \"$blind\"",
        "choices = \"$after\"",
        "[contract.ranking]",
        "which runs only later",
    ),
    (
        "choices = \"$blind\"",
        "choices = \"$blidn\"",
        "[contract.ranking]",
        "did you mean \"blind\"?",
    ),
    (
        "choices = \"$blind\"",
        "choices = \"$talk\"",
        "\"phase:blind+anon+shuffle+noself\"",
        "so it must see \"phase:talk\"",
    ),
    (
        "choices = \"$blind\"",
        "choices = \"blind\"",
        "choices = \"blind\"",
        "a list of words, \"$options\", or \"$PHASE\"",
    ),
    (
        "choices = \"$options\"\n",
        "",
        "answer = \"choice\"",
        "it needs choices in its contract",
    ),
    (
        "answer = \"choice\"",
        "answer = \"string\"",
        "choices = \"$options\"",
        "no field uses them",
    ),
    (
        "source = \"all\"",
        "source = \"secret:note\"",
        "[contract.answer]",
        "no secret of those who speak in",
    ),
    (
        "source = \"all\"",
        "source = \"everything\"",
        "everything",
        "\"facts\", \"secret:NAME\" or \"all\"",
    ),
    (
        "type = \"ranking\"\n",
        "type = \"ranking\"\npoints = 10\n",
        "points = 10",
        "a contract of this type has none",
    ),
    (
        "fields = { reason = \"string\",",
        "points = 3\nfields = { reason = \"string\",",
        "points = 3",
        "a contract of this type has none",
    ),
    // Sights.
    (
        "\"polls\"]",
        "\"phase:before\"]",
        "phase:before",
        "is hidden until the end",
    ),
    (
        "contract = \"stance\"\n\n[[phase]]\nid = \"bench\"",
        "contract = \"stance\"\nhidden_until = \"end\"\n\n[[phase]]\nid = \"bench\"",
        "\"polls\"]",
        "not hidden until the end",
    ),
    (
        "\"facts\", \"secret:brief\"]",
        "\"facts\", \"secret:brief\", \"votes\"]",
        "\"votes\"]",
        "no phase of kind \"vote\" runs before",
    ),
    (
        "\"facts\", \"secret:brief\"]",
        "\"facts\", \"secret:brief\", \"summary\"]",
        "\"summary\"]",
        "no phase of kind \"summarise\"",
    ),
    (
        "\"facts\", \"secret:brief\"]",
        "\"facts\", \"secret:brief\", \"others:round(-1)\"]",
        "others:round(-1)",
        "no 1 repetitions before it",
    ),
    (
        "\"phase:talk+anon\", \"votes+anon\"",
        "\"phase:pairs+quotes\", \"votes+anon\"",
        "phase:pairs+quotes",
        "no contract there has quotes",
    ),
    (
        "\"phase:talk+anon\", \"votes+anon\"",
        "\"phase:pairs+grouped\", \"votes+anon\"",
        "phase:pairs+grouped",
        "no answer there has a field that the decision names",
    ),
    (
        "\"phase:talk+anon\", \"votes+anon\"",
        "\"secret:brief\", \"votes+anon\"",
        "\"secret:brief\", \"votes",
        "no secret of its speakers \"brief\"",
    ),
    (
        "\"own:last\", \"others:last",
        "\"own:last\", \"own\", \"others:last",
        "\"own:last\", \"own\"",
        "is already seen",
    ),
    (
        "\"summary\", \"human\"]",
        "\"summary\"]",
        "audience = true",
        "nobody would read the remarks",
    ),
    // Conditions.
    (
        "all_agree(answer)",
        "rounds>=4",
        "rounds>=4",
        "the phase runs at most 3 times",
    ),
    (
        "all_agree(answer)",
        "flag(bench.answer)",
        "flag(bench.answer)",
        "is in later answers only",
    ),
    (
        "all_agree(answer)",
        "lead_unassailable",
        "lead_unassailable or",
        "none have been cast by then",
    ),
    (
        "quorum = \"majority\"",
        "when = \"rounds>=1\"",
        "when = \"rounds>=1\"",
        "looked at before the first",
    ),
    (
        "quorum = \"majority\"",
        "stop_early = \"lead_unassailable\"",
        "stop_early",
        "those of this phase are not",
    ),
    (
        "id = \"rank\"\n",
        "id = \"rank\"\nwhen = \"agree(margin)>=.5\"\n",
        "agree(margin)",
        "is in later answers only",
    ),
    // Both orders, hiding.
    (
        "quorum = \"majority\"",
        "swap = true",
        "swap = true",
        "only a \"judge\" or a \"vote\"",
    ),
    (
        "stop_early = \"lead_unassailable\"",
        "swap = true\nhidden_until = \"end\"",
        "",
        "",
    ),
    (
        "\"phase:talk+anon\", \"votes+anon\"",
        "\"facts\", \"votes+anon\"",
        "swap = true",
        "whose order could be reversed",
    ),
    (
        "contract = \"ruling\"\nswap = true",
        "contract = \"ruling\"\nswap = true\nhidden_until = \"end\"",
        "hidden_until = \"end\"",
        "the verdict would show",
    ),
    // Decisions.
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"borda\"\nof = \"bench.answer\"",
        "of = \"bench.answer\"",
        "must hold a ranking",
    ),
    (
        "rule = \"borda\"",
        "rule = \"approval\"",
        "of = \"rank.ranking\"",
        "must hold several choices",
    ),
    (
        "rule = \"borda\"",
        "rule = \"cumulative\"",
        "of = \"rank.ranking\"",
        "must hold points for choices",
    ),
    (
        "rule = \"borda\"",
        "rule = \"majority\"",
        "of = \"rank.ranking\"",
        "must hold one answer",
    ),
    (
        "after.choice - before.choice",
        "before.choice - after.choice",
        "before.choice - after",
        "\"after\" must run before \"before\"",
    ),
    (
        "after.choice - before.choice",
        "bench.answer - before.choice",
        "bench.answer - before",
        "must be of kind \"poll\"",
    ),
    (
        "after.choice - before.choice",
        "after.choice",
        "of = \"after.choice\"",
        "swing compares two polls",
    ),
    (
        "rule = \"swing\"",
        "rule = \"plurality\"",
        "after.choice - before",
        "only \"swing\" takes one poll from another",
    ),
    (
        "after.choice - before.choice",
        "after.choice - befor.choice",
        "befor.choice",
        "did you mean \"before\"?",
    ),
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"synthesis\"\nof = \"rank.ranking\"",
        "of = \"rank.ranking\"",
        "must be of kind \"summarise\"",
    ),
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"weighted\"\nof = \"talk.answer\"",
        "rule = \"weighted\"",
        "needs weights: confidence, rating or fn:reconcile_steps",
    ),
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"weighted\"\nof = \"bench.answer\"\nweights = \"confidence\"",
        "weights",
        "need a field confidence = \"0..1\"",
    ),
    (
        "rule = \"borda\"\n",
        "rule = \"borda\"\nweights = \"rating\"\n",
        "weights",
        "only the rule \"weighted\" has them",
    ),
    (
        "rule = \"borda\"\n",
        "rule = \"borda\"\nthreshold = 0.7\n",
        "threshold",
        "only the rule \"consensus\" has one",
    ),
    (
        "rule = \"borda\"\n",
        "rule = \"borda\"\nthreshold = 0.5\n",
        "threshold",
        "above 0.5",
    ),
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"trajectory\"\nof = \"blind.answer\"",
        "of = \"blind.answer\"",
        "at least two rounds",
    ),
    (
        "rule = \"borda\"\nof = \"rank.ranking\"",
        "rule = \"panel\"\nof = \"talk.answer\"",
        "of = \"talk.answer\"",
        "must be of kind \"judge\"",
    ),
    (
        "rule = \"borda\"\n",
        "rule = \"borda\"\ntie = \"judge\"\n",
        "tie = \"judge\"",
        "",
    ),
    (
        "rule = \"borda\"\n",
        "rule = \"borda\"\nalso = []\n",
        "also = []",
        "no key \"also\"",
    ),
    (
        "of = \"bench.answer\"",
        "of = [\"bench.answer\", \"bench.answer\"]",
        "of = [",
        "stands there twice",
    ),
    (
        "quorum = 0.5",
        "quorum = 2",
        "quorum = 2",
        "a number from 0 to 1",
    ),
    (
        "contract = \"ruling\"\nswap = true",
        "contract = \"ruling\"",
        "swap = true",
        "in one order only",
    ),
    // Reports and the dial.
    (
        "confidence = \"0..1\"",
        "surety = \"0..1\"",
        "baselines",
        "need a field confidence",
    ),
    (
        "aggregate = \"irv\"",
        "aggregate = \"swing\"",
        "aggregate",
        "does not count ballots",
    ),
    (
        "aggregate = \"irv\"",
        "aggregate = \"approval\"",
        "aggregate",
        "there are 0",
    ),
    (
        "aggregate = \"irv\"",
        "aggregate = \"panel\"",
        "aggregate",
        "does not count ballots",
    ),
    (
        "dissenter = \"devil\"",
        "dissenter = \"host\"",
        "dissenter",
        "no debater's role \"host\"",
    ),
    (
        "dissenter = \"devil\"",
        "dissenter = \"devli\"",
        "dissenter",
        "did you mean \"devil\"?",
    ),
    (
        "calls = 200",
        "calls = 10",
        "calls = 10",
        "the smallest cast takes",
    ),
];

#[test]
fn nearly_everything_at_once_loads() {
    let format = parse("full.toml", FULL).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(format.decision.also.len(), 2);
    assert_eq!(format.dissenter.as_deref(), Some("devil"));
    assert_eq!(format.phase("floor").unwrap().timeout_s, Some(30));
    assert_eq!(format.phase("before").unwrap().timeout_s, Some(60));
    assert!(format.phase("talk").unwrap().audience);
}

#[test]
fn what_cannot_run_is_refused_with_its_line_and_the_reason() {
    let mut wrong = Vec::new();
    for (from, to, at, help) in CASES {
        assert!(FULL.contains(from), "the format has no {from}");
        let source = FULL.replacen(from, to, 1);
        let Err(found) = parse("full.toml", &source) else {
            if !help.is_empty() {
                wrong.push((to, at, help, Vec::new()));
            }
            continue;
        };
        // An edit without a remedy here is one that only has to be refused or loaded without a panic.
        if help.is_empty() {
            continue;
        }
        // The place is looked for from the change on, and else from the beginning.
        let change = FULL.find(from).unwrap_or_default();
        let start = source[..change].rfind('\n').map_or(0, |end| end + 1);
        let place = source[start..].find(at).map(|place| start + place);
        let place = place.or_else(|| source.find(at)).unwrap();
        let line = 1 + source[..place].matches('\n').count();
        let said = |mistake: &Diagnostic| mistake.help.contains(help);
        if !found.iter().any(|it| said(it) && it.line == Some(line)) {
            wrong.push((to, at, help, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_decision_beside_the_verdict_may_be_a_table_of_its_own() {
    let twice = "[[decision.also]]\nrule = \"borda\"\nof = \"rank.ranking\"\n\n";
    let source = FULL
        .replace(twice, "")
        .replace("[[decision.also]]", "[decision.also]");
    let format = parse("full.toml", &source).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(format.decision.also.len(), 1);
    let source = source.replace("rule = \"swing\"", "rule = \"borda\"");
    let found = parse("full.toml", &source).unwrap_err();
    let line = line_of(&source, "of = \"after.choice - before");
    assert!(
        found.iter().all(|mistake| mistake.line == Some(line)),
        "{found:#?}"
    );
}

#[test]
fn a_vote_over_speeches_that_come_later_is_refused() {
    let vote = "[[phase]]\nid = \"early\"\nkind = \"vote\"\nwho = \"debaters\"\nsees = [\"topic\", \"phase:blind\"]\nprompt = \"say\"\ncontract = \"ranking\"\n\n";
    let at = "[[phase]]\nid = \"blind\"";
    let source = FULL.replace(at, &format!("{vote}{at}"));
    let found = parse("full.toml", &source).unwrap_err();
    let said = |help: &str| found.iter().any(|mistake| mistake.help.contains(help));
    assert!(
        said("\"early\" chooses from \"blind\", which runs only later"),
        "{found:#?}"
    );
    assert!(said("the phase \"blind\" runs only later"), "{found:#?}");
}

proptest! {
    #[test]
    fn no_edit_of_a_full_format_makes_the_loader_panic(at in 0_usize..FULL.len(), with in "[ -~]{0,4}", cut in 0_usize..24) {
        let end = (at + cut).min(FULL.len());
        let source = format!("{}{with}{}", &FULL[..at], &FULL[end..]);
        if let Err(found) = parse("full.toml", &source) {
            prop_assert!(!found.is_empty());
        }
    }
}
