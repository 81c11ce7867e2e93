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
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Extract;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;

const KINDS: Words<ContractKind> = Words {
    runs: &[
        ("text", ContractKind::Text),
        ("json", ContractKind::Json),
        ("choice", ContractKind::Choice),
        ("verdict", ContractKind::Verdict),
    ],
    later: &["ranking", "scores", "question"],
};

const FORMS: &str = "\"string\", \"bool\", a range like \"0..10\", words like \"pro|con|tie\", \
                     or scores like \"clash,evidence:0..10\"";

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
    table.only(
        &["type", "fields", "choices", "extract", "repair"],
        &["quotes"],
        mistakes,
    );
    let kind = table
        .require("type", mistakes)
        .and_then(|item| KINDS.read(&item, mistakes));
    let repair = table
        .get("repair")
        .map_or(Some(1), |item| item.small(0..=5, mistakes));
    let kind = kind?;
    let (wanted, unwanted): (Option<&str>, &[&str]) = match kind {
        ContractKind::Text => (None, &["fields", "choices", "extract", "repair"]),
        ContractKind::Choice => (Some("choices"), &["fields"]),
        ContractKind::Ranking | ContractKind::Scores | ContractKind::Question => todo!("base"),
        ContractKind::Json | ContractKind::Verdict => (Some("fields"), &["choices"]),
    };
    for key in unwanted {
        if let Some(item) = table.get(key) {
            mistakes.add(
                item.at,
                format!("{}: a contract of this type has no {key}", item.path),
            );
        }
    }
    let fields = match wanted {
        None => Vec::new(),
        Some("choices") => choices(&table.require("choices", mistakes)?, mistakes)?,
        Some(key) => fields(&table.require(key, mistakes)?, mistakes)?,
    };
    let extract = match kind {
        ContractKind::Text => Vec::new(),
        ContractKind::Json
        | ContractKind::Choice
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores
        | ContractKind::Question => extract(table, mistakes)?,
    };
    let repair = if kind == ContractKind::Text {
        0
    } else {
        repair?
    };
    Some(Contract {
        kind,
        fields,
        extract,
        repair,
        choices: None,
        quotes: None,
    })
}

fn choices(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<Field>> {
    let texts = item.texts(mistakes);
    let words: Vec<&str> = texts.iter().filter_map(Item::as_str).collect();
    match one_of(&words) {
        Ok(kind) => Some(vec![Field {
            name: "choice".to_owned(),
            kind,
        }]),
        Err(help) => {
            mistakes.add(item.value_at, format!("{}: {help}", item.path));
            None
        }
    }
}

fn fields(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<Field>> {
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
            Ok(kind) => fields.push(Field {
                name: entry.key.to_owned(),
                kind,
            }),
            Err(help) => mistakes.add(entry.value_at, format!("{}: {help}", entry.path)),
        }
    }
    Some(fields)
}

/// Reads the short form of a field.
fn field_kind(form: &str) -> Result<FieldKind, String> {
    if form == "string" {
        return Ok(FieldKind::Text);
    }
    if form == "bool" {
        return Ok(FieldKind::Bool);
    }
    if form.contains('|') {
        return one_of(&form.split('|').collect::<Vec<_>>());
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

fn one_of(words: &[&str]) -> Result<FieldKind, String> {
    let words: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    let folded: BTreeSet<String> = words.iter().map(|word| word.to_lowercase()).collect();
    if words.len() < 2 || folded.len() < words.len() || folded.contains("") {
        return Err("give at least two words, each different from the others".to_owned());
    }
    Ok(FieldKind::OneOf(words))
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
    const PLAIN: [(&str, bool); 3] = [("schema", true), ("fence", false), ("regex:PATTERN", false)];
    let words = Words {
        runs: &PLAIN,
        later: &["ask"],
    };
    let schema = words.find(path, text)?;
    Ok(if schema {
        Extract::Schema
    } else {
        Extract::Fence
    })
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
            "number", "3..0", "0..x", "pro|", "pro|PRO", "a,a:0..1", "a:1", "0..inf",
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
        assert_eq!(
            way("x", "regex:^Answer: (.*)$"),
            Ok(Extract::Regex("^Answer: (.*)$".to_owned()))
        );
        for (text, wanted) in [
            ("regex:(", "is not a pattern"),
            ("regex:^Answer$", "has no group"),
            ("fenced", "did you mean \"fence\"?"),
            ("ask", "does not run in this version"),
        ] {
            let problem = way("x", text).unwrap_err();
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }
}
