//! What the loader accepts, and how it says what is wrong.

use std::fs;

use proptest::prelude::*;

use super::phases::asks_people;
use super::*;
use crate::types::Diagnostic;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Choices;
use crate::types::debate::Count;
use crate::types::debate::Edges;
use crate::types::debate::Estimate;
use crate::types::debate::Extract;
use crate::types::debate::Extractor;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Format;
use crate::types::debate::HiddenUntil;
use crate::types::debate::HumanSeat;
use crate::types::debate::Limits;
use crate::types::debate::OnFailThen;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Predicate;
use crate::types::debate::Quorum;
use crate::types::debate::QuoteSource;
use crate::types::debate::Rule;
use crate::types::debate::Spec;
use crate::types::debate::Tie;
use crate::types::debate::Weights;

/// A small format that is right; the tests break it, one line at a time.
const SMALL: &str = r#"[protocol]
id = "small"
version = 1
title = "Small"
description = "Two sides and a judge."

[roles.pro]
kind = "debater"
side = "pro"

[roles.con]
kind = "debater"
side = "con"

[roles.judge]
kind = "judge"
count = "1..3"

[[phase]]
id = "opening"
kind = "speak"
who = "debaters"
sees = ["topic", "side", "others:last"]
prompt = { pro = "argue", con = "argue" }
contract = "speech"
words = 100

[[phase]]
id = "judging"
kind = "judge"
who = "judges"
order = "simultaneous"
sees = ["topic", "phase:opening+anon"]
prompt = "rule"
contract = "verdict"

[contract.speech]
type = "text"

[contract.verdict]
type = "verdict"
fields = { winner = "pro|con|tie", reason = "string" }

[decision]
rule = "panel"
of = "judging.winner"

[prompts.argue]
template = "Argue for {{ side }} in {{ words }} words."

[prompts.rule]
template = """
Rule on it.
{{ form }}
"""
"#;

fn shipped(id: &str) -> Format {
    Format::clone(FormatLibrary::embedded().get(id).unwrap())
}

/// The mistakes of the small format after one replacement.
fn mistakes_with(from: &str, to: &str) -> Vec<Diagnostic> {
    assert!(SMALL.contains(from), "the small format has no {from}");
    parse("small.toml", &SMALL.replacen(from, to, 1)).unwrap_err()
}

fn line_of(source: &str, text: &str) -> usize {
    1 + source.lines().position(|line| line.contains(text)).unwrap()
}

mod bounds;
mod library;
mod mistakes;
mod played;
mod reading;
mod refusals;
mod shipped;
mod spelled;
