//! Whose words reach whom among the speakers of a phase.

use super::State;
use crate::types::debate::Edges;
use crate::types::debate::Phase;

impl State {
    /// Who speaks in a phase, as places in the cast: the cast of its roles, role by role.
    pub fn speakers(&self, phase: &Phase) -> Vec<usize> {
        let of_role = |role: &String| {
            let role = role.clone();
            (0..self.spec.cast.len()).filter(move |&member| self.spec.cast[member].role == role)
        };
        phase.who.iter().flat_map(of_role).collect()
    }

    /// `true` when the phase lets `reader` hear `speaker`; both are places in the cast.
    ///
    /// Everybody hears themselves, and edges hold nothing back from or of those who do not speak in the phase.
    pub fn hears(&self, phase: &Phase, reader: usize, speaker: usize) -> bool {
        if reader == speaker || phase.edges.is_all() {
            return true;
        }
        let speakers = self.speakers(phase);
        let place = |member: usize| speakers.iter().position(|other| *other == member);
        let (Some(own), Some(other)) = (place(reader), place(speaker)) else {
            return true;
        };
        let last = speakers.len() - 1;
        let before = |place: usize| if place == 0 { last } else { place - 1 };
        match &phase.edges {
            Edges::All => true,
            Edges::Ring => before(own) == other || before(other) == own,
            Edges::Star => own == 0 || other == 0,
            Edges::Prev => before(own) == other,
            Edges::To(role) => {
                let holds = |member: usize| self.spec.cast[member].role == *role;
                holds(reader) || holds(speaker)
            }
        }
    }
}
