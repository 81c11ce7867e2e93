//! The `agon` program.

fn main() {}
