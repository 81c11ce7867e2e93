//! Debate formats as data: the loader of `formats/*.toml`, and what a debate may cost before it starts.
//!
//! The loader is strict: every reference is resolved, what could not run is refused, and all mistakes of a
//! file are reported at once, each with its line.

mod bounds;
mod check;
mod contracts;
mod course;
mod decisions;
mod document;
mod library;
mod phases;
mod predicate;
mod prompts;
mod questions;
mod read;
mod roles;
mod sight;
pub mod spelling;
#[cfg(test)]
mod tests;

pub use bounds::Nominal;
pub use bounds::SECRET_CHARS;
pub use bounds::TOPIC_CHARS;
pub use bounds::estimate;
pub use bounds::range;
pub use library::FormatLibrary;
pub use library::read_file;
pub use prompts::Variables;
pub use prompts::render;
pub use read::parse;
