//! JSON that satisfies a schema, for callers that ask a demo model for structure.

use serde_json::Map;
use serde_json::Value;

use super::bank::Move;
use super::compose;
use super::compose::LABEL;
use super::dice::Dice;
use super::prompt::Brief;
use super::prompt::Form;
use super::prompt::Side;

/// Deepest nesting that is followed: a schema may refer to itself.
const MAX_DEPTH: usize = 12;
/// Most points that are given out one by one; what is above goes to one choice.
const MAX_POINTS: u64 = 10_000;

/// Builds a value of the schema.
pub(super) fn instance(schema: &Value, brief: &Brief, dice: &mut Dice) -> Value {
    Maker {
        root: schema,
        brief,
        dice,
    }
    .value(schema, "", 0)
}

/// An object for callers that ask for JSON without saying which.
pub(super) fn some_object(brief: &Brief, dice: &mut Dice) -> Value {
    let mut object = Map::new();
    let reason = compose::sentence(Move::Reason, brief, dice);
    object.insert("answer".to_owned(), Value::from(answer(brief, dice)));
    object.insert("reason".to_owned(), Value::from(reason));
    Value::Object(object)
}

struct Maker<'a> {
    root: &'a Value,
    brief: &'a Brief,
    dice: &'a mut Dice,
}

impl Maker<'_> {
    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.choice(choices);
        }
        if let Some(target) = self.referred(schema) {
            return self.value(&target, name, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(first) = schema.get(key).and_then(first_not_null) {
                return self.value(&first, name, depth + 1);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.value(&merged(parts), name, depth + 1);
        }
        match kind_of(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "boolean" => Value::Bool(self.dice.roll(2) == 0),
            "integer" => Value::from(number(schema, self.dice).round() as i64),
            "number" => Value::from(number(schema, self.dice)),
            "null" => Value::Null,
            _ => Value::from(self.text(schema, name)),
        }
    }

    /// One of the choices; a decision is preferred to a draw, since it is the better show.
    fn choice(&mut self, choices: &[Value]) -> Value {
        const DRAWS: [&str; 6] = ["tie", "draw", "undecided", "unclear", "none", "neither"];
        let decided: Vec<&Value> = choices
            .iter()
            .filter(|choice| !choice.as_str().is_some_and(|text| DRAWS.contains(&text)))
            .collect();
        let all: Vec<&Value> = choices.iter().collect();
        let offered = if decided.is_empty() { all } else { decided };
        let mut offered = offered;
        offered.sort_by_key(ToString::to_string);
        match offered.is_empty() {
            true => Value::Null,
            false => offered[self.brief.leaning % offered.len()].clone(),
        }
    }

    /// Follows `$ref` inside the document.
    fn referred(&self, schema: &Value) -> Option<Value> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer).cloned()
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut object = Map::new();
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return Value::Object(object);
        };
        if let Some(sum) = told_sum(properties) {
            return self.points(properties, sum);
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, property) in properties {
            // What may be left out is left out where nesting could go on for ever.
            if depth < 4 || required.contains(&name.as_str()) {
                let value = self.value(property, name, depth + 1);
                object.insert(name.clone(), value);
            }
        }
        Value::Object(object)
    }

    /// Gives out points that make the sum, the first half of them to one of the properties.
    fn points(&mut self, properties: &Map<String, Value>, sum: u64) -> Value {
        let mut given = vec![0; properties.len()];
        let mut left = sum.min(MAX_POINTS);
        given[self.dice.roll(properties.len())] = sum - left / 2;
        left /= 2;
        while left > 0 {
            given[self.dice.roll(properties.len())] += 1;
            left -= 1;
        }
        let names = properties.keys().cloned();
        Value::Object(names.zip(given.into_iter().map(Value::from)).collect())
    }

    /// The choices that a list is told to hold each once, in some order, or a few of those that it may hold.
    fn chosen(&mut self, schema: &Value) -> Option<Value> {
        let told = schema.get("description")?.as_str()?;
        let mut left = schema.get("items")?.get("enum")?.as_array()?.clone();
        let wanted = if told.contains("each exactly once") {
            left.len()
        } else if told.contains("each at most once") {
            left.len().div_ceil(2)
        } else {
            return None;
        };
        let mut made = Vec::new();
        while made.len() < wanted && !left.is_empty() {
            made.push(left.swap_remove(self.dice.roll(left.len())));
        }
        Some(Value::Array(made))
    }

    fn array(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(chosen) = self.chosen(schema) {
            return chosen;
        }
        let bound = |key| schema.get(key).and_then(Value::as_u64);
        let least = bound("minItems").unwrap_or(0).min(64);
        let most = bound("maxItems").unwrap_or(least.max(2)).max(least).min(64);
        let wanted = least.max(2).min(most);
        let any = Value::Null;
        let items = schema.get("items").unwrap_or(&any);
        let mut made: Vec<Value> = (0..wanted)
            .map(|_| self.value(items, name, depth + 1))
            .collect();
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            make_distinct(&mut made, items, least as usize);
        }
        Value::Array(made)
    }

    fn text(&mut self, schema: &Value, name: &str) -> String {
        let name = name.to_lowercase();
        let means = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let text = if means(&["answer", "position", "stance", "conclusion", "choice"]) {
            answer(self.brief, self.dice)
        } else if means(&["summary", "recap"]) {
            compose::sentence(Move::Recap, self.brief, self.dice)
        } else if means(&["question"]) {
            compose::sentence(Move::Ask, self.brief, self.dice)
        } else if means(&["dissent", "weak", "concede", "objection", "con"]) {
            compose::sentence(Move::Concede, self.brief, self.dice)
        } else if means(&["name", "label", "title", "id"]) {
            format!(
                "{LABEL} {}",
                self.dice.pick(&["alder", "birch", "cedar", "elm", "hazel"])
            )
        } else if means(&["reason", "why", "rationale", "explanation", "verdict"]) {
            compose::sentence(Move::Rule, self.brief, self.dice)
        } else {
            compose::sentence(Move::Reason, self.brief, self.dice)
        };
        fitted(text, schema)
    }
}

