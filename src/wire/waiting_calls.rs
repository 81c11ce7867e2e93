//! Calls whose pieces come while another call is written: providers may mix them, some wires do not.

use crate::types::ToolCallDelta;

/// The calls that wait, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct WaitingCalls {
    calls: Vec<ToolCallDelta>,
}

impl WaitingCalls {
    /// Adds a piece to its call.
    pub(super) fn add(&mut self, piece: &ToolCallDelta) {
        match self.calls.iter_mut().find(|call| call.index == piece.index) {
            Some(call) => {
                call.arguments.push_str(&piece.arguments);
                call.id = call.id.take().or_else(|| piece.id.clone());
                call.name = call.name.take().or_else(|| piece.name.clone());
            }
            None => self.calls.push(piece.clone()),
        }
    }

    /// Gives the calls, as far as their pieces came.
    pub(super) fn take(&mut self) -> Vec<ToolCallDelta> {
        std::mem::take(&mut self.calls)
    }
}
