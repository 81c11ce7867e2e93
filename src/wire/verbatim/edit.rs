//! Changing a few members of a request's body and leaving every other byte as it is.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;

use crate::types::TopLevel;

/// What has to be changed in a body on its way to an upstream of the same wire.
#[derive(Debug, Clone, Default)]
pub struct Edits<'a> {
    /// Members that get another value, or are added: name and JSON.
    pub set: Vec<(Cow<'a, str>, Cow<'a, [u8]>)>,
    /// Members that are added where the caller names none: name and JSON.
    pub default: Vec<(Cow<'a, str>, Cow<'a, [u8]>)>,
    /// Members that get another name.
    pub rename: Vec<(&'a str, &'a str)>,
    /// Members that are left out.
    pub remove: Vec<&'a str>,
}

impl<'a> Edits<'a> {
    /// Gives a member a value, unless it has that value already.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, json: impl Into<Cow<'a, [u8]>>) {
        self.set.push((name.into(), json.into()));
    }
}

/// What one edit does to the members that are there.
enum Fate<'a> {
    Keep,
    Name(&'a str),
    Value(&'a [u8]),
    Gone,
}

/// Makes the edits. A body that they do not change is handed back without a copy.
pub fn edited(body: &Bytes, members: &TopLevel, edits: &Edits<'_>) -> Bytes {
    let absent = |name: &str| members.place(body, name).is_none();
    let changes_some = members
        .iter(body)
        .any(|(name, value)| !matches!(edits.fate(name, value), Fate::Keep));
    let added = edits
        .set
        .iter()
        .chain(&edits.default)
        .filter(|(name, _)| absent(name) && !edits.renames_to(name, &absent));
    if !changes_some && added.clone().next().is_none() {
        return body.clone();
    }
    let mut out = Vec::with_capacity(body.len() + 256);
    out.push(b'{');
    for (name, value) in members.iter(body) {
        match edits.fate(name, value) {
            Fate::Keep => member(&mut out, name, value),
            Fate::Name(other) => member(&mut out, other.as_bytes(), value),
            Fate::Value(other) => member(&mut out, name, other),
            Fate::Gone => {}
        }
    }
    for (name, value) in added {
        member(&mut out, name.as_bytes(), value);
    }
    out.push(b'}');
    out.into()
}

/// A body of ours with members that are added to it, whatever it has under these names.
pub fn with_members(body: &Bytes, extra: &Map<String, Value>) -> Bytes {
    let Some(members) = (!extra.is_empty())
        .then(|| TopLevel::read(body).ok())
        .flatten()
    else {
        return body.clone();
    };
    let mut edits = Edits::default();
    for (name, value) in extra {
        edits.set(name.as_str(), value.to_string().into_bytes());
    }
    edited(body, &members, &edits)
}

fn member(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if out.len() > 1 {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
}

impl Edits<'_> {
    fn fate(&self, name: &[u8], value: &[u8]) -> Fate<'_> {
        if self.remove.iter().any(|gone| gone.as_bytes() == name) {
            return Fate::Gone;
        }
        if let Some((_, json)) = self.set.iter().find(|(set, _)| set.as_bytes() == name) {
            return match **json == *value {
                true => Fate::Keep,
                false => Fate::Value(json),
            };
        }
        let renamed = self.rename.iter().find(|(from, _)| from.as_bytes() == name);
        renamed.map_or(Fate::Keep, |(_, to)| Fate::Name(to))
    }

    /// `true` when a member that is there gets this name.
    fn renames_to(&self, name: &str, absent: &impl Fn(&str) -> bool) -> bool {
        let mut renamed = self.rename.iter();
        renamed.any(|(from, to)| *to == name && !absent(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &'static str, edits: &Edits<'_>) -> String {
        let body = Bytes::from_static(text.as_bytes());
        let members = TopLevel::read(&body).unwrap();
        String::from_utf8(edited(&body, &members, edits).to_vec()).unwrap()
    }

    #[test]
    fn what_is_not_edited_keeps_every_byte() {
        let text = r#"{ "model" : "a", "messages": [ {"role":"user" , "content":"x \u00e9"} ], "odd":1e-7}"#;
        let mut edits = Edits::default();
        edits.set("model", br#""b""#.as_slice());
        let wanted =
            r#"{"model":"b","messages":[ {"role":"user" , "content":"x \u00e9"} ],"odd":1e-7}"#;
        assert_eq!(edit(text, &edits), wanted);
    }

    #[test]
    fn a_body_that_needs_no_edit_is_the_same_bytes() {
        let body = Bytes::from_static(br#"{"model":"a"}"#);
        let members = TopLevel::read(&body).unwrap();
        let mut edits = Edits::default();
        edits.set("model", br#""a""#.as_slice());
        edits.rename.push(("max_tokens", "max_completion_tokens"));
        edits.remove.push("seed");
        assert_eq!(edited(&body, &members, &edits).as_ptr(), body.as_ptr());
    }

    #[test]
    fn members_are_set_added_renamed_and_removed() {
        let mut edits = Edits::default();
        edits.set("stream_options", br#"{"include_usage":true}"#.as_slice());
        edits
            .default
            .push(("temperature".into(), br"0.2".as_slice().into()));
        edits
            .default
            .push(("top_p".into(), br"1".as_slice().into()));
        edits
            .default
            .push(("max_completion_tokens".into(), br"9".as_slice().into()));
        edits.rename.push(("max_tokens", "max_completion_tokens"));
        edits.remove.push("seed");
        let text = r#"{"seed":1,"max_tokens":5,"top_p":0.5}"#;
        let wanted = r#"{"max_completion_tokens":5,"top_p":0.5,"stream_options":{"include_usage":true},"temperature":0.2}"#;
        assert_eq!(edit(text, &edits), wanted);
        assert_eq!(
            edit("{}", &edits),
            r#"{"stream_options":{"include_usage":true},"temperature":0.2,"top_p":1,"max_completion_tokens":9}"#
        );
    }
}