/// Leaves each value once; where the least number needs more, the choices not yet taken fill up.
fn make_distinct(made: &mut Vec<Value>, items: &Value, least: usize) {
    let mut seen: Vec<Value> = Vec::new();
    made.retain(|value| {
        let new = !seen.contains(value);
        if new {
            seen.push(value.clone());
        }
        new
    });
    let choices = items.get("enum").and_then(Value::as_array);
    for choice in choices.into_iter().flatten() {
        if made.len() < least && !made.contains(choice) {
            made.push(choice.clone());
        }
    }
}

/// The sum that an object's numbers are told to make.
fn told_sum(properties: &Map<String, Value>) -> Option<u64> {
    let told = properties.values().next()?.get("description")?.as_str()?;
    let (_, sum) = told.rsplit_once("all together make ")?;
    sum.trim_end_matches('.').parse().ok()
}

/// The answer to the question: one of its options or a number where the prompt asks for that, else a position.
pub(super) fn answer(brief: &Brief, dice: &mut Dice) -> String {
    match &brief.form {
        Form::Free => held(brief).to_owned(),
        Form::OneOf(choices) if choices.is_empty() => held(brief).to_owned(),
        Form::OneOf(choices) => choices[dice.roll(choices.len())].clone(),
        Form::Number => dice.between(1, 12).to_string(),
    }
}

/// The position of who answers: its side's, or, without a side, the one that was named most before, so that a debate
/// of demo models comes to something.
fn held(brief: &Brief) -> &'static str {
    let own = position(brief.side);
    if brief.sided {
        return own;
    }
    let named = |side: &Side| brief.said.matches(position(*side)).count();
    let most = [Side::Neither, Side::Against, Side::For]
        .into_iter()
        .max_by_key(named);
    most.filter(|side| named(side) > 0).map_or(own, position)
}

fn position(side: Side) -> &'static str {
    match side {
        Side::For => "[demo] yes, with a review written into the plan",
        Side::Against => "[demo] no, not in this form",
        Side::Neither => "[demo] a bounded trial first",
    }
}

fn fitted(mut text: String, schema: &Value) -> String {
    let bound = |key| schema.get(key).and_then(Value::as_u64);
    if let Some(most) = bound("maxLength") {
        text = text
            .chars()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect();
    }
    let least = bound("minLength").unwrap_or(0).min(10_000);
    while (text.chars().count() as u64) < least {
        text.push('.');
    }
    text
}

/// A number of the schema's range, 0 to 10 where it names none; whole unless the range is narrow.
fn number(schema: &Value, dice: &mut Dice) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = match kind_of(schema) {
        "integer" => 1.0,
        _ => 0.01,
    };
    let low = bound("minimum").or(bound("exclusiveMinimum").map(|low| low + step));
    let high = bound("maximum").or(bound("exclusiveMaximum").map(|high| high - step));
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high.max(low)),
        (Some(low), None) => (low, low + 10.0),
        (None, Some(high)) => (high - 10.0, high),
        (None, None) => (0.0, 10.0),
    };
    // The upper half: scores and confidences of a demo are friendly.
    let share = 0.5 + dice.between(0, 100) as f64 / 200.0;
    let raw = low + (high - low) * share;
    let grain = if high - low > 2.0 || step == 1.0 {
        1.0
    } else {
        100.0
    };
    ((raw * grain).round() / grain).clamp(low, high)
}

