//! Taking out of a text what tells which model wrote it, for readers that are not to know.
//!
//! Models say who they are ("As Claude, I …"), and readers favour their own kind. Only such words go, and ids of the
//! cast's models, which no text has by chance; what the debate itself is about stays.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::Reader;
use crate::types::ModelName;

/// What stands where a name was.
pub(super) const WITHHELD: &str = "[name withheld]";

/// Families of models, in small letters. Written from the makers' lists of models, read 2026-11-24.
const FAMILIES: [&str; 16] = [
    "chatgpt", "claude", "codex", "deepseek", "gemini", "gemma", "glm", "gpt", "grok", "kimi",
    "llama", "minimax", "mistral", "mixtral", "nemotron", "qwen",
];

/// Families that are words besides: with a version only, as in `Command R` and `Phi-4`.
const FAMILIES_THAT_ARE_WORDS: [&str; 5] = ["command", "granite", "nova", "phi", "sonar"];

/// Who makes models, in small letters.
const MAKERS: [&str; 14] = [
    "alibaba",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "meta",
    "microsoft",
    "mistral",
    "moonshot",
    "nvidia",
    "openai",
    "xai",
    "zhipu",
];

/// A name, with the words that models' names have behind it: `GPT-4o mini`, `Claude Sonnet 4.5`.
const NAME: &str = r"(?<name>[A-Za-z][A-Za-z0-9]*(?:[-.:/][A-Za-z0-9]+)*(?: (?:v?\d[0-9A-Za-z.]*|r\+?|opus|sonnet|haiku|pro|flash|mini|nano|turbo|ultra|large|small|medium|instruct|chat)\b)*)";

/// Somebody says who they are.
static SELF: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = r"(?<says>as|speaking as|this is|call me|i am|i['’]m|my name is|i,)";
    let kind = r"(?:(?:an?|the|ai|large|language|model|assistant|chatbot|called|named)\s+){0,6}";
    Regex::new(&format!(r"(?i)\b{says}\s+{kind}{NAME}")).ok()
});

/// Somebody says who made them.
static MAKER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let whom = r"(?<says>i was|i am|i['’]m|me|ai|assistant|model|chatbot)";
    let kind = r"(?:\s+(?:an?|ai|large|language|model|assistant|chatbot|that|was)){0,5},?";
    let made = r"(?:made|trained|developed|built|created|designed)\s+by";
    Regex::new(&format!(r"(?i)\b{whom}{kind}\s+{made}\s+{NAME}")).ok()
});

impl Reader<'_> {
    /// A text without the names that tell who wrote it.
    pub(super) fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let lower = text.to_lowercase();
        let mut masked = Cow::Borrowed(text);
        hide(&mut masked, |text| self.selves(text, &lower));
        hide(&mut masked, |text| {
            makers(text, &|name| self.is_about(name))
        });
        for id in self.telling_ids(&lower) {
            hide(&mut masked, |text| words(text, &id));
        }
        masked
    }

    /// Where a writer says who it is.
    fn selves(&self, text: &str, lower: &str) -> Vec<(usize, usize)> {
        let mut names = FAMILIES.iter().chain(&FAMILIES_THAT_ARE_WORDS);
        let may_tell = names.any(|name| lower.contains(name))
            || (self.spec.cast.iter()).any(|member| text.contains(&member.name));
        let found = SELF.as_ref().filter(|_| may_tell);
        found.map_or_else(Vec::new, |pattern| {
            spans(pattern, text, &|says, name, behind| {
                // "As Claude Monet saw" is about another Claude.
                let is_own = ["as", "speaking as", "this is"]
                    .iter()
                    .all(|opener| !says.eq_ignore_ascii_case(opener))
                    || goes_on_with_i(behind);
                is_own && self.tells(name)
            })
        })
    }

    /// `true` for a name of a family or of one of the cast, unless the debate is about it.
    fn tells(&self, name: &str) -> bool {
        let mut cast = self.spec.cast.iter();
        if cast.any(|member| member.name == name) {
            return true;
        }
        let lower = name.to_lowercase();
        let versioned = |known: &&&str| behind(&lower, known).is_some_and(|rest| !rest.is_empty());
        let known = FAMILIES
            .iter()
            .find(|known| behind(&lower, known).is_some())
            .or_else(|| FAMILIES_THAT_ARE_WORDS.iter().find(versioned));
        known.is_some_and(|known| !self.is_about(known))
    }

    /// Ids of the cast's models that a text has and that are no word of any language, such as `gpt-5.1` or
    /// `gemma3:12b`; the longest first, so that no half of one is left.
    fn telling_ids(&self, lower: &str) -> Vec<String> {
        let cast = self.spec.cast.iter().enumerate();
        let models = cast.flat_map(|(place, member)| {
            let voice = &self.state.voice(place).model;
            [Some(&member.model), member.substitute.as_ref(), Some(voice)]
        });
        let id = |model: &ModelName| model.model().to_lowercase();
        let mut ids: Vec<String> = models.flatten().map(id).collect();
        ids.retain(|id| {
            let is_word = !id.contains(char::is_alphabetic) || !id.contains(char::is_numeric);
            !is_word && id.len() > 3 && lower.contains(id.as_str()) && !self.is_about(id)
        });
        ids.sort_by_key(|id| (Reverse(id.len()), id.clone()));
        ids.dedup();
        ids
    }

    /// `true` when whoever ordered the debate speaks of it.
    fn is_about(&self, name: &str) -> bool {
        let documents = self.spec.facts.iter().chain(self.spec.secrets.values());
        let texts = documents.map(|document| document.text.as_str());
        let mut texts = texts
            .chain([self.spec.topic.as_str()])
            .chain(self.spec.options.iter().map(String::as_str));
        texts.any(|text| text.to_lowercase().contains(name))
    }
}

