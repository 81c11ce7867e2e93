//! The `agon` program's commands.
