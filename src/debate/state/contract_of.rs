//! What the answer of a turn must be.

use std::borrow::Cow;

use super::State;
use super::TurnRecord;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Extract;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;

/// The field in which a picker names the next speaker.
pub(super) const NEXT: &str = "next";

impl State {
    /// What the answer of a turn must be: its phase's contract. A picker whose phase asks for no field `next` names
    /// the next speaker in a form of its own.
    pub fn contract_of(&self, turn: &TurnRecord) -> Cow<'_, Contract> {
        let phase = self.phase(&turn.phase);
        let contract = &self.spec.format.contracts[&phase.contract];
        let says_next = |field: &Field| field.name == NEXT;
        if !turn.picks || contract.fields.iter().any(says_next) {
            return Cow::Borrowed(contract);
        }
        let names = self.pickable(phase, turn.member);
        let names = names
            .into_iter()
            .map(|member| self.spec.cast[member].name.clone());
        let field = |name: &str, kind| Field {
            name: name.to_owned(),
            kind,
        };
        Cow::Owned(Contract {
            kind: ContractKind::Json,
            fields: vec![
                field("reason", FieldKind::Text),
                field(NEXT, FieldKind::OneOf(names.collect())),
            ],
            extract: vec![Extract::Schema, Extract::Fence],
            repair: 1,
            choices: None,
            quotes: None,
        })
    }

    /// Whom a picker can name: the phase's speakers but itself.
    pub(super) fn pickable(
        &self,
        phase: &crate::types::debate::Phase,
        picker: usize,
    ) -> Vec<usize> {
        let mut members = self.speakers(phase);
        members.retain(|member| *member != picker);
        members
    }
}
