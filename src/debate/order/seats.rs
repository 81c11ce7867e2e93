//! Who sits where.

use super::AgentOrder;
use crate::types::debate::Format;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;

/// A seat, and who holds it.
pub(super) struct Seat {
    pub(super) role: String,
    pub(super) field: String,
    pub(super) agent: AgentOrder,
    pub(super) defaulted: bool,
}

/// The seats of a format that are taken.
pub(super) struct Seats<'a> {
    format: &'a Format,
    pub(super) taken: Vec<Seat>,
}

impl<'a> Seats<'a> {
    pub(super) fn new(format: &'a Format) -> Self {
        Self {
            format,
            taken: Vec::new(),
        }
    }

    pub(super) fn holders(&self, role: &str) -> u32 {
        self.taken.iter().filter(|seat| seat.role == role).count() as u32
    }

    pub(super) fn take(&mut self, role: &str, field: &str, agent: &AgentOrder) {
        let (role, field) = (role.to_owned(), field.to_owned());
        self.taken.push(Seat {
            role,
            field,
            agent: agent.clone(),
            defaulted: false,
        });
    }

    /// The next seat for an agent without a role: first those that must be filled, in the format's order, then
    /// those that may be.
    pub(super) fn free(&self, judges: bool) -> Option<String> {
        let fits = |role: &&RoleDef| (role.kind == RoleKind::Debater) != judges;
        let roles = || self.format.roles.iter().filter(fits);
        let needed = roles().find(|role| self.holders(&role.id) < role.count.min);
        needed
            .or_else(|| roles().find(|role| self.holders(&role.id) < role.count.max))
            .map(|role| role.id.clone())
    }
}

/// How many may hold a role, in words.
pub(super) fn seats_of(role: &RoleDef) -> String {
    match (role.count.min, role.count.max) {
        (1, 1) => format!("1 {}", role.id),
        (min, max) if min == max => format!("{min} of role {}", role.id),
        (min, max) => format!("{min} to {max} of role {}", role.id),
    }
}
