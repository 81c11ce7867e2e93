//! Reading a file of questions: our own shape, and those of GSM8K and MMLU.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use super::Key;
use super::Question;
use super::option_of;
use crate::debate::eval::number::Number;
use crate::types::Diagnostic;
use crate::types::debate::Document;

/// Longest question with its options, in characters; a debate takes no longer topic.
const MAX_CHARS: usize = 19_000;
/// Most options of a choice: each has a letter.
const MAX_OPTIONS: usize = 26;
/// Most questions of a file.
const MAX_QUESTIONS: usize = 100_000;

/// Reads questions, one JSON object a line. Empty lines do not count.
///
/// Recognised are our own shape (`id`, `kind`, `question`, `choices`, `answer`, `tolerance`, `facts`, `secrets`), GSM8K's (an `answer` that
/// ends with `#### 42`) and MMLU's (`choices`, and an `answer` that is a letter or an index from 0). Other members are
/// let through unread.
///
/// # Errors
/// Every mistake of the file at once, each with its line.
pub fn read(file: &str, text: &str) -> Result<Vec<Question>, Vec<Diagnostic>> {
    let mut questions: Vec<Question> = Vec::new();
    let mut mistakes = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = at + 1;
        let question = match of_line(line, number) {
            Ok(question) => question,
            Err(help) => {
                mistakes.push(Diagnostic::new(file, Some(number), help));
                continue;
            }
        };
        if let Some(first) = seen.insert(question.id.clone(), number) {
            let help = format!("the id \"{}\" is that of line {first} too", question.id);
            mistakes.push(Diagnostic::new(file, Some(number), help));
        }
        questions.push(question);
    }
    if questions.is_empty() && mistakes.is_empty() {
        let help = "there is no question in it: write one JSON object a line";
        mistakes.push(Diagnostic::new(file, None, help));
    }
    if questions.len() > MAX_QUESTIONS {
        let help = format!("{MAX_QUESTIONS} questions is the most: split the file");
        mistakes.push(Diagnostic::new(file, None, help));
    }
    if mistakes.is_empty() {
        Ok(questions)
    } else {
        Err(mistakes)
    }
}

fn of_line(line: &str, number: usize) -> Result<Question, String> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("no JSON object: {error}"))?;
    let id = match object.get("id") {
        None | Some(Value::Null) => format!("line-{number}"),
        Some(Value::String(id)) if !id.trim().is_empty() => id.trim().to_owned(),
        Some(Value::Number(id)) => id.to_string(),
        Some(Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            return Err("\"id\" must be a text or a number".to_owned());
        }
    };
    let text = text_of(&object, "question")?;
    let answer = object
        .get("answer")
        .filter(|answer| !answer.is_null())
        .ok_or("\"answer\" is missing")?;
    let key = key(&object, answer)?;
    let question = Question {
        id,
        text,
        key,
        facts: facts(object.get("facts"))?,
        secrets: secrets(object.get("secrets"))?,
    };
    let length = question.topic().chars().count();
    if length > MAX_CHARS {
        return Err(format!(
            "the question has {length} characters with its options; {MAX_CHARS} is the most"
        ));
    }
    Ok(question)
}

fn text_of(object: &Map<String, Value>, name: &str) -> Result<String, String> {
    match object.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Some(_) => Err(format!("\"{name}\" must be a text that is not empty")),
        None => Err(format!("\"{name}\" is missing")),
    }
}

fn key(object: &Map<String, Value>, answer: &Value) -> Result<Key, String> {
    let kind = match object.get("kind") {
        None => guessed_kind(object, answer)?,
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err("\"kind\" must be a text".to_owned()),
    };
    match kind {
        "numeric" => numeric(object, answer),
        "choice" => choice(object, answer),
        "exact" => exact(answer),
        "judged" => Ok(Key::Judged {
            reference: text_of(object, "answer")?,
        }),
        other => Err(format!(
            "there is no kind \"{other}\": it is numeric, choice, exact or judged"
        )),
    }
}

/// The kind of a question of somebody else's shape.
fn guessed_kind(object: &Map<String, Value>, answer: &Value) -> Result<&'static str, String> {
    if object.contains_key("choices") {
        return Ok("choice");
    }
    match answer {
        Value::Number(_) => Ok("numeric"),
        Value::String(text) if text.contains("####") => Ok("numeric"),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err("say what it is: \"kind\" numeric, choice, exact or judged".to_owned())
        }
    }
}

fn numeric(object: &Map<String, Value>, answer: &Value) -> Result<Key, String> {
    let value = match answer {
        Value::Number(number) => Number::of_json(number),
        // GSM8K's answers are worked out; the number stands behind the last mark.
        Value::String(text) => Number::read(
            text.rsplit_once("####")
                .map_or(text.as_str(), |(_, last)| last),
        ),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let value = value.ok_or_else(|| format!("the answer {answer} is not one number"))?;
    let tolerance = match object.get("tolerance") {
        None | Some(Value::Null) => None,
        Some(given) => Some(
            given
                .as_f64()
                .filter(|most| *most >= 0.0)
                .ok_or("\"tolerance\" must be a number that is not negative")?,
        ),
    };
    Ok(Key::Numeric { value, tolerance })
}

fn choice(object: &Map<String, Value>, answer: &Value) -> Result<Key, String> {
    let options = texts(object.get("choices")).ok_or("\"choices\" must be a list of texts")?;
    if !(2..=MAX_OPTIONS).contains(&options.len()) {
        let help = format!("there must be 2 to {MAX_OPTIONS} choices");
        return Err(help);
    }
    let right = match answer {
        Value::Number(index) => index
            .as_u64()
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at < options.len())
            .ok_or_else(|| format!("there is no choice {index}: they count from 0"))?,
        Value::String(said) => option_of(&options, said).ok_or_else(|| {
            format!("the answer \"{said}\" is not one of the choices: write its letter or its index from 0")
        })?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err("the answer must be a choice's letter or its index from 0".to_owned());
        }
    };
    Ok(Key::Choice { options, right })
}

fn exact(answer: &Value) -> Result<Key, String> {
    let accepted = match answer {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            texts(Some(&Value::Array(vec![answer.clone()])))
        }
        Value::Array(_) => texts(Some(answer)),
        Value::Null | Value::Object(_) => None,
    };
    let accepted = accepted.filter(|texts| !texts.is_empty());
    accepted
        .map(|accepted| Key::Exact { accepted })
        .ok_or_else(|| "the answer must be a text, or a list of its spellings".to_owned())
}

fn facts(value: Option<&Value>) -> Result<Vec<Document>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(Vec::new());
    };
    let texts = texts(Some(value)).ok_or("\"facts\" must be a list of texts")?;
    let documents = texts.into_iter().enumerate().map(|(at, text)| Document {
        title: format!("Text {}", at + 1),
        text,
    });
    Ok(documents.collect())
}

fn secrets(value: Option<&Value>) -> Result<BTreeMap<String, Document>, String> {
    let wrong = || "\"secrets\" must be an object of texts".to_owned();
    let members = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(value) => value.as_object().ok_or_else(wrong)?,
    };
    let secret = |(name, text): (&String, &Value)| {
        let text = text.as_str().filter(|text| !text.trim().is_empty());
        let document = Document {
            title: name.clone(),
            text: text.ok_or_else(wrong)?.to_owned(),
        };
        Ok((name.clone(), document))
    };
    members.iter().map(secret).collect()
}

/// A list of texts; numbers are taken as they are written. `None` when it is none, or an item is empty.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let items = value?.as_array()?.iter();
    items
        .map(|item| match item {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect()
}
