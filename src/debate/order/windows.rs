//! Whether the texts of an order fit the windows of those who read them.

use std::collections::BTreeSet;

use super::DebateOrder;
use super::check::Check;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Document;
use crate::types::debate::Format;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::usage::estimate_tokens;

/// What somebody needs at least for a phase, and what there is.
struct Room<'a> {
    member: &'a CastMember,
    /// Tokens of the question, of the texts that are never left out, and of the answer.
    needed: u64,
    window: u64,
    /// The texts, by their fields.
    reads: BTreeSet<String>,
}

impl Check<'_> {
    /// Texts are never left out of a request. Where no reader's window holds them, every call that shows them would be
    /// refused, so that the order is; where some windows do not, their holders' turns will fail.
    ///
    /// By the estimate that calls are checked with, and without what comes beside: what is refused here cannot fit.
    pub(super) fn windows(&mut self, format: &Format, order: &DebateOrder, cast: &[CastMember]) {
        // What is longer than any text may be is told once.
        let told = ["text_too_long", "texts_too_long"];
        if self.problems.iter().any(|it| told.contains(&it.code)) {
            return;
        }
        let texts = texts(order);
        let mut rooms: Vec<Room<'_>> = Vec::new();
        let mut is_open = BTreeSet::new();
        for member in cast {
            let Some(window) = self.largest_window(member) else {
                // Nobody knows what it can read, so that its texts may fit.
                let reads =
                    phases_of(format, member).flat_map(|it| seen(&texts, it, format, member));
                is_open.extend(reads.map(|(field, _)| field.clone()));
                continue;
            };
            let mut of_member = phases_of(format, member)
                .filter_map(|phase| room(order, (format, phase), &texts, (member, window)))
                .collect::<Vec<_>>();
            rooms.append(&mut of_member);
        }
        let too_long = texts.iter().filter(|(field, _)| {
            let mut readers = rooms
                .iter()
                .filter(|it| it.reads.contains(field))
                .peekable();
            let is_read = readers.peek().is_some() && !is_open.contains(field);
            is_read && readers.all(|it| it.needed > it.window)
        });
        let longest = too_long.max_by_key(|(_, document)| estimate_tokens(&document.text));
        if let Some((field, document)) = longest {
            self.too_long(field, document, &rooms);
            return;
        }
        let mut told = BTreeSet::new();
        for room in rooms.iter().filter(|it| it.needed > it.window) {
            if told.insert(&room.member.name) {
                self.warnings.push(format!(
                    "{} cannot be shown its texts: about {} tokens are needed with the question and the answer, and \
                     the window of {} holds {}",
                    room.member.name, room.needed, room.member.model, room.window
                ));
            }
        }
    }

    fn too_long(&mut self, field: &str, document: &Document, rooms: &[Room<'_>]) {
        let readers = rooms.iter().filter(|it| it.reads.contains(field));
        let Some(roomiest) = readers.max_by_key(|it| (it.window, std::cmp::Reverse(it.needed)))
        else {
            return;
        };
        let message = format!(
            "\"{}\" has about {} tokens; with the question, the other texts and the answer {} are needed, and the \
             largest window of those who read it, {}'s, holds {}: shorten it, or name a model with a larger window",
            document.title,
            estimate_tokens(&document.text),
            roomiest.needed,
            roomiest.member.model,
            roomiest.window
        );
        self.problem(format!("{field}.text"), "text_too_long_for_models", message);
    }

    /// The window of a member's model or of its stand-in, whichever is larger; `None` when one is not known, and for a
    /// person, who reads as much as they like.
    fn largest_window(&self, member: &CastMember) -> Option<u64> {
        let own = member.window_tokens.filter(|_| member.human.is_none())?;
        match &member.substitute {
            Some(stand_in) => Some(own.max(self.roster.window_tokens(stand_in)?)),
            None => Some(own),
        }
    }
}

type Texts<'a> = Vec<(String, &'a Document)>;

/// All texts by their fields.
fn texts(order: &DebateOrder) -> Texts<'_> {
    let facts = order.facts.iter().enumerate();
    let facts = facts.map(|(at, text)| (format!("facts[{at}]"), text));
    let secrets = order.secrets.iter();
    let secrets = secrets.map(|(name, text)| (format!("secrets.{name}"), text));
    facts.chain(secrets).collect()
}

/// The phases in which somebody speaks.
fn phases_of<'a>(
    format: &'a Format,
    member: &'a CastMember,
) -> impl Iterator<Item = &'a Phase> + 'a {
    let speaks = |phase: &&Phase| match phase.kind {
        PhaseKind::Poll | PhaseKind::AskHuman => false,
        PhaseKind::Speak | PhaseKind::Judge | PhaseKind::Vote | PhaseKind::Summarise => true,
    };
    let phases = format.phases.iter().filter(speaks);
    phases.filter(|phase| phase.who.contains(&member.role))
}

/// The texts that somebody is shown in a phase.
fn seen<'a>(
    texts: &'a Texts<'_>,
    phase: &'a Phase,
    format: &'a Format,
    member: &'a CastMember,
) -> impl Iterator<Item = &'a (String, &'a Document)> + 'a {
    let own = format.role(&member.role).map(|role| &role.secrets);
    texts.iter().filter(move |(field, _)| {
        let mut atoms = phase.sees.iter().map(|sight| &sight.atom);
        atoms.any(|atom| match atom {
            Atom::Facts => field.starts_with("facts["),
            Atom::Secret(name) => {
                field.strip_prefix("secrets.") == Some(name)
                    && own.is_some_and(|own| own.contains(name))
            }
            Atom::Topic
            | Atom::Side
            | Atom::Own
            | Atom::OwnLast
            | Atom::Others
            | Atom::OthersLast
            | Atom::Phase(_)
            | Atom::Human
            | Atom::Options
            | Atom::OthersRound(_)
            | Atom::Summary
            | Atom::Votes
            | Atom::Polls => false,
        })
    })
}

/// What a member needs in a phase; `None` where it is shown no texts.
fn room<'a>(
    order: &DebateOrder,
    (format, phase): (&Format, &Phase),
    texts: &Texts<'_>,
    (member, window): (&'a CastMember, u64),
) -> Option<Room<'a>> {
    let shown: Vec<(&String, u64)> = seen(texts, phase, format, member)
        .map(|(field, document)| (field, estimate_tokens(&document.text)))
        .collect();
    let answer = member
        .max_tokens
        .map_or(phase.tokens, |own| own.min(phase.tokens));
    let tokens: u64 = shown.iter().map(|(_, tokens)| tokens).sum();
    (!shown.is_empty()).then(|| Room {
        member,
        needed: estimate_tokens(order.topic.trim()) + tokens + u64::from(answer).min(window / 2),
        window,
        reads: shown.into_iter().map(|(field, _)| field.clone()).collect(),
    })
}
