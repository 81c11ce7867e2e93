//! Where the members of a JSON object stand in its text, without reading what is in them.
//!
//! A gateway has to know a handful of members of a request (`model`, `stream`) and passes the rest on as it came. One
//! pass over the text finds them all; long texts are skipped by their quotes. What is inside a value is not checked:
//! whoever reads it does.

use std::borrow::Cow;
use std::ops::Range;

/// Most members that an object may have here: requests have about thirty.
const MOST_MEMBERS: usize = 256;

/// Words of eight bytes of a text that are looked at one after the other.
const SHORT: usize = 3;

/// The members of a JSON object, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopLevel {
    members: Vec<Member>,
    /// Where the closing brace stands.
    end: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    /// The name without its quotes.
    name: Range<u32>,
    /// The value without blanks around it.
    value: Range<u32>,
}

/// Says why a text is not a JSON object, and at which byte that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object: {what} at byte {at}")]
pub struct NotAnObject {
    what: &'static str,
    at: usize,
}

impl TopLevel {
    /// Finds the members of the object that a text holds.
    ///
    /// # Errors
    /// When the text is not one whole object, as far as its quotes, braces, commas and colons tell.
    pub fn read(text: &[u8]) -> Result<Self, NotAnObject> {
        let mut scan = Scan { text, at: 0 };
        if u32::try_from(text.len()).is_err() {
            return Err(scan.wrong("longer than 4 GiB"));
        }
        scan.expect(b'{', "no opening brace")?;
        let mut members = Vec::with_capacity(16);
        if scan.peek() != Some(b'}') {
            loop {
                members.push(scan.member()?);
                if members.len() > MOST_MEMBERS {
                    return Err(scan.wrong("more members than any request has"));
                }
                match scan.peek() {
                    Some(b',') => scan.at += 1,
                    Some(b'}') => break,
                    Some(_) => return Err(scan.wrong("no comma between members")),
                    None => return Err(scan.wrong("an object without end")),
                }
            }
        }
        let end = place(scan.at);
        scan.at += 1;
        match scan.peek() {
            None => Ok(Self { members, end }),
            Some(_) => Err(scan.wrong("something behind the object")),
        }
    }

    /// Where a member's value stands in the text; of several of one name, the last, as JSON readers have it.
    pub fn place(&self, text: &[u8], name: &str) -> Option<Range<usize>> {
        let mut members = self.members.iter().rev();
        let found = members.find(|member| slice(text, &member.name) == name.as_bytes())?;
        Some(found.value.start as usize..found.value.end as usize)
    }

    /// A member's value as it is written.
    pub fn value<'a>(&self, text: &'a [u8], name: &str) -> Option<&'a [u8]> {
        text.get(self.place(text, name)?)
    }

    /// A member that is a text.
    pub fn text<'a>(&self, text: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
        unquoted(self.value(text, name)?)
    }

    /// A member that is `true` or `false`.
    pub fn flag(&self, text: &[u8], name: &str) -> Option<bool> {
        match self.value(text, name)? {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The names and values of all members, in the order of the text.
    pub fn iter<'a>(&self, text: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.members
            .iter()
            .map(move |member| (slice(text, &member.name), slice(text, &member.value)))
    }

    /// Where the object's closing brace stands.
    pub fn end(&self) -> usize {
        self.end as usize
    }

    /// `true` when there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Where a member stands from its opening quote to the end of its value.
    pub fn whole_place(&self, text: &[u8], name: &str) -> Option<Range<usize>> {
        let mut members = self.members.iter().rev();
        let found = members.find(|member| slice(text, &member.name) == name.as_bytes())?;
        Some(found.name.start as usize - 1..found.value.end as usize)
    }
}

/// A JSON text without its quotes, with its escapes resolved; `None` when it is none.
fn unquoted(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(value).ok().map(Cow::Owned)
}

fn slice<'a>(text: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    text.get(range.start as usize..range.end as usize)
        .unwrap_or_default()
}

/// Which of eight bytes, in the order of the text, is the first quote or backslash.
fn first_quote_or_escape(word: u64) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The lowest bit that is set marks a byte of zero; those above it may be wrong.
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes & HIGHS;
    let quotes = zeros(word ^ (ONES * u64::from(b'"')));
    let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
    let found = quotes | escapes;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

