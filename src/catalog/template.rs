//! Texts with places that the environment, or a model's name, fills: `https://${AWS_REGION}.example/{model}`.

use std::collections::BTreeMap;
use std::fmt;

/// A text with places to be filled when a call is made.
///
/// `${NAME}` is a variable that has to be set, `${NAME|OTHER}` the first of several that is, `${NAME:-text}`
/// one with a default, and `{model}` the model's id, encoded as one segment of a path. Any other `{name}` is
/// one of the file's own `[places]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable {
        /// At least one.
        names: Vec<String>,
        default: Option<String>,
    },
    Model,
}

/// Texts that a file gives a name, to be written as `{name}` in others.
pub(super) type Places = BTreeMap<String, Template>;

/// Variables of which one has to be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("set {}", .0.join(" or "))]
pub struct MissingVariable(pub Vec<String>);

impl Template {
    /// Reads a text in which these places are known by name.
    ///
    /// # Errors
    /// What is wrong with it, in words for the one who wrote it.
    pub(super) fn parse(text: &str, places: &Places) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, inside) = match rest[..at].strip_suffix('$') {
                Some(before) => (before, &rest[at + 1..]),
                None => (&rest[..at], &rest[at + 1..]),
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let end = inside.find('}').filter(|_| rest[at..].starts_with('{'));
            let end = end.ok_or_else(|| format!("\"{text}\" has a brace without its other one"))?;
            let name = &inside[..end];
            match places.get(name) {
                _ if rest[..at].ends_with('$') => pieces.push(variable(name)?),
                _ if name == "model" => pieces.push(Piece::Model),
                Some(place) => pieces.extend_from_slice(&place.pieces),
                None => {
                    return Err(format!(
                        "{{{name}}} is neither {{model}} nor one of [places]"
                    ));
                }
            }
            rest = &inside[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// Fills every place; a variable that is blank counts as not set.
    ///
    /// # Errors
    /// The first place whose variables are all unset.
    pub fn fill(
        &self,
        env: &impl Fn(&str) -> Option<String>,
        model: &str,
    ) -> Result<String, MissingVariable> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable { names, default } => {
                    let value = value(names, default.as_deref(), env)?;
                    // DATABRICKS_HOST and its like are set with a scheme as often as without.
                    let host = value.split_once("://").map(|(_, host)| host);
                    match host.filter(|_| filled.ends_with("://")) {
                        Some(host) => filled.push_str(host.trim_end_matches('/')),
                        None => filled.push_str(&value),
                    }
                }
                Piece::Model => filled.push_str(&path_segment(model)),
            }
        }
        Ok(filled)
    }

    /// What stands in the first place that a variable fills; `None` when there is none, or it is not set.
    pub(super) fn first_value(&self, env: &impl Fn(&str) -> Option<String>) -> Option<String> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Variable { names, default } => value(names, default.as_deref(), env).ok(),
            Piece::Text(_) | Piece::Model => None,
        })
    }

    /// `true` when `{model}` stands in it.
    pub(super) fn names_model(&self) -> bool {
        self.pieces.contains(&Piece::Model)
    }

    /// The text with a letter in every place, to be checked for its form.
    pub(super) fn example(&self) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Variable { .. } | Piece::Model => "x",
        });
        pieces.collect()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Variable {
                names,
                default: None,
            } => write!(f, "${{{}}}", names.join("|")),
            Piece::Variable {
                names,
                default: Some(default),
            } => {
                write!(f, "${{{}:-{default}}}", names.join("|"))
            }
            Piece::Model => f.write_str("{model}"),
        })
    }
}

fn variable(inside: &str) -> Result<Piece, String> {
    let (names, default) = match inside.split_once(":-") {
        Some((names, default)) => (names, Some(default.to_owned())),
        None => (inside, None),
    };
    let names: Vec<String> = names.split('|').map(str::to_owned).collect();
    match names.iter().find(|name| !is_variable(name)) {
        Some(name) => Err(format!(
            "\"{name}\" is not the name of an environment variable"
        )),
        None => Ok(Piece::Variable { names, default }),
    }
}

fn value(
    names: &[String],
    default: Option<&str>,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<String, MissingVariable> {
    let set = names.iter().filter_map(|name| env(name));
    let mut set = set.map(|value| value.trim().to_owned());
    let found = set.find(|value| !value.is_empty());
    found
        .or_else(|| default.map(str::to_owned))
        .ok_or_else(|| MissingVariable(names.to_vec()))
}

/// `true` for what an environment variable is called by custom.
pub(super) fn is_variable(name: &str) -> bool {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.chars().all(usual)
}

/// A text as one segment of a path. Vertex AI's ids hold an `@`, which a path may.
fn path_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "REGION" => Some("eu-west-1".to_owned()),
            "HOST" => Some("https://adb-1.example/".to_owned()),
            "BLANK" => Some("  ".to_owned()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Template, String> {
        let region = Template::parse("${REGION:-nowhere}", &Places::new()).unwrap();
        Template::parse(text, &Places::from([("region".to_owned(), region)]))
    }

    fn fill(text: &str) -> Result<String, MissingVariable> {
        parse(text).unwrap().fill(&env, "a/b:c@1")
    }

    #[test]
    fn places_are_filled_from_the_first_variable_that_is_set_else_the_default() {
        assert_eq!(
            fill("https://${REGION}.x"),
            Ok("https://eu-west-1.x".to_owned())
        );
        assert_eq!(fill("${BLANK|REGION:-no}/y"), Ok("eu-west-1/y".to_owned()));
        assert_eq!(
            fill("https://${HOST}/v1"),
            Ok("https://adb-1.example/v1".to_owned())
        );
        assert_eq!(fill("/{region}/x"), Ok("/eu-west-1/x".to_owned()));
        assert_eq!(fill("${BLANK:-us}$"), Ok("us$".to_owned()));
        assert_eq!(fill("/m/{model}:go"), Ok("/m/a%2Fb%3Ac@1:go".to_owned()));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let missing = fill("${BLANK|OTHER}").unwrap_err();
        assert_eq!(missing.to_string(), "set BLANK or OTHER");
    }

    #[test]
    fn what_is_no_place_is_told() {
        for text in ["${lower}", "${A", "{nodel}", "a}", "${}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_shown_as_it_was_written() {
        let text = "https://${A|B:-c}.x/{model}";
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}
