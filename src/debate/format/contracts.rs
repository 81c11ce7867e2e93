//! Reads contracts: `fields = { winner = "pro|con|tie", margin = "0..3", reason = "string" }`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use regex_lite::Regex;

use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::document::check_id;
use super::document::is_id;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Extract;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;
use crate::types::debate::QuoteRule;
use crate::types::debate::QuoteSource;

const KINDS: Words<ContractKind> = Words(&[
    ("text", ContractKind::Text),
    ("json", ContractKind::Json),
    ("choice", ContractKind::Choice),
    ("ranking", ContractKind::Ranking),
    ("scores", ContractKind::Scores),
    ("verdict", ContractKind::Verdict),
    ("question", ContractKind::Question),
]);

const WAYS: Words<Extract> = Words(&[
    ("schema", Extract::Schema),
    ("fence", Extract::Fence),
    ("ask", Extract::Ask),
]);

const FORMS: &str = "\"string\", \"bool\", a range like \"0..10\", words like \"pro|con|tie\", scores like \
                     \"clash,evidence:0..10\", or, over the contract's choices, \"choice\", \"ranking\", \
                     \"several\" or \"points:10\"";

/// Points that each ballot gives out where a contract does not say (MALLM's cumulative voting gives out 10).
const DEFAULT_POINTS: u32 = 10;

const MAX_POINTS: u32 = 1000;

