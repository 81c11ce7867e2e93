//! Reads how a phase runs its course: how often, how long, and what happens when a turn fails.

use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::predicate;
use crate::types::debate::HiddenUntil;
use crate::types::debate::OnFail;
use crate::types::debate::OnFailThen;
use crate::types::debate::Predicate;
use crate::types::debate::Quorum;
use crate::types::debate::Repeat;

const THEN: Words<OnFailThen> = Words(&[
    ("substitute", OnFailThen::Substitute),
    ("skip", OnFailThen::Skip),
    ("forfeit", OnFailThen::Forfeit),
    ("abort", OnFailThen::Abort),
]);

const QUORUMS: Words<Quorum> = Words(&[
    ("none", Quorum::None),
    ("majority", Quorum::Majority),
    ("all", Quorum::All),
]);

const HIDDEN: Words<HiddenUntil> =
    Words(&[("phase", HiddenUntil::Phase), ("end", HiddenUntil::End)]);

/// Tokens of an answer where a phase does not say: room for a speech, and for a model that reasons before it.
const DEFAULT_TOKENS: u32 = 2000;

/// More repetitions than this is a slip of the pen.
const MAX_REPETITIONS: u32 = 50;

const ONCE: Repeat = Repeat {
    min: 1,
    max: 1,
    until: None,
};
const ON_FAIL: OnFail = OnFail {
    retry: 1,
    then: OnFailThen::Substitute,
};

/// How a phase runs its course.
pub(super) struct Course {
    pub(super) words: Option<u32>,
    pub(super) tokens: u32,
    pub(super) timeout_s: Option<u32>,
    pub(super) repeat: Repeat,
    /// Where its condition stands.
    pub(super) until_at: usize,
    pub(super) on_fail: OnFail,
    pub(super) quorum: Quorum,
    pub(super) when: Option<Predicate>,
    pub(super) stop_early: Option<Predicate>,
    pub(super) hidden_until: Option<HiddenUntil>,
    pub(super) swap: bool,
    pub(super) audience: bool,
}

impl Course {
    pub(super) const KEYS: [&'static str; 11] = [
        "repeat",
        "words",
        "tokens",
        "timeout_s",
        "on_fail",
        "quorum",
        "when",
        "stop_early",
        "hidden_until",
        "swap",
        "audience",
    ];

    pub(super) fn read(table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let words = table
            .get("words")
            .map(|item| item.small(1..=10_000, mistakes));
        let timeout_s = table
            .get("timeout_s")
            .map(|item| item.small(1..=3600, mistakes));
        let tokens = tokens(table, words.flatten(), mistakes);
        let repeat = table
            .get("repeat")
            .map_or(Some(ONCE), |item| repeat(&item, mistakes));
        let on_fail = table
            .get("on_fail")
            .map_or(Some(ON_FAIL), |item| on_fail(&item, mistakes));
        let quorum = table
            .get("quorum")
            .map_or(Some(Quorum::None), |item| quorum(&item, mistakes));
        let when = table
            .get("when")
            .and_then(|item| condition(&item, mistakes));
        let stop_early = table
            .get("stop_early")
            .and_then(|item| condition(&item, mistakes));
        let hidden_until = table
            .get("hidden_until")
            .and_then(|item| HIDDEN.read(&item, mistakes));
        let mut flag = |key: &str| table.get(key).and_then(|item| item.flag(mistakes));
        let (swap, audience) = (flag("swap"), flag("audience"));
        Some(Self {
            words: words.flatten(),
            tokens,
            timeout_s: timeout_s.flatten(),
            repeat: repeat?,
            until_at: table.place("repeat", "until"),
            on_fail: on_fail?,
            quorum: quorum?,
            when,
            stop_early,
            hidden_until,
            swap: swap.unwrap_or(false),
            audience: audience.unwrap_or(false),
        })
    }
}

fn tokens(table: &Section<'_>, words: Option<u32>, mistakes: &mut Mistakes<'_>) -> u32 {
    // Two tokens a word leave room in every language that models write well.
    let least = words.map_or(16, |words| words * 2);
    let Some(item) = table.get("tokens") else {
        return DEFAULT_TOKENS.max(least);
    };
    let tokens = item.small(16..=200_000, mistakes).unwrap_or(least);
    if tokens < least {
        let help = format!("{} must be at least {least} for so many words", item.path);
        mistakes.add(item.value_at, help);
    }
    tokens
}

fn repeat(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Repeat> {
    let table = item.section(mistakes)?;
    table.only(&["min", "max", "until"], mistakes);
    let min = table
        .get("min")
        .map_or(Some(1), |item| item.small(0..=MAX_REPETITIONS, mistakes));
    let max = table.get("max").map_or(min.map(|min| min.max(1)), |item| {
        item.small(1..=MAX_REPETITIONS, mistakes)
    });
    let until = table
        .get("until")
        .and_then(|item| condition(&item, mistakes));
    let (min, max) = (min?, max?);
    if min > max {
        mistakes.add(
            item.at,
            format!("{}: min {min} is above max {max}", item.path),
        );
    } else if min == max && until.is_some() {
        mistakes.add(
            item.at,
            format!(
                "{}: until is never looked at, because min is not below max",
                item.path
            ),
        );
    } else if min == 0 && until.is_none() {
        mistakes.add(
            item.at,
            format!("{}: min 0 means nothing without until", item.path),
        );
    }
    Some(Repeat { min, max, until })
}

fn on_fail(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<OnFail> {
    let table = item.section(mistakes)?;
    table.only(&["retry", "then"], mistakes);
    let retry = table
        .get("retry")
        .map_or(Some(ON_FAIL.retry), |item| item.small(0..=5, mistakes));
    let then = table
        .get("then")
        .map_or(Some(ON_FAIL.then), |item| THEN.read(&item, mistakes));
    Some(OnFail {
        retry: retry?,
        then: then?,
    })
}

/// Reads `"majority"`, `"2"` or `2`.
fn quorum(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Quorum> {
    let Some(text) = item.as_str() else {
        return item.small(1..=64, mistakes).map(Quorum::AtLeast);
    };
    match text.parse::<u32>() {
        Ok(least) if (1..=64).contains(&least) => Some(Quorum::AtLeast(least)),
        Ok(_) => {
            item.wrong(
                "a number from 1 to 64, \"none\", \"majority\" or \"all\"",
                mistakes,
            );
            None
        }
        Err(_) => QUORUMS.read(item, mistakes),
    }
}

fn condition(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Predicate> {
    let read = predicate::parse(item.text(mistakes)?);
    read.map_err(|help| mistakes.add(item.value_at, format!("{}: {help}", item.path)))
        .ok()
}
