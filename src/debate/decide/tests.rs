//! The decision rules and the verdict, against results computed by hand.

mod published;
mod rules;
mod table;
mod verdicts;