/// Reads all `[contract.<id>]`.
pub(super) fn read(
    root: &Section<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<BTreeMap<String, Contract>> {
    let section = root.section("contract", mistakes)?;
    let mut contracts = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in section.entries() {
        check_id(entry, entry.key, &mut seen, mistakes);
        if let Some(contract) = entry
            .section(mistakes)
            .and_then(|table| contract(&table, mistakes))
        {
            contracts.insert(entry.key.to_owned(), contract);
        }
    }
    Some(contracts)
}

fn contract(table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Contract> {
    let keys = [
        "type", "fields", "choices", "points", "extract", "repair", "quotes",
    ];
    table.only(&keys, mistakes);
    let kind = table
        .require("type", mistakes)
        .and_then(|item| KINDS.read(&item, mistakes));
    let repair = table
        .get("repair")
        .map_or(Some(1), |item| item.small(0..=5, mistakes));
    let quotes = table.get("quotes").and_then(|item| quotes(&item, mistakes));
    let choices = table
        .get("choices")
        .and_then(|item| choices(&item, mistakes));
    let kind = kind?;
    let why = "a contract of this type has none";
    table.refuse(unwanted(kind), why, mistakes);
    let fields = fields_of(kind, table, choices.as_ref(), mistakes)?;
    let is_text = kind == ContractKind::Text;
    Some(Contract {
        kind,
        fields,
        extract: match is_text {
            true => Vec::new(),
            false => extract(table, mistakes)?,
        },
        repair: if is_text { 0 } else { repair? },
        choices,
        quotes,
    })
}

/// Keys that mean nothing in a contract of this kind.
fn unwanted(kind: ContractKind) -> &'static [&'static str] {
    match kind {
        ContractKind::Text => &["fields", "choices", "points", "extract", "repair"],
        ContractKind::Choice | ContractKind::Ranking => &["fields", "points", "quotes"],
        ContractKind::Scores => &["fields", "quotes"],
        ContractKind::Question => &["fields", "choices", "points"],
        ContractKind::Json | ContractKind::Verdict => &["points"],
    }
}

fn fields_of(
    kind: ContractKind,
    table: &Section<'_>,
    choices: Option<&Choices>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<Field>> {
    let single = |name: &str, kind: FieldKind| {
        let name = name.to_owned();
        Some(vec![Field { name, kind }])
    };
    match kind {
        ContractKind::Text => Some(Vec::new()),
        ContractKind::Question => single("question", FieldKind::Text),
        ContractKind::Json | ContractKind::Verdict => {
            let item = table.require("fields", mistakes)?;
            fields(&item, table, choices, mistakes)
        }
        ContractKind::Choice | ContractKind::Ranking | ContractKind::Scores => {
            let points = table.get("points").map_or(Some(DEFAULT_POINTS), |item| {
                item.small(1..=MAX_POINTS, mistakes)
            });
            table.require("choices", mistakes)?;
            match kind {
                ContractKind::Choice => single("choice", one_choice(choices?)),
                ContractKind::Ranking => single("ranking", FieldKind::Ranking),
                ContractKind::Scores
                | ContractKind::Text
                | ContractKind::Json
                | ContractKind::Verdict
                | ContractKind::Question => single("scores", FieldKind::Points(points?)),
            }
        }
    }
}

fn one_choice(choices: &Choices) -> FieldKind {
    match choices {
        Choices::Fixed(words) => FieldKind::OneOf(words.clone()),
        Choices::Options | Choices::Phase(_) => FieldKind::Choice,
    }
}

/// Reads a list of words, `"$options"`, or `"$PHASE"`.
fn choices(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Choices> {
    if let Some(name) = item.as_str() {
        return match name.strip_prefix('$') {
            Some("options") => Some(Choices::Options),
            Some(phase) if is_id(phase) => Some(Choices::Phase(phase.to_owned())),
            Some(_) | None => {
                item.wrong("a list of words, \"$options\", or \"$PHASE\"", mistakes);
                None
            }
        };
    }
    let texts = item.texts(mistakes);
    let words: Vec<&str> = texts.iter().filter_map(Item::as_str).collect();
    match one_of(&words) {
        Ok(words) => Some(Choices::Fixed(words)),
        Err(help) => {
            mistakes.add(item.value_at, format!("{}: {help}", item.path));
            None
        }
    }
}

/// Reads `{ source = "secret:story", tag = true }`.
fn quotes(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<QuoteRule> {
    let table = item.section(mistakes)?;
    table.only(&["source", "tag"], mistakes);
    let source = table.require("source", mistakes)?;
    let tag = table
        .get("tag")
        .map_or(Some(true), |item| item.flag(mistakes));
    let text = source.text(mistakes)?;
    let source = match (text, text.strip_prefix("secret:")) {
        ("facts", _) => QuoteSource::Facts,
        ("all", _) => QuoteSource::All,
        (_, Some(name)) if is_id(name) => QuoteSource::Secret(name.to_owned()),
        (_, Some(_) | None) => {
            source.wrong("\"facts\", \"secret:NAME\" or \"all\"", mistakes);
            return None;
        }
    };
    Some(QuoteRule { source, tag: tag? })
}

fn fields(
    item: &Item<'_>,
    contract: &Section<'_>,
    choices: Option<&Choices>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<Field>> {
    let has_choices = contract.get("choices").is_some();
    let mut chooses = false;
    let table = item.section(mistakes)?;
    if table.entries().is_empty() {
        mistakes.add(
            item.at,
            format!("{} is empty: name at least one field", item.path),
        );
    }
    let mut fields = Vec::new();
    for entry in table.entries() {
        if !is_id(entry.key) {
            let help = "a field is named with a to z, 0 to 9, _ and -, a letter first";
            mistakes.add(entry.at, format!("{}: {help}", entry.path));
        }
        let Some(form) = entry.text(mistakes) else {
            continue;
        };
        match field_kind(form) {
            Ok(kind) if needs_choices(&kind) && !has_choices => {
                let help = "it needs choices in its contract";
                mistakes.add(entry.value_at, format!("{}: {help}", entry.path));
            }
            Ok(kind) => {
                chooses |= needs_choices(&kind);
                let kind = match (kind, choices) {
                    (FieldKind::Choice, Some(choices)) => one_choice(choices),
                    (kind, _) => kind,
                };
                let name = entry.key.to_owned();
                fields.push(Field { name, kind });
            }
            Err(help) => mistakes.add(entry.value_at, format!("{}: {help}", entry.path)),
        }
    }
    if has_choices && !chooses {
        let help = "no field uses them: write one as \"choice\", \"ranking\", \"several\" or \"points:10\"";
        contract.refuse(&["choices"], help, mistakes);
    }
    Some(fields)
}

fn needs_choices(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Choice | FieldKind::Ranking | FieldKind::Several | FieldKind::Points(_) => true,
        FieldKind::Text
        | FieldKind::Bool
        | FieldKind::Number { .. }
        | FieldKind::OneOf(_)
        | FieldKind::Scores { .. } => false,
    }
}

/// Reads the short form of a field.
fn field_kind(form: &str) -> Result<FieldKind, String> {
    match form {
        "string" => return Ok(FieldKind::Text),
        "bool" => return Ok(FieldKind::Bool),
        "choice" => return Ok(FieldKind::Choice),
        "ranking" => return Ok(FieldKind::Ranking),
        "several" => return Ok(FieldKind::Several),
        _ => {}
    }
    if form.contains('|') {
        return one_of(&form.split('|').collect::<Vec<_>>()).map(FieldKind::OneOf);
    }
    if let Some(points) = form.strip_prefix("points:").filter(|it| !it.contains("..")) {
        let points = points.trim().parse().ok();
        let points = points.filter(|points| (1..=MAX_POINTS).contains(points));
        return points.map(FieldKind::Points).ok_or_else(|| {
            format!("\"{form}\" needs a whole number from 1 to {MAX_POINTS}: write points:10")
        });
    }
    if let Some((keys, numbers)) = form.split_once(':') {
        let (min, max) = range(numbers)?;
        let keys: Vec<String> = keys.split(',').map(|key| key.trim().to_owned()).collect();
        let distinct: BTreeSet<&String> = keys.iter().collect();
        if distinct.len() < keys.len() || !keys.iter().all(|key| is_id(key)) {
            return Err(format!(
                "\"{form}\" needs different names before the colon, of a to z, 0 to 9, _ and -"
            ));
        }
        return Ok(FieldKind::Scores { keys, min, max });
    }
    if form.contains("..") {
        let (min, max) = range(form)?;
        return Ok(FieldKind::Number { min, max });
    }
    Err(format!(
        "\"{form}\" is not a form of a field: write {FORMS}"
    ))
}

fn one_of(words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    let folded: BTreeSet<String> = words.iter().map(|word| word.to_lowercase()).collect();
    if words.len() < 2 || folded.len() < words.len() || folded.contains("") {
        return Err("give at least two words, each different from the others".to_owned());
    }
    Ok(words)
}

fn range(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let ends = text.split_once("..");
    let ends = ends.and_then(|(min, max)| number(min).zip(number(max)));
    ends.filter(|(min, max)| min < max).ok_or_else(|| {
        format!("\"{text}\" is not a range: write the smaller and the larger number, like 0..10")
    })
}

fn extract(table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<Extract>> {
    let Some(item) = table.get("extract") else {
        return Some(vec![Extract::Schema, Extract::Fence]);
    };
    let mut ways = Vec::new();
    for element in item.list(mistakes)? {
        let Some(text) = element.text(mistakes) else {
            continue;
        };
        match way(&element.path, text) {
            Ok(way) if ways.contains(&way) => {
                mistakes.add(
                    element.at,
                    format!("{}: \"{text}\" stands there twice", element.path),
                );
            }
            Ok(way) => ways.push(way),
            Err(help) => mistakes.add(element.at, help),
        }
    }
    if ways.is_empty() {
        mistakes.add(
            item.at,
            format!("{} is empty: name at least one way", item.path),
        );
    }
    Some(ways)
}

fn way(path: &str, text: &str) -> Result<Extract, String> {
    if let Some(pattern) = text.strip_prefix("regex:") {
        let regex = Regex::new(pattern)
            .map_err(|error| format!("{path}: \"{pattern}\" is not a pattern: {error}"))?;
        if regex.captures_len() < 2 {
            return Err(format!(
                "{path}: \"{pattern}\" has no group: put what is to be read in parentheses"
            ));
        }
        return Ok(Extract::Regex(pattern.to_owned()));
    }
    WAYS.find(path, text)
        .map_err(|help| format!("{help}, regex:PATTERN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_field_is_read() {
        let words = |all: &[&str]| {
            all.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let cases = [
            ("string", FieldKind::Text),
            ("bool", FieldKind::Bool),
            ("0..3", FieldKind::Number { min: 0.0, max: 3.0 }),
            (
                "-1..0.5",
                FieldKind::Number {
                    min: -1.0,
                    max: 0.5,
                },
            ),
            (
                "pro|con|tie",
                FieldKind::OneOf(words(&["pro", "con", "tie"])),
            ),
            ("choice", FieldKind::Choice),
            ("ranking", FieldKind::Ranking),
            ("several", FieldKind::Several),
            ("points:10", FieldKind::Points(10)),
            (
                "points:0..10",
                FieldKind::Scores {
                    keys: words(&["points"]),
                    min: 0.0,
                    max: 10.0,
                },
            ),
            (
                "clash,evidence:0..10",
                FieldKind::Scores {
                    keys: words(&["clash", "evidence"]),
                    min: 0.0,
                    max: 10.0,
                },
            ),
        ];
        for (form, wanted) in cases {
            assert_eq!(field_kind(form), Ok(wanted), "{form}");
        }
    }

    #[test]
    fn a_form_that_means_nothing_is_refused_with_all_that_do() {
        for form in [
            "number",
            "3..0",
            "0..x",
            "pro|",
            "pro|PRO",
            "a,a:0..1",
            "a:1",
            "0..inf",
            "points:0",
            "points:many",
        ] {
            let problem = field_kind(form).unwrap_err();
            assert!(
                problem.contains("write") || problem.contains("give") || problem.contains("needs"),
                "{form}: {problem}"
            );
        }
    }

    #[test]
    fn a_way_of_reading_that_is_not_there_is_refused() {
        assert_eq!(way("x", "schema"), Ok(Extract::Schema));
        assert_eq!(way("x", "ask"), Ok(Extract::Ask));
        assert_eq!(
            way("x", "regex:^Answer: (.*)$"),
            Ok(Extract::Regex("^Answer: (.*)$".to_owned()))
        );
        for (text, wanted) in [
            ("regex:(", "is not a pattern"),
            ("regex:^Answer$", "has no group"),
            ("fenced", "did you mean \"fence\"?"),
            (
                "ack",
                "did you mean \"ask\"? available: schema, fence, ask, regex:PATTERN",
            ),
        ] {
            let problem = way("x", text).unwrap_err();
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }
}
