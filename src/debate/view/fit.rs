//! Making a request fit the window of the model that it goes to.
//!
//! What others said goes first, the oldest first, and a summary takes its place where there is one; then what the
//! reader said itself, the oldest first. The question, the evidence, the ballot's candidates and the task never go:
//! a request that is too long even so is not made.

use std::collections::BTreeSet;

use crate::types::usage::estimate_tokens;

/// Tokens that a message costs beside its text.
const MESSAGE_TOKENS: u64 = 4;

/// A part of a request under its heading.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) items: Vec<Item>,
    /// `true` when it is the same in every request to its reader.
    pub(super) is_steady: bool,
}

/// A piece of a section.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) keep: Keep,
}

/// Whether a piece can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Never.
    Always,
    /// Somebody else's words, by age.
    Others(usize),
    /// The reader's own words, by age.
    Own(usize),
}

impl Section {
    pub(super) fn of(title: &str, items: Vec<Item>) -> Self {
        Self {
            title: title.to_owned(),
            items,
            is_steady: false,
        }
    }

    /// `None` when there is nothing in it.
    pub(super) fn filled(title: &str, items: Vec<Item>) -> Option<Self> {
        (!items.is_empty()).then(|| Self::of(title, items))
    }

    fn text(&self, gone: &Gone) -> Option<String> {
        let left: Vec<&str> = self
            .items
            .iter()
            .filter(|item| !gone.holds(item.keep))
            .map(|item| item.text.as_str())
            .collect();
        let out = self.items.len() - left.len();
        let note = match out {
            0 => String::new(),
            1 => "(One earlier text is left out here for want of room.)\n\n".to_owned(),
            out => format!("({out} earlier texts are left out here for want of room.)\n\n"),
        };
        let nothing = left.is_empty() && out == 0;
        (!nothing).then(|| {
            format!("# {}\n\n{note}{}", self.title, left.join("\n\n"))
                .trim_end()
                .to_owned()
        })
    }
}

impl Item {
    pub(super) fn always(text: String) -> Self {
        Self {
            text,
            keep: Keep::Always,
        }
    }
}

/// What is left out.
#[derive(Debug, Default)]
struct Gone {
    others: BTreeSet<usize>,
    own: BTreeSet<usize>,
}

impl Gone {
    fn holds(&self, keep: Keep) -> bool {
        match keep {
            Keep::Always => false,
            Keep::Others(age) => self.others.contains(&age),
            Keep::Own(age) => self.own.contains(&age),
        }
    }

    fn told(&self, summarised: bool) -> Vec<String> {
        let line = |count: usize, whose: &str, how: &str| match count {
            0 => None,
            1 => Some(format!("the oldest text {whose}{how}")),
            count => Some(format!("the oldest {count} texts {whose}{how}")),
        };
        let how = if summarised {
            ", summed up instead"
        } else {
            ""
        };
        let others = line(self.others.len(), "of others", how);
        others
            .into_iter()
            .chain(line(self.own.len(), "of its own", ""))
            .collect()
    }
}

/// A request that can be made shorter.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sections: Vec<Section>,
    pub(super) task: String,
    /// What can stand in for what others said, unless a section shows it anyway.
    pub(super) summary: Option<Item>,
}

/// A request as it is made.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) text: String,
    /// One line each.
    pub(super) left_out: Vec<String>,
    /// Tokens that are too many even so; 0 when it fits.
    pub(super) over: u64,
}

impl Request {
    /// Writes the request down within so many tokens; `None` is any number.
    pub(super) fn fit(&self, room: Option<u64>) -> Fitted {
        let whole = self.text(&Gone::default(), false);
        let Some(room) = room else {
            return Fitted::of(whole, Vec::new(), 0);
        };
        let over = |text: &str| message_tokens(text).saturating_sub(room);
        if over(&whole) == 0 {
            return Fitted::of(whole, Vec::new(), 0);
        }
        let mut gone = Gone::default();
        let summarised = self.summary.is_some();
        for keep in self.ages() {
            match keep {
                Keep::Always => continue,
                Keep::Others(age) => gone.others.insert(age),
                Keep::Own(age) => gone.own.insert(age),
            };
            let text = self.text(&gone, summarised);
            if over(&text) == 0 {
                return Fitted::of(text, gone.told(summarised), 0);
            }
        }
        // The summary itself may be what is too long.
        let bare = self.text(&gone, false);
        let over = over(&bare);
        Fitted::of(bare, gone.told(false), over)
    }

    /// How many bytes at the beginning of the text are the same in every request to this reader.
    pub(super) fn steady_bytes(&self) -> usize {
        let steady = self.sections.iter().take_while(|section| section.is_steady);
        let texts: Vec<String> = steady
            .filter_map(|section| section.text(&Gone::default()))
            .collect();
        texts.join("\n\n").len()
    }

    /// What can go, in the order in which it goes.
    fn ages(&self) -> Vec<Keep> {
        let items = || self.sections.iter().flat_map(|section| &section.items);
        let others: BTreeSet<usize> = items()
            .filter_map(|item| match item.keep {
                Keep::Others(age) => Some(age),
                Keep::Always | Keep::Own(_) => None,
            })
            .collect();
        let own: BTreeSet<usize> = items()
            .filter_map(|item| match item.keep {
                Keep::Own(age) => Some(age),
                Keep::Always | Keep::Others(_) => None,
            })
            .collect();
        let others = others.into_iter().map(Keep::Others);
        others.chain(own.into_iter().map(Keep::Own)).collect()
    }

    fn text(&self, gone: &Gone, summarised: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut summary = self.summary.as_ref().filter(|_| summarised);
        for section in &self.sections {
            let shortened = section.items.iter().any(|item| gone.holds(item.keep));
            if let Some(item) = summary.filter(|_| shortened) {
                parts.push(format!(
                    "# A summary of what was said before\n\n{}",
                    item.text
                ));
                summary = None;
            }
            parts.extend(section.text(gone));
        }
        parts.push(format!("# Your task\n\n{}", self.task));
        parts.join("\n\n")
    }
}

impl Fitted {
    fn of(text: String, left_out: Vec<String>, over: u64) -> Self {
        Self {
            text,
            left_out,
            over,
        }
    }
}

/// Tokens of a message, by the cautious estimate by which calls are reserved, too.
pub(super) fn message_tokens(text: &str) -> u64 {
    MESSAGE_TOKENS + estimate_tokens(text)
}
