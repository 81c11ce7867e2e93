//! Models of one provider that are spoken to in their own way.

use super::template::Template;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// Models that share a beginning of their ids and depart from the rest of their provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// What their ids begin with; `*` stands for any text.
    pub models: Vec<String>,
    /// What they speak, in place of their provider's.
    pub speech: Speech,
}

/// How models are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// The protocol.
    pub wire: Wire,
    /// Paths other than the wire's usual ones.
    pub paths: Paths,
    /// Departures from the wire.
    pub quirks: Quirks,
}

/// Paths other than a wire's usual ones, to be joined to the base URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// For a whole answer; `None` is the wire's usual path.
    pub chat: Option<Template>,
    /// For a streamed answer; `None` is the same as for a whole one.
    pub stream: Option<Template>,
    /// A base URL that ends like this has the wire's usual paths behind it all the same.
    pub usual_behind: Option<String>,
}

impl Paths {
    /// The path in place of the wire's usual one; `None` where that holds.
    pub fn of(&self, base_url: &str, stream: bool) -> Option<&Template> {
        let usual = |end: &String| base_url.ends_with(end.as_str());
        if self.usual_behind.as_ref().is_some_and(usual) {
            return None;
        }
        let own = self.stream.as_ref().filter(|_| stream);
        own.or(self.chat.as_ref())
    }
}

impl Family {
    /// How much of a model's id one of the beginnings says, in characters; `None` when none fits.
    ///
    /// The id is tried as it is, and without what others put before it: the vendor and the region in
    /// `us.anthropic.claude-…`, the vendor in `anthropic/claude-…`, and the whole of an ARN up to its last slash.
    fn fit(&self, model: &str) -> Option<usize> {
        let fits = spellings(model).flat_map(|id| {
            let fitting = |pattern: &&String| begins_like(id, pattern);
            self.models
                .iter()
                .filter(fitting)
                .map(|pattern| said(pattern))
        });
        fits.max()
    }
}

/// The family whose beginning says most of a model's id; of several that say as much, the first.
pub(super) fn family_of<'a>(families: &'a [Family], model: &str) -> Option<&'a Family> {
    let mut best: Option<(usize, &Family)> = None;
    for family in families {
        let Some(fit) = family.fit(model) else {
            continue;
        };
        if best.is_none_or(|(most, _)| fit > most) {
            best = Some((fit, family));
        }
    }
    best.map(|(_, family)| family)
}

fn spellings(model: &str) -> impl Iterator<Item = &str> {
    let bare = model.rsplit_once('/').map(|(_, bare)| bare);
    let whole = std::iter::once(model).chain(bare);
    whole.flat_map(|id| std::iter::successors(Some(id), |id| without_owner(id)))
}

/// The id without the region or vendor before its first point; a version such as `gpt-5.1` has none.
fn without_owner(id: &str) -> Option<&str> {
    let (owner, rest) = id.split_once('.')?;
    let word = |c: char| c.is_ascii_lowercase() || c == '-';
    (!owner.is_empty() && owner.chars().all(word)).then_some(rest)
}

fn begins_like(id: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = id.strip_prefix(first) else {
        return false;
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn said(pattern: &str) -> usize {
    pattern.chars().filter(|c| *c != '*').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::template::Places;

    fn family(models: &[&str], wire: Wire) -> Family {
        Family {
            models: models.iter().map(|&model| model.to_owned()).collect(),
            speech: Speech {
                wire,
                paths: Paths::default(),
                quirks: Quirks::default(),
            },
        }
    }

    fn wire_of(model: &str) -> Option<Wire> {
        let families = [
            family(&["gpt-5", "o1"], Wire::OpenaiChat),
            family(&["gpt-5*-pro", "o1-pro"], Wire::OpenaiResponses),
            family(&["claude-"], Wire::Anthropic),
        ];
        family_of(&families, model).map(|family| family.speech.wire)
    }

    #[test]
    fn the_beginning_that_says_most_wins() {
        assert_eq!(wire_of("gpt-5.2-mini"), Some(Wire::OpenaiChat));
        assert_eq!(wire_of("gpt-5.2-pro-2026"), Some(Wire::OpenaiResponses));
        assert_eq!(wire_of("o1-pro"), Some(Wire::OpenaiResponses));
        assert_eq!(wire_of("gpt-4o"), None);
    }

    #[test]
    fn vendors_and_regions_before_an_id_are_looked_through() {
        for model in [
            "claude-opus-5",
            "anthropic.claude-opus-5-v1:0",
            "us.anthropic.claude-opus-5-v1:0",
            "us-gov.anthropic.claude-3-haiku",
            "anthropic/claude-opus-5",
            "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-3",
        ] {
            assert_eq!(wire_of(model), Some(Wire::Anthropic), "{model}");
        }
        assert_eq!(wire_of("not-claude-at-all"), None);
    }

    #[test]
    fn a_base_url_may_bring_the_usual_paths_with_it() {
        let paths = Paths {
            chat: Some(Template::parse("/own", &Places::new()).unwrap()),
            stream: None,
            usual_behind: Some("/openai/v1".to_owned()),
        };
        assert!(paths.of("https://x.example", true).is_some());
        assert!(paths.of("https://x.example/openai/v1", true).is_none());
    }
}
