//! Whether conditions look at what can be there, at a time when it can.

use std::collections::BTreeSet;

use super::Parts;
use super::decided;
use crate::debate::format::document::Mistakes;
use crate::debate::format::document::unknown;
use crate::debate::format::phases::Placed;
use crate::types::debate::Predicate;

/// When a condition is looked at.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Before a phase runs.
    When,
    /// Between its repetitions.
    Until,
    /// While its speakers answer.
    StopEarly,
}

/// Notes what the conditions of a phase look at in vain.
pub(super) fn check(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let conditions = [
        (phase.when.as_ref(), At::When, placed.place("when")),
        (phase.repeat.until.as_ref(), At::Until, placed.until_at),
        (
            phase.stop_early.as_ref(),
            At::StopEarly,
            placed.place("stop_early"),
        ),
    ];
    for (condition, at, place) in conditions {
        if let Some(condition) = condition {
            let mut look = Look {
                placed,
                parts,
                at,
                found: BTreeSet::new(),
            };
            look.at(condition);
            for help in look.found {
                mistakes.add(place, help);
            }
        }
    }
}

struct Look<'a> {
    placed: &'a Placed,
    parts: &'a Parts<'a>,
    at: At,
    found: BTreeSet<String>,
}

impl Look<'_> {
    fn at(&mut self, condition: &Predicate) {
        match condition {
            Predicate::AllAgree(field)
            | Predicate::Agree { field, .. }
            | Predicate::Stable { field, .. } => self.field(field, |_| true),
            Predicate::Flag { role, field } => {
                let roles = self.parts.root.names("roles");
                if roles.contains(&role.as_str()) {
                    self.field(field, |other| other.phase.who.contains(role));
                } else {
                    self.found
                        .insert(unknown("role", "condition", role, &roles));
                }
            }
            Predicate::Rounds(least) => self.rounds(*least),
            Predicate::LeadUnassailable => self.lead(),
            Predicate::Similarity(_) | Predicate::BudgetBelow(_) | Predicate::HumanStop => {}
            Predicate::And(conditions) | Predicate::Or(conditions) => {
                for condition in conditions {
                    self.at(condition);
                }
            }
            Predicate::Not(condition) => self.at(condition),
        }
    }

    /// A field must be in answers that may have been given by then.
    fn field(&mut self, field: &str, speaks: impl Fn(&Placed) -> bool) {
        let parts = self.parts;
        let all = || parts.phases.iter().filter(|other| speaks(other));
        let here = parts.place(&self.placed.phase.id);
        let by_then = all().filter(|other| {
            let there = parts.place(&other.phase.id);
            match self.at {
                At::When => there < here,
                At::Until | At::StopEarly => there <= here,
            }
        });
        let known = parts.fields(by_then);
        if known.contains(field) {
            return;
        }
        let help = match parts.fields(all()).contains(field) {
            true => format!("condition: the field \"{field}\" is in later answers only"),
            false => {
                let known: Vec<&str> = parts.fields(all()).into_iter().collect();
                unknown("field of an answer", "condition", field, &known)
            }
        };
        self.found.insert(help);
    }

    fn rounds(&mut self, least: u32) {
        let most = self.parts.repetitions(self.placed);
        if self.at == At::When {
            let help = "condition: rounds counts repetitions of the phase, and when is looked at before the first";
            self.found.insert(help.to_owned());
        } else if least > most {
            let help = format!(
                "condition: rounds>={least} never holds: the phase runs at most {most} times"
            );
            self.found.insert(help);
        }
    }

    /// Somebody can lead only where ballots are counted.
    fn lead(&mut self) {
        let parts = self.parts;
        let Some(decision) = parts.decision else {
            return;
        };
        let counted = decided::counted_phases(decision, parts);
        let here = parts.place(&self.placed.phase.id);
        let by_then = |id: &&str| match self.at {
            At::StopEarly => *id == self.placed.phase.id,
            At::Until => parts.place(id) <= here,
            At::When => parts.place(id) < here,
        };
        if !counted.iter().any(by_then) {
            let help = match self.at {
                At::StopEarly => {
                    "condition: lead_unassailable needs ballots that are counted, and those of this phase are not"
                }
                At::Until | At::When => {
                    "condition: lead_unassailable needs ballots that are counted, and none have been cast by then"
                }
            };
            self.found.insert(help.to_owned());
        }
    }
}
