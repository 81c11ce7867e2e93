//! Debate formats as data: the loader of `formats/*.toml`, and what a debate may cost before it starts.
//!
//! The loader is strict: every reference is resolved, everything that this version does not run is refused
//! by name, and all mistakes of a file are reported at once, each with its line.

mod bounds;
mod check;
mod contracts;
mod course;
mod document;
mod library;
mod phases;
mod predicate;
mod prompts;
mod read;
mod roles;
mod sight;
#[cfg(test)]
mod tests;

pub use bounds::estimate;
pub use library::FormatLibrary;
pub use prompts::Variables;
pub use prompts::render;
pub use read::parse;