/// The text's length was checked to fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "texts of more than 4 GiB are refused before a place is taken"
)]
fn place(at: usize) -> u32 {
    at as u32
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn wrong(&self, what: &'static str) -> NotAnObject {
        NotAnObject { what, at: self.at }
    }

    /// The next byte that is no blank; the scan stands at it.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self, wanted: u8, what: &'static str) -> Result<(), NotAnObject> {
        match self.peek() {
            Some(byte) if byte == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(_) | None => Err(self.wrong(what)),
        }
    }

    fn member(&mut self) -> Result<Member, NotAnObject> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("no name of a member"));
        }
        let start = self.at + 1;
        self.skip_text()?;
        let name = place(start)..place(self.at - 1);
        self.expect(b':', "no colon behind a name")?;
        self.peek();
        let start = self.at;
        self.skip_value()?;
        let value = place(start)..place(self.at);
        Ok(Member { name, value })
    }

    /// Goes behind the text whose opening quote the scan stands at.
    fn skip_text(&mut self) -> Result<(), NotAnObject> {
        self.at += 1;
        // Names and most values are shorter than it takes to start the search below.
        for _ in 0..SHORT {
            let Some(word) = self.text[self.at..].first_chunk() else {
                break;
            };
            match first_quote_or_escape(u64::from_le_bytes(*word)) {
                Some(found) if word[found] == b'"' => {
                    self.at += found + 1;
                    return Ok(());
                }
                Some(found) => {
                    self.at += found;
                    break;
                }
                None => self.at += word.len(),
            }
        }
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest[found] == b'"' => {
                    self.at += found + 1;
                    return Ok(());
                }
                Some(found) => self.at += found + 2,
                None => return Err(self.wrong("a text without end")),
            }
        }
    }

    fn skip_value(&mut self) -> Result<(), NotAnObject> {
        match self.text.get(self.at) {
            Some(b'"') => self.skip_text(),
            Some(b'{' | b'[') => self.skip_nested(),
            Some(_) => self.skip_word(),
            None => Err(self.wrong("a member without value")),
        }
    }

    /// Goes behind a number, `true`, `false` or `null`.
    fn skip_word(&mut self) -> Result<(), NotAnObject> {
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.wrong("a member without value")),
        }
    }

    /// Goes behind an object or a list: only quotes and brackets count, and they are only counted.
    fn skip_nested(&mut self) -> Result<(), NotAnObject> {
        let mut depth = 0_u32;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.skip_text()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return Err(self.wrong("an object or list without end")),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;
    use serde_json::Value;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            "[\"\\\\{}\\[\\],: \n]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let objects = prop::collection::btree_map(".{0,6}", inner.clone(), 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect()));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                objects
            ]
        })
    }

    proptest! {
        #[test]
        fn every_member_of_any_object_is_found_as_it_is_written(
            members in prop::collection::btree_map("[a-z_\"\\\\é]{0,8}", any_json(), 0..6),
            pretty: bool,
        ) {
            let object: Map<String, Value> = members.into_iter().collect();
            let text = match pretty {
                true => serde_json::to_string_pretty(&object).unwrap(),
                false => serde_json::to_string(&object).unwrap(),
            };
            let found = TopLevel::read(text.as_bytes()).unwrap();
            prop_assert_eq!(found.iter(text.as_bytes()).count(), object.len());
            for ((name, value), (wanted, in_it)) in found.iter(text.as_bytes()).zip(&object) {
                let quoted = [b"\"", name, b"\""].concat();
                prop_assert_eq!(&serde_json::from_slice::<String>(&quoted).unwrap(), wanted);
                prop_assert_eq!(&serde_json::from_slice::<Value>(value).unwrap(), in_it);
            }
            prop_assert_eq!(text.as_bytes()[found.end()], b'}');
        }

        #[test]
        fn no_bytes_make_it_panic_and_no_part_of_an_object_passes_for_one(
            bytes in prop::collection::vec(any::<u8>(), 0..64), cut in 0_usize..40,
        ) {
            let _ = TopLevel::read(&bytes);
            let text = br#" {"model": "a\"b", "n": [1, {"x": "}"}], "s": true } "#;
            let part = &text[..cut.min(text.len() - 3)];
            prop_assert!(TopLevel::read(part).is_err());
        }
    }

    #[test]
    fn values_are_told_by_kind_and_the_last_of_one_name_counts() {
        let text = br#"{"model":"a","stream":true,"model":"b\u0041\n","n":1}"#;
        let found = TopLevel::read(text).unwrap();
        assert_eq!(found.text(text, "model").unwrap(), "bA\n");
        assert_eq!(found.flag(text, "stream"), Some(true));
        assert_eq!(found.flag(text, "n"), None);
        assert_eq!(found.value(text, "n").unwrap(), b"1");
        assert_eq!(found.value(text, "m"), None);
        let whole = found.whole_place(text, "stream").unwrap();
        assert_eq!(&text[whole], br#""stream":true"#);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, wanted) in [
            ("[1]", "no opening brace at byte 0"),
            ("{\"a\":1,}", "no name of a member at byte 7"),
            ("{\"a\" 1}", "no colon behind a name at byte 5"),
            ("{\"a\":}", "a member without value at byte 5"),
            ("{\"a\":1} x", "something behind the object at byte 8"),
            ("{\"a\":\"x", "a text without end"),
        ] {
            let error = TopLevel::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
