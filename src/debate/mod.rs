//! The debate engine: formats, the pure step, the driver, who sees what, decisions.

pub mod contract;
pub mod format;
