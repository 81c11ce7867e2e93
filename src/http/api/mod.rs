//! `/api/v1`.

pub(super) mod commands;
pub(super) mod debates;
pub(super) mod events;
pub(super) mod export;
pub(super) mod fork;
pub(super) mod lists;
pub(super) mod models;
pub(super) mod order;
pub(super) mod tickets;
pub(super) mod told;
pub(super) mod transcript;
