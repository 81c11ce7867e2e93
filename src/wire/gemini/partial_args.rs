//! Arguments of a call that arrive in pieces, as Vertex AI sends them on request
//! (`streamFunctionCallArguments`; its documentation, read 2026-08).

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Longest list that a path may ask for.
const MAX_ITEMS: usize = 4096;

/// Arguments under way.
#[derive(Debug)]
pub(super) struct PartialArgs {
    /// Which call of the answer they belong to.
    pub(super) index: usize,
    args: Value,
}

impl PartialArgs {
    pub(super) fn new(index: usize, args: Option<&Value>) -> Self {
        let begun = args.filter(|args| args.is_object()).cloned();
        Self {
            index,
            args: begun.unwrap_or_else(|| Value::Object(Map::new())),
        }
    }

    /// Takes the pieces of a `functionCall`. A piece whose path cannot be followed is skipped and named.
    pub(super) fn take(&mut self, call: &Value) -> Result<(), String> {
        let pieces = call.get("partialArgs").and_then(Value::as_array);
        for piece in pieces.into_iter().flatten() {
            let path = piece.get("jsonPath").and_then(Value::as_str);
            let path = path.unwrap_or_default();
            let Some(place) = place(&mut self.args, path) else {
                return Err(format!("partialArgs {path}"));
            };
            match (piece.get("stringValue").and_then(Value::as_str), place) {
                (Some(more), Value::String(text)) => text.push_str(more),
                (Some(text), place) => *place = json!(text),
                (None, place) => {
                    let plain = ["numberValue", "boolValue"].iter();
                    let value = plain.filter_map(|key| piece.get(*key)).next();
                    *place = value.cloned().unwrap_or(Value::Null);
                }
            }
        }
        Ok(())
    }

    /// The arguments as JSON text.
    pub(super) fn into_text(self) -> String {
        self.args.to_string()
    }
}

/// The place that a path such as `$.a.b[0]` or `$['a']` names, made where it is not there yet.
fn place<'a>(root: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let mut rest = path.strip_prefix('$')?;
    let mut place = root;
    while !rest.is_empty() {
        let (step, behind) = step(rest)?;
        rest = behind;
        place = match step {
            Step::Member(name) => {
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                place.as_object_mut()?.entry(name).or_insert(Value::Null)
            }
            Step::Item(index) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                let items = place.as_array_mut()?;
                while items.len() <= index {
                    items.push(Value::Null);
                }
                items.get_mut(index)?
            }
        };
    }
    Some(place)
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn step(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        return (end > 0).then(|| (Step::Member(&rest[..end]), &rest[end..]));
    }
    let rest = path.strip_prefix('[')?;
    for quote in ['\'', '"'] {
        if let Some(rest) = rest.strip_prefix(quote) {
            let (name, rest) = rest.split_once(quote)?;
            return Some((Step::Member(name), rest.strip_prefix(']')?));
        }
    }
    let (index, rest) = rest.split_once(']')?;
    let index = index.parse().ok().filter(|index| *index < MAX_ITEMS)?;
    Some((Step::Item(index), rest))
}
