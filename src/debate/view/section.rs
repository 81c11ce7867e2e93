//! The sections of a request: what a phase lets its speakers see, in words.

use std::borrow::Cow;

use super::Reader;
use super::fit::Item;
use super::fit::Keep;
use super::fit::Section;
use crate::debate::evidence;
use crate::debate::state::TurnRecord;
use crate::debate::state::TurnStanding;
use crate::types::debate::Atom;
use crate::types::debate::Document;
use crate::types::debate::Sight;

/// What stands in for a turn that could not be had.
const NO_STATEMENT: &str = "[no statement]";

impl<'a> Reader<'a> {
    /// All sections, those that stay the same from turn to turn first: providers cache how requests begin.
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut sights: Vec<&Sight> = self.phase.sees.iter().collect();
        sights.sort_by_key(|sight| steadiness(&sight.atom));
        let mut sections: Vec<Section> = sights
            .into_iter()
            .filter_map(|sight| {
                let section = self.section(sight)?;
                Some(Section {
                    is_steady: steadiness(&sight.atom) < GROWS,
                    ..section
                })
            })
            .collect();
        sections.extend(self.question());
        sections.extend(self.pickable());
        sections
    }

    fn section(&self, sight: &Sight) -> Option<Section> {
        match &sight.atom {
            Atom::Topic => Some(self.trusted("The question", &self.spec.topic)),
            Atom::Side => self.side(),
            Atom::Options => self.options(),
            Atom::Facts => self.documents("Facts that everybody can see", self.spec.facts.iter()),
            Atom::Secret(name) => self.secret(name),
            Atom::Own => self.written("What you have said", self.own(), sight),
            Atom::OwnLast => {
                let last = self.own().pop().into_iter().collect();
                self.written("What you said last", last, sight)
            }
            Atom::Others => {
                // What a section of its own shows is not shown twice.
                let mut others = self.others();
                others.retain(|(_, turn)| self.sight_of(turn).is_none());
                self.written("What the others have said", others, sight)
            }
            Atom::OthersLast => {
                self.written("What the others said last", self.last_of_others(), sight)
            }
            Atom::OthersRound(ago) => {
                let title = match ago {
                    1 => "What the others said one repetition ago".to_owned(),
                    ago => format!("What the others said {ago} repetitions ago"),
                };
                self.written(&title, self.others_ago(*ago), sight)
            }
            Atom::Phase(id) => {
                let title = format!("What was said in the {} phase", spoken(id));
                self.written(&title, self.of_phase(id), sight)
            }
            Atom::Summary => self.summarised(sight),
            Atom::Votes => self.votes(sight),
            Atom::Polls => self.polls(),
            Atom::Human => self.interjections(),
        }
    }

    /// Words of whoever ordered the debate.
    fn trusted(&self, title: &str, text: &str) -> Section {
        Section::of(title, vec![Item::always(self.fence.text(text))])
    }

    fn side(&self) -> Option<Section> {
        let side = self.member.side.as_deref()?;
        Some(self.trusted("Your side", side))
    }

    fn options(&self) -> Option<Section> {
        let lines: Vec<String> = self
            .spec
            .options
            .iter()
            .map(|option| format!("- {option}"))
            .collect();
        (!lines.is_empty()).then(|| self.trusted("The answers to choose from", &lines.join("\n")))
    }

    /// A secret is shown to roles that name it, whatever a phase says.
    fn secret(&self, name: &str) -> Option<Section> {
        let role = self.spec.format.role(&self.member.role)?;
        let told = role.secrets.iter().any(|known| known == name);
        let document = self.spec.secrets.get(name).filter(|_| told)?;
        let title = format!("For you alone: {}", spoken(name));
        self.documents(&title, std::iter::once(document))
    }

    fn documents<'d>(
        &self,
        title: &str,
        documents: impl Iterator<Item = &'d Document>,
    ) -> Option<Section> {
        let item = |document: &Document| {
            let label = format!("document \"{}\"", document.title);
            Item::always(self.fence.around(&label, &document.text))
        };
        Section::filled(title, documents.map(item).collect())
    }

    /// Turns in their fences.
    pub(super) fn written(
        &self,
        title: &str,
        turns: Vec<(usize, &'a TurnRecord)>,
        sight: &Sight,
    ) -> Option<Section> {
        let mut turns = self.shown(turns, sight);
        // Nobody ranks what was not said.
        turns.retain(|(_, turn)| {
            turn.standing == TurnStanding::Done || !self.is_ballot_over(&turn.phase)
        });
        let items = turns.iter().enumerate().map(|(at, (place, turn))| {
            let mut text = self.quoted(turn, sight);
            if sight.grouped {
                let answer = self.answer(turn);
                let same = |other: &&(usize, &TurnRecord)| self.answer(other.1) == answer;
                if turns[..at].iter().all(|other| !same(&other)) {
                    let heading = heading(answer.is_some(), turns.iter().filter(same).count());
                    text = format!("## {heading}\n\n{text}");
                }
            }
            Item {
                text,
                keep: self.keep(*place, turn),
            }
        });
        Section::filled(title, items.collect())
    }

    /// What a ballot is over cannot be left out: nobody can rank what they were not shown.
    fn keep(&self, place: usize, turn: &TurnRecord) -> Keep {
        if self.is_ballot_over(&turn.phase) {
            Keep::Always
        } else if turn.member == self.turn.member {
            Keep::Own(place)
        } else {
            Keep::Others(place)
        }
    }

    pub(super) fn quoted(&self, turn: &TurnRecord, sight: &Sight) -> String {
        let label = self.label(turn, sight);
        if turn.standing != TurnStanding::Done {
            return self.fence.around(&label, NO_STATEMENT);
        }
        if let Some((reasons, confidence)) = self.reasons(turn).filter(|_| sight.grouped) {
            let reasons = self.told(&reasons, turn, sight);
            return self.fence.around(&format!("{label}{confidence}"), &reasons);
        }
        let mut text = self.fence.text(&self.told(&turn.text, turn, sight));
        if sight.quotes {
            text = evidence::tagged(&text, &turn.quotes, &self.fence.mark());
        }
        self.fence.around_marked(&label, &text)
    }

    /// A text as this reader may know it: where its writer's name is withheld, so is what would tell it.
    fn told<'t>(&self, text: &'t str, turn: &TurnRecord, sight: &Sight) -> Cow<'t, str> {
        if sight.anon && self.writer(turn, sight) != "you" {
            self.masked(text)
        } else {
            Cow::Borrowed(text)
        }
    }

    /// The answer with its reasons, and how sure its writer is, for answers that stand together.
    fn reasons(&self, turn: &TurnRecord) -> Option<(String, String)> {
        let parsed = turn.parsed.as_ref()?;
        let words = |name: &str| match parsed.get(name)? {
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let answer = words(self.answer_field(turn))?;
        let reasons = words("reasoning").or_else(|| words("reason"));
        let confidence = words("confidence").map(|sure| format!(", confidence {sure}"));
        let text = match reasons {
            Some(reasons) => format!("{answer}\n\n{reasons}"),
            None => answer,
        };
        Some((text, confidence.unwrap_or_default()))
    }

    fn summarised(&self, sight: &Sight) -> Option<Section> {
        let mut after = self.after_summary();
        let seen = |wanted: &[Atom]| {
            self.phase
                .sees
                .iter()
                .any(|sight| wanted.contains(&sight.atom))
        };
        // What another section shows anyway is not shown twice.
        if seen(&[Atom::Own, Atom::OwnLast]) {
            after.retain(|(_, turn)| turn.member != self.turn.member);
        }
        if seen(&[Atom::Others]) {
            after.retain(|(_, turn)| turn.member == self.turn.member);
        }
        let rest = self.written("", after, sight);
        let title = match self.summary() {
            Some(_) => "A summary of what was said, and what came after it",
            None => "What was said",
        };
        let mut items: Vec<Item> = self.summary_item().into_iter().collect();
        items.extend(rest.map(|rest| rest.items).unwrap_or_default());
        Section::filled(title, items)
    }

    /// The latest summary in its fence.
    pub(super) fn summary_item(&self) -> Option<Item> {
        let summary = self.summary()?;
        let text = self.fence.around("summary", &summary.text);
        Some(Item::always(text))
    }

    fn interjections(&self) -> Option<Section> {
        let turns = self.state.turns().len();
        let heard = self.state.interjections().iter().take(self.turn.heard);
        let mine = heard.enumerate().filter(|(_, note)| {
            let to = note.to.as_ref();
            to.is_none_or(|name| *name == self.member.name)
        });
        let items = mine.map(|(at, note)| Item {
            text: self.fence.around("from the audience", &note.text),
            keep: Keep::Others(turns + at),
        });
        Section::filled("What people in the audience said", items.collect())
    }

    /// The question that this turn answers.
    fn question(&self) -> Option<Section> {
        let asked = &self.state.turns()[self.asked?];
        let sight = self
            .phase
            .sees
            .iter()
            .find(|sight| matches!(sight.atom, Atom::Others | Atom::Phase(_)));
        let plain = Sight {
            atom: Atom::OthersLast,
            anon: sight.is_some_and(|sight| sight.anon),
            shuffle: false,
            noself: false,
            grouped: false,
            quotes: false,
        };
        let item = Item::always(self.quoted(asked, &plain));
        Some(Section::of("The question put to you", vec![item]))
    }

    /// Whom a picker can name.
    fn pickable(&self) -> Option<Section> {
        let names = self.names_to_pick().into_iter();
        let lines: Vec<String> = names.map(|name| format!("- {name}")).collect();
        (!lines.is_empty()).then(|| self.trusted("Who can speak next", &lines.join("\n")))
    }

    pub(super) fn names_to_pick(&self) -> Vec<String> {
        if !self.turn.picks {
            return Vec::new();
        }
        let others = self.state.speakers(self.phase).into_iter();
        others
            .filter(|member| *member != self.turn.member)
            .map(|member| self.spec.cast[member].name.clone())
            .collect()
    }
}

/// Where what changes from turn to turn stands: behind all that does not.
const GROWS: u8 = 5;

/// The less a section changes from turn to turn, the earlier it stands; what grows stands in the format's order.
fn steadiness(atom: &Atom) -> u8 {
    match atom {
        Atom::Topic => 0,
        Atom::Options => 1,
        Atom::Facts => 2,
        Atom::Secret(_) => 3,
        Atom::Side => 4,
        Atom::Own
        | Atom::OwnLast
        | Atom::Others
        | Atom::OthersLast
        | Atom::OthersRound(_)
        | Atom::Phase(_)
        | Atom::Summary
        | Atom::Votes
        | Atom::Polls
        | Atom::Human => GROWS,
    }
}

fn heading(answered: bool, count: usize) -> String {
    match (answered, count) {
        (true, 1) => "One gave this answer".to_owned(),
        (true, count) => format!("{count} gave this answer"),
        (false, 1) => "One gave no answer that could be read".to_owned(),
        (false, count) => format!("{count} gave no answer that could be read"),
    }
}

/// An id as a word for people.
fn spoken(id: &str) -> String {
    id.replace(['_', '-'], " ")
}