fn kind_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        _ => None,
    };
    named.unwrap_or_else(|| {
        let has = |key| schema.get(key).is_some();
        if has("properties") {
            "object"
        } else if has("items") {
            "array"
        } else if has("minimum") || has("maximum") {
            "number"
        } else {
            "string"
        }
    })
}

fn first_not_null(options: &Value) -> Option<Value> {
    options
        .as_array()?
        .iter()
        .find(|option| option.get("type").and_then(Value::as_str) != Some("null"))
        .cloned()
}

/// Puts object schemas together, as `allOf` of objects is mostly used.
fn merged(parts: &[Value]) -> Value {
    let mut whole = Map::new();
    for (key, value) in parts.iter().filter_map(Value::as_object).flatten() {
        match (whole.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(more)) => mine.extend(more.clone()),
            (Some(Value::Array(mine)), Value::Array(more)) => mine.extend(more.iter().cloned()),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::dice::Dice;
    use super::super::prompt;
    use super::*;
    use crate::types::Chat;

    fn made(schema: &Value, seed: u8) -> Value {
        let brief = prompt::read(&Chat::default(), Side::For, false);
        instance(schema, &brief, &mut Dice::new([seed; 32]))
    }

    #[test]
    fn a_verdict_of_any_seed_satisfies_its_schema() {
        let schema = json!({
            "type": "object",
            "required": ["winner", "margin", "confidence", "scores", "reason", "sound"],
            "properties": {
                "winner": { "enum": ["pro", "con", "tie"] },
                "margin": { "type": "integer", "minimum": 0, "maximum": 3 },
                "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
                "scores": { "type": "object", "required": ["clash"],
                    "properties": { "clash": { "type": "number", "exclusiveMinimum": 2, "maximum": 10 } } },
                "reason": { "type": "string", "maxLength": 60 },
                "sound": { "type": "boolean" },
                "tags": { "type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": true,
                    "items": { "enum": ["a", "b"] } },
            },
        });
        for seed in 0..64 {
            let value = made(&schema, seed);
            assert!(["pro", "con"].contains(&value["winner"].as_str().unwrap()));
            assert!((0..=3).contains(&value["margin"].as_i64().unwrap()));
            assert!((0.0..=1.0).contains(&value["confidence"].as_f64().unwrap()));
            let clash = value["scores"]["clash"].as_f64().unwrap();
            assert!(clash > 2.0 && clash <= 10.0, "{clash}");
            let reason = value["reason"].as_str().unwrap();
            assert!(reason.starts_with("[demo] ") && reason.chars().count() <= 60);
            assert!(value["sound"].is_boolean());
            assert_eq!(value["tags"].as_array().unwrap().len(), 2);
            assert_ne!(value["tags"][0], value["tags"][1]);
        }
    }

    #[test]
    fn points_make_their_sum_and_a_ranking_holds_each_choice_once() {
        let points = json!({"type": "integer", "description": "a whole number of points; all together make 10"});
        let list = |told: &str| json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "description": told});
        let schema = json!({"type": "object", "properties": {
            "points": {"type": "object", "properties": {"a": points, "b": points, "c": points}},
            "ranking": list("each exactly once, best first"),
            "approved": list("each at most once; may be empty"),
        }});
        for seed in 0..64 {
            let value = made(&schema, seed);
            let given = value["points"].as_object().unwrap();
            let sum: u64 = given.values().map(|it| it.as_u64().unwrap()).sum();
            assert_eq!((given.len(), sum), (3, 10), "{value}");
            let mut ranked = value["ranking"].as_array().unwrap().clone();
            ranked.sort_by_key(ToString::to_string);
            assert_eq!(ranked, ["a", "b", "c"], "{value}");
            let mut approved = value["approved"].as_array().unwrap().clone();
            let all = approved.len();
            approved.sort_by_key(ToString::to_string);
            approved.dedup();
            assert_eq!((all, approved.len()), (2, 2), "{value}");
        }
    }

    #[test]
    fn references_and_alternatives_are_followed_and_an_endless_schema_ends() {
        let schema = json!({
            "$ref": "#/$defs/node",
            "$defs": { "node": { "type": "object", "required": ["next"], "properties": {
                "next": { "$ref": "#/$defs/node" },
                "note": { "anyOf": [{ "type": "null" }, { "const": "here" }] },
            } } },
        });
        let value = made(&schema, 1);
        assert_eq!(value["note"], "here");
        assert_eq!(value["next"]["note"], "here");
    }
}
