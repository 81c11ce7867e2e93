//! Whether what a speaker quotes stands in its sources.
//!
//! A quote is what stands between `<quote>` and `</quote>`. It is looked for by normalised match: NFKC, lower case,
//! letters and digits only, everything else one space; whole words and numbers. An ellipsis splits it into parts that must
//! all occur, in order, in one source. A source is taken as it stands and without its Markdown.

mod plain;
mod scanner;
#[cfg(test)]
mod tests;

pub use scanner::FoundQuote;
pub use scanner::QuoteScanner;

use crate::events::QuoteCheck;
use crate::types::debate::Document;
use crate::types::debate::QuoteRule;
use crate::types::debate::QuoteSource;
use crate::types::debate::Spec;

/// Quotes that are looked at in one text; what comes after is text like any other.
const MAX_QUOTES: usize = 200;

/// Texts that a speaker may quote from.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

#[derive(Debug, Clone)]
struct Source {
    title: String,
    /// The text, and the text without its Markdown, in the form in which they are compared.
    forms: [String; 2],
}

impl Sources {
    /// What a member of the cast may quote from under a rule: the facts, and of the secrets those that its role is
    /// told. Quoting a secret that somebody else was told verifies nothing, so it finds nothing out either.
    pub fn of(spec: &Spec, member: usize, rule: &QuoteRule) -> Self {
        let role = spec
            .cast
            .get(member)
            .and_then(|member| spec.format.role(&member.role));
        let told = |name: &str| {
            let knows = role.is_some_and(|role| role.secrets.iter().any(|known| known == name));
            spec.secrets.get(name).filter(|_| knows)
        };
        let documents: Vec<&Document> = match &rule.source {
            QuoteSource::Facts => spec.facts.iter().collect(),
            QuoteSource::Secret(name) => told(name).into_iter().collect(),
            QuoteSource::All => {
                let secrets = role.map_or(&[][..], |role| &role.secrets);
                let secrets = secrets.iter().filter_map(|name| told(name));
                spec.facts.iter().chain(secrets).collect()
            }
        };
        Self(documents.into_iter().map(Source::of).collect())
    }

    /// Looks a quote up.
    pub fn check(&self, quote: &str) -> QuoteCheck {
        let mut spellings = vec![quote.to_owned()];
        // In an answer of JSON the quote is spelled with escapes.
        if quote.contains('\\')
            && let Ok(unescaped) = serde_json::from_str::<String>(&format!("\"{quote}\""))
        {
            spellings.push(unescaped);
        }
        let spellings: Vec<Vec<String>> = spellings
            .iter()
            .flat_map(|text| plain::parts(text))
            .collect();
        let found = self.0.iter().find(|source| {
            let stands =
                |parts: &Vec<String>| source.forms.iter().any(|form| plain::holds(form, parts));
            spellings.iter().any(stands)
        });
        QuoteCheck {
            text: quote.trim().to_owned(),
            verified: found.is_some(),
            source: found.map(|source| source.title.clone()),
        }
    }
}

impl Source {
    fn of(document: &Document) -> Self {
        Self {
            title: document.title.clone(),
            forms: [
                plain::normalised(&document.text),
                plain::normalised(&plain::without_markdown(&document.text)),
            ],
        }
    }
}

/// Checks every quote of a text, in order.
pub fn check(spec: &Spec, member: usize, rule: &QuoteRule, text: &str) -> Vec<QuoteCheck> {
    let mut scanner = QuoteScanner::new(Sources::of(spec, member, rule));
    let mut found = scanner.feed(text);
    found.extend(scanner.finish());
    found.into_iter().map(|quote| quote.check).collect()
}

/// Puts what was found out about each quote behind it: `</quote> [verified MARK]`. The mark is one that the
/// writer cannot know, so nobody can put such a note into their own words.
pub(super) fn tagged(text: &str, quotes: &[QuoteCheck], mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (span, check) in scanner::spans(text).into_iter().zip(quotes) {
        let word = if check.verified {
            "verified"
        } else {
            "unverified"
        };
        out.push_str(&text[done..span.end]);
        out.push_str(&format!(" [{word} {mark}]"));
        done = span.end;
    }
    out + &text[done..]
}
