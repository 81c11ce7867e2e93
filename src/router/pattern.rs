//! Names with stars, as a model list writes them: `openai/*`, `*`, `eu-*-chat`.

/// A name with at least one star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the stars; one more than there are stars.
    pieces: Vec<Box<str>>,
}

impl Pattern {
    /// Reads a name; `None` when it has no star.
    pub(super) fn read(text: &str) -> Option<Self> {
        text.contains('*').then(|| Self {
            pieces: text.split('*').map(Into::into).collect(),
        })
    }

    /// How much of a name is given: the more, the closer the pattern fits.
    pub(super) fn given(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// What a name has in the places of the stars; `None` when the pattern is not of this name.
    pub(super) fn stars_of<'a>(&self, name: &'a str) -> Option<Vec<&'a str>> {
        let (first, rest) = self.pieces.split_first()?;
        let (last, middle) = rest.split_last()?;
        let mut left = name.strip_prefix(&**first)?;
        let mut stars = Vec::with_capacity(rest.len());
        for piece in middle {
            let at = left.find(&**piece)?;
            stars.push(&left[..at]);
            left = &left[at + piece.len()..];
        }
        stars.push(left.strip_suffix(&**last)?);
        Some(stars)
    }
}

/// Puts what stood in the places of a name's stars into the stars of a model. Where there are more of the former
/// than of the latter, the model's first star is the whole name.
pub(super) fn fill(model: &str, name: &str, stars: &[&str]) -> String {
    if !model.contains('*') {
        return model.to_owned();
    }
    if stars.len() > model.matches('*').count() {
        return model.replacen('*', name, 1).replace('*', "");
    }
    let filled = stars
        .iter()
        .fold(model.to_owned(), |model, star| model.replacen('*', star, 1));
    filled.replace('*', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pattern: &str, model: &str, name: &str) -> Option<String> {
        let stars = Pattern::read(pattern)?.stars_of(name)?;
        Some(fill(model, name, &stars))
    }

    #[test]
    fn the_rest_of_a_name_takes_the_place_of_the_models_star() {
        for (pattern, model, name, expected) in [
            (
                "openai/*",
                "openai/*",
                "openai/gpt-4o",
                Some("openai/gpt-4o"),
            ),
            ("mine/*", "openai/*", "mine/gpt-4o", Some("openai/gpt-4o")),
            ("*", "openrouter/*", "a/b", Some("openrouter/a/b")),
            ("*", "*", "groq/llama", Some("groq/llama")),
            (
                "claude-*",
                "anthropic/claude-*",
                "claude-x",
                Some("anthropic/claude-x"),
            ),
            ("any-*", "openai/gpt-4o", "any-thing", Some("openai/gpt-4o")),
            (
                "fo::*::static::*",
                "openai/fo::*::s::*",
                "fo::a::static::b",
                Some("openai/fo::a::s::b"),
            ),
            (
                "*meta.llama3*",
                "bedrock/*",
                "eu-meta.llama3-70b",
                Some("bedrock/eu-meta.llama3-70b"),
            ),
            ("openai/*", "openai/*", "anthropic/x", None),
            ("a*z", "m/*", "a", None),
        ] {
            assert_eq!(
                filled(pattern, model, name).as_deref(),
                expected,
                "{pattern} of {name}"
            );
        }
        assert_eq!(Pattern::read("gpt-4o"), None);
    }
}
