//! What a ballot says, apart from who may count it and how.

use super::super::contract;

/// Something that can win.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// What makes two choices the same: an answer in canonical form, or the name of who wrote it.
    pub(super) key: String,
    /// How it is shown: as it was first spelled.
    pub(super) shown: String,
    /// The turn that holds it, when ballots choose between what was said.
    pub(super) turn: Option<usize>,
}

impl Choice {
    /// A choice by its words.
    pub(super) fn spelled(words: &str) -> Self {
        Self {
            key: contract::canonical(&serde_json::Value::String(words.to_owned())),
            shown: words.trim().to_owned(),
            turn: None,
        }
    }

    /// `true` for the words by which a ballot gives nobody its vote.
    pub(super) fn names_nobody(&self) -> bool {
        matches!(
            self.key.as_str(),
            "tie" | "draw" | "none" | "undecided" | "unsure" | "abstain"
        )
    }
}

/// What a ballot says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Says {
    /// Nothing that could be read.
    Nothing,
    /// One choice.
    One(Choice),
    /// Each of these will do.
    Several(Vec<Choice>),
    /// All of these, the best first.
    Ranking(Vec<Choice>),
    /// So many points for each.
    Points(Vec<(Choice, f64)>),
}

impl Says {
    /// The choice that it puts first; `None` when it puts none or several there.
    pub(super) fn first(&self) -> Option<&Choice> {
        match self {
            Self::Nothing => None,
            Self::One(choice) => Some(choice),
            Self::Several(choices) => match choices.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            Self::Ranking(choices) => choices.first(),
            Self::Points(points) => {
                let most = points.iter().map(|(_, points)| *points).fold(0.0, f64::max);
                let mut leading = points.iter().filter(|(_, points)| *points == most);
                match (leading.next(), leading.next()) {
                    (Some((choice, points)), None) if *points > 0.0 => Some(choice),
                    _ => None,
                }
            }
        }
    }

    /// Every choice that it names.
    pub(super) fn choices(&self) -> Vec<&Choice> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(choice) => vec![choice],
            Self::Several(choices) | Self::Ranking(choices) => choices.iter().collect(),
            Self::Points(points) => points.iter().map(|(choice, _)| choice).collect(),
        }
    }

    /// It in words; `None` when it says nothing.
    pub(super) fn words(&self) -> Option<String> {
        let list = |choices: &[Choice], between: &str| {
            let shown: Vec<&str> = choices.iter().map(|choice| choice.shown.as_str()).collect();
            shown.join(between)
        };
        match self {
            Self::Nothing => None,
            Self::One(choice) => Some(choice.shown.clone()),
            Self::Several(choices) if choices.is_empty() => Some("none of them".to_owned()),
            Self::Several(choices) => Some(list(choices, ", ")),
            Self::Ranking(choices) => Some(list(choices, " > ")),
            Self::Points(points) => {
                let each = points
                    .iter()
                    .map(|(choice, points)| format!("{} {points}", choice.shown));
                Some(each.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The same ballot without one choice: nobody votes for their own.
    pub(super) fn without(self, own: impl Fn(&Choice) -> bool) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::One(choice) if own(&choice) => Self::Nothing,
            Self::One(choice) => Self::One(choice),
            Self::Several(choices) => {
                Self::Several(choices.into_iter().filter(|it| !own(it)).collect())
            }
            Self::Ranking(choices) => {
                Self::Ranking(choices.into_iter().filter(|it| !own(it)).collect())
            }
            Self::Points(points) => {
                Self::Points(points.into_iter().filter(|(it, _)| !own(it)).collect())
            }
        }
    }
}

/// A ballot as the rules count it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paper {
    /// What it says.
    pub(super) says: Says,
    /// How much it weighs.
    pub(super) weight: f64,
}

/// Choices with their points, the best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Count {
    /// Each choice with its points, in the rule's own order.
    pub(super) tally: Vec<(Choice, f64)>,
    /// Those that none beats: one, several when they are equal, none when nothing counts.
    pub(super) leaders: Vec<Choice>,
    /// Ballots that say something under the rule.
    pub(super) counted: u32,
    /// What all points together, or all ballots' weight, come to.
    pub(super) total: f64,
    /// The share by which the first leads the second; `None` for fewer than two ballots.
    pub(super) margin: Option<f64>,
    /// The count in words.
    pub(super) words: String,
}

impl Count {
    /// Ranks choices by points, the most first. Equal ones stand in the order of their keys, so that the order of
    /// the ballots shows nowhere.
    pub(super) fn most_first(mut tally: Vec<(Choice, f64)>, counted: u32) -> Self {
        tally.sort_by(|(a, more), (b, less)| less.total_cmp(more).then_with(|| a.key.cmp(&b.key)));
        Self::ranked(tally, counted)
    }

    /// Ranks choices by points, the fewest first.
    pub(super) fn fewest_first(mut tally: Vec<(Choice, f64)>, counted: u32) -> Self {
        tally
            .sort_by(|(a, fewer), (b, more)| fewer.total_cmp(more).then_with(|| a.key.cmp(&b.key)));
        Self::ranked(tally, counted)
    }

    fn ranked(tally: Vec<(Choice, f64)>, counted: u32) -> Self {
        let best = tally.first().map(|(_, points)| *points);
        let leaders = tally
            .iter()
            .filter(|(_, points)| Some(*points) == best)
            .map(|(choice, _)| choice.clone())
            .collect();
        Self {
            total: total(tally.iter().map(|(_, points)| *points).collect()),
            tally,
            leaders,
            counted,
            margin: None,
            words: String::new(),
        }
    }

    /// By how many points the first leads the second.
    pub(super) fn lead(&self) -> f64 {
        let points = |place: usize| self.tally.get(place).map_or(0.0, |(_, points)| *points);
        points(0) - points(1)
    }

    /// The points of a choice.
    pub(super) fn points(&self, key: &str) -> f64 {
        let found = self.tally.iter().find(|(choice, _)| choice.key == key);
        found.map_or(0.0, |(_, points)| *points)
    }
}

/// Adds up, to nine decimals and whatever the order, so that equal sums are equal numbers.
pub(super) fn total(mut parts: Vec<f64>) -> f64 {
    parts.sort_by(f64::total_cmp);
    exact(parts.iter().sum())
}

/// A number to nine decimals.
pub(super) fn exact(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

/// A number for people: without decimals where it has none, else with three at most.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}