/// Where a writer says who made it.
fn makers(text: &str, is_about: &dyn Fn(&str) -> bool) -> Vec<(usize, usize)> {
    let lower = text.to_lowercase();
    let may_tell = lower.contains(" by ") && MAKERS.iter().any(|name| lower.contains(name));
    let found = MAKER.as_ref().filter(|_| may_tell);
    found.map_or_else(Vec::new, |pattern| {
        spans(pattern, text, &|_, name, _| {
            let lower = name.to_lowercase();
            let known = MAKERS.iter().find(|known| behind(&lower, known).is_some());
            known.is_some_and(|known| !is_about(known))
        })
    })
}

/// What follows a known name at the beginning of another; `None` for another word.
fn behind<'n>(name: &'n str, known: &str) -> Option<&'n str> {
    let rest = name.strip_prefix(known)?;
    (!rest.starts_with(char::is_alphabetic)).then_some(rest)
}

/// Where the names are that a pattern finds and that tell something: `tells` is given what is said before a name, the
/// name, and what follows.
fn spans(
    pattern: &Regex,
    text: &str,
    tells: &dyn Fn(&str, &str, &str) -> bool,
) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(found) = pattern.captures_at(text, at) {
        let (Some(says), Some(name)) = (found.name("says"), found.name("name")) else {
            break;
        };
        let follows = &text[name.end()..];
        if tells(says.as_str(), name.as_str(), follows) {
            spans.push((name.start(), name.end()));
            at = name.end();
        } else {
            // What looked like a name may begin the next: "as I am Claude".
            at = name.start();
        }
    }
    spans
}

fn goes_on_with_i(text: &str) -> bool {
    let text = text.trim_start_matches([' ', ',']);
    let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    ["i", "my", "me"].contains(&word.to_lowercase().as_str())
}

/// Where a word stands alone, in any case; it is in small letters.
fn words(text: &str, word: &str) -> Vec<(usize, usize)> {
    let joins = |c: char| c.is_alphanumeric() || c == '-';
    let Ok(pattern) = Regex::new(&format!("(?i){}", regex_lite::escape(word))) else {
        return Vec::new();
    };
    let alone = |(start, end): &(usize, usize)| {
        !text[..*start].ends_with(joins) && !text[*end..].starts_with(joins)
    };
    let found = pattern.find_iter(text);
    let found = found.map(|found| (found.start(), found.end()));
    found.filter(alone).collect()
}

fn hide(text: &mut Cow<'_, str>, find: impl Fn(&str) -> Vec<(usize, usize)>) {
    let spans = find(text.as_ref());
    if spans.is_empty() {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in spans {
        out.push_str(&text[done..start]);
        out.push_str(WITHHELD);
        done = end;
    }
    out.push_str(&text[done..]);
    *text = Cow::Owned(out);
}
