//! A debate on a terminal: events in, lines out. Speakers who speak at once are told one after the other.

use std::collections::BTreeMap;

use crate::events::Ending;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::SpeechChannel;
use crate::events::TurnAction;
use crate::events::WaitingFor;
use crate::types::TurnId;
use crate::types::debate::Verdict;

/// Columns of text.
const WIDTH: usize = 88;
/// Colours of speakers, as ANSI codes.
const COLOURS: [&str; 6] = ["36", "33", "35", "32", "34", "31"];

/// Turns what happens into text for people.
#[derive(Debug, Default)]
pub(super) struct Renderer {
    coloured: bool,
    /// The turn whose words are written as they come; the others wait.
    speaking: Option<TurnId>,
    /// Words so far of turns that are not done: all of them, so that what was written can be completed.
    heard: BTreeMap<TurnId, Heard>,
    column: usize,
    colours: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
struct Heard {
    heading: String,
    text: String,
    written: usize,
}

impl Renderer {
    /// A renderer with or without colours.
    pub(super) fn new(coloured: bool) -> Self {
        Self {
            coloured,
            ..Self::default()
        }
    }

    /// Takes new words of a turn and gives what to write.
    pub(super) fn words(
        &mut self,
        turn: &TurnId,
        channel: SpeechChannel,
        off: u64,
        text: &str,
    ) -> String {
        let Some(heard) = self
            .heard
            .get_mut(turn)
            .filter(|_| channel == SpeechChannel::Speech)
        else {
            return String::new();
        };
        let known = heard.text.chars().count() as u64;
        if off > known {
            // Words were lost; the whole text comes at the end of the turn.
            return String::new();
        }
        heard.text.extend(text.chars().skip((known - off) as usize));
        match self.speaking == Some(turn.clone()) {
            true => self.write_new(turn, false),
            false => String::new(),
        }
    }

    /// Takes a durable event and gives what to write.
    pub(super) fn event(&mut self, event: &Envelope) -> String {
        let turn = event.turn.as_ref();
        match &event.body {
            EventBody::Created(created) => {
                let spec = &created.spec;
                let cast = spec
                    .cast
                    .iter()
                    .map(|it| format!("  {} ({}): {}\n", it.name, it.role, it.model));
                let warnings = created.warnings.iter().map(|it| format!("note: {it}\n"));
                format!(
                    "{}\n{}{}",
                    self.strong(&spec.topic),
                    cast.collect::<String>(),
                    warnings.collect::<String>()
                )
            }
            EventBody::PhaseStarted { repetition, .. } => {
                let phase = event
                    .phase
                    .as_deref()
                    .unwrap_or_default()
                    .replace(['-', '_'], " ");
                let round = if *repetition > 0 {
                    format!(", round {}", repetition + 1)
                } else {
                    String::new()
                };
                self.paragraph(&self.strong(&format!("── {phase}{round} ──")))
            }
            EventBody::TurnStarted(started) => {
                let heading = self.speaker(
                    &started.agent,
                    started.side.as_deref().unwrap_or(&started.role),
                );
                let heard = Heard {
                    heading,
                    ..Heard::default()
                };
                turn.map_or_else(String::new, |turn| self.begin(turn, heard))
            }
            EventBody::TurnCompleted(completed) => {
                turn.map_or_else(String::new, |turn| self.complete(turn, &completed.text))
            }
            EventBody::TurnReset(reset) => {
                let what = match reset.action {
                    TurnAction::Hold => "held".to_owned(),
                    TurnAction::Substitute => format!("{}; the stand-in is asked", reset.reason),
                    TurnAction::Repair => {
                        "the answer could not be read; asking for it again".to_owned()
                    }
                    TurnAction::Retry
                    | TurnAction::Skip
                    | TurnAction::Forfeit
                    | TurnAction::Abort => {
                        format!("{}; asking again", reset.reason)
                    }
                };
                turn.map_or_else(String::new, |turn| self.void(turn, &what))
            }
            EventBody::TurnFailed(failed) => {
                let text = format!("[no statement: {} — {}]", failed.reason, failed.message);
                turn.map_or_else(String::new, |turn| self.complete(turn, &text))
            }
            EventBody::TurnWaiting(cause) => self.paragraph(&waiting(cause)),
            EventBody::HumanAccepted { text, .. } => self.paragraph(&format!("audience: {text}")),
            EventBody::PositionChanged { agent, from, to } => {
                self.paragraph(&format!("{agent} changed from \"{from}\" to \"{to}\""))
            }
            EventBody::BudgetWarning { cap, used, limit } => {
                self.paragraph(&format!("{used} of {limit} {cap} are used"))
            }
            EventBody::BudgetExceeded { cap, .. } => {
                self.paragraph(&format!("the cap on {cap} is reached"))
            }
            EventBody::Paused {} => self.paragraph("paused"),
            EventBody::Resumed {} => self.paragraph("going on"),
            EventBody::Recovered { .. } => self.paragraph("going on after an interruption"),
            EventBody::VerdictFinal(verdict) => self.verdict(verdict),
            EventBody::Finished(ending)
            | EventBody::Cancelled(ending)
            | EventBody::Failed(ending) => self.ending(ending),
            EventBody::Started {}
            | EventBody::CommandAccepted { .. }
            | EventBody::CallFinished(_)
            | EventBody::TimerFired { .. }
            | EventBody::PhaseFinished { .. }
            | EventBody::HumanRequested(_)
            | EventBody::PollOpened { .. }
            | EventBody::VoteCast { .. }
            | EventBody::PollClosed { .. }
            | EventBody::ClaimChecked(_)
            | EventBody::SummaryReady { .. }
            | EventBody::ModelSwapped { .. }
            | EventBody::LimitsRaised(_)
            | EventBody::VerdictStarted {} => String::new(),
        }
    }

    fn begin(&mut self, turn: &TurnId, heard: Heard) -> String {
        self.heard.insert(turn.clone(), heard);
        match self.speaking {
            Some(_) => String::new(),
            None => self.give_floor(turn),
        }
    }

    fn give_floor(&mut self, turn: &TurnId) -> String {
        self.speaking = Some(turn.clone());
        let heading = self
            .heard
            .get(turn)
            .map(|heard| heard.heading.clone())
            .unwrap_or_default();
        let mut out = self.paragraph(&heading);
        out.push_str(&self.write_new(turn, false));
        out
    }

    /// Ends a turn with its whole text, and lets the next one be heard.
    fn complete(&mut self, turn: &TurnId, text: &str) -> String {
        let mut out = String::new();
        if self.speaking.is_none() {
            out.push_str(&self.give_floor(turn));
        }
        if let Some(heard) = self.heard.get_mut(turn) {
            text.clone_into(&mut heard.text);
        }
        if self.speaking != Some(turn.clone()) {
            return out;
        }
        out.push_str(&self.write_new(turn, true));
        self.heard.remove(turn);
        self.speaking = None;
        out.push_str(&self.line_end());
        if let Some(next) = self.heard.keys().next().cloned() {
            out.push_str(&self.give_floor(&next));
        }
        out
    }

    fn void(&mut self, turn: &TurnId, what: &str) -> String {
        if let Some(heard) = self.heard.get_mut(turn) {
            heard.text.clear();
            heard.written = 0;
        }
        match self.speaking == Some(turn.clone()) {
            true => self.paragraph(&format!("— {what} —")),
            false => String::new(),
        }
    }

    /// Writes what was not written yet, whole words at a time until the end.
    fn write_new(&mut self, turn: &TurnId, to_end: bool) -> String {
        let Some(heard) = self.heard.get_mut(turn) else {
            return String::new();
        };
        let rest = heard.text.get(heard.written..).unwrap_or_default();
        let ready = if to_end {
            rest.len()
        } else {
            rest.rfind(char::is_whitespace).map_or(0, |at| at + 1)
        };
        let ready = rest.get(..ready).unwrap_or_default().to_owned();
        heard.written += ready.len();
        self.wrap(&ready)
    }

    fn wrap(&mut self, text: &str) -> String {
        let mut out = String::new();
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            let width = word.chars().count();
            if self.column > 0 && self.column + width > WIDTH {
                out.push('\n');
                self.column = 0;
            }
            out.push_str(word);
            self.column += width;
            match piece[word.len()..].chars().next() {
                Some('\n') => {
                    out.push('\n');
                    self.column = 0;
                }
                Some(_) if self.column > 0 => {
                    out.push(' ');
                    self.column += 1;
                }
                Some(_) | None => {}
            }
        }
        out
    }

    fn verdict(&mut self, verdict: &Verdict) -> String {
        let won = verdict.winner.as_ref().or(verdict.answer.as_ref()).cloned();
        let headline = won.unwrap_or_else(|| format!("{:?}", verdict.status).to_lowercase());
        let mut out = self.paragraph(&self.strong(&format!("── verdict: {headline} ──")));
        let reason = self.wrap(&verdict.reason);
        out.push_str(&reason);
        out.push_str(&self.line_end());
        for ballot in &verdict.panel {
            let choice = ballot.choice.as_deref().unwrap_or("could not be read");
            out.push_str(&format!("  {}: {choice}\n", ballot.agent));
        }
        let mut told: Vec<String> = Vec::new();
        for baseline in &verdict.baselines {
            let answer = baseline.answer.as_deref().unwrap_or("none");
            let line = format!(
                "  without debating: {answer} ({} of {})\n",
                baseline.support, baseline.of
            );
            // The most held answer may be the surest agent's, too.
            if !told.contains(&line) {
                out.push_str(&line);
                told.push(line);
            }
        }
        for note in verdict.dissent.iter().chain(&verdict.notes) {
            out.push_str(&format!("  {note}\n"));
        }
        out
    }

    fn ending(&mut self, ending: &Ending) -> String {
        let totals = &ending.totals;
        let cost = if totals.cost_known {
            totals.cost_nanousd.to_string()
        } else {
            format!("at least {}", totals.cost_nanousd)
        };
        let mut out = self.paragraph(&format!(
            "{}: {} calls, {} tokens, {cost}",
            ending.outcome.as_str(),
            totals.calls,
            totals.usage.total_tokens()
        ));
        for note in ending.reason.iter().chain(&ending.degraded) {
            out.push_str(&format!("  {note}\n"));
        }
        out
    }

    /// A line of its own, with an empty one before it.
    fn paragraph(&mut self, line: &str) -> String {
        let before = self.line_end();
        format!("{before}\n{line}\n")
    }

    fn line_end(&mut self) -> String {
        match std::mem::take(&mut self.column) {
            0 => String::new(),
            _ => "\n".to_owned(),
        }
    }

    fn speaker(&mut self, name: &str, role: &str) -> String {
        let next = self.colours.len() % COLOURS.len();
        let colour = *self.colours.entry(name.to_owned()).or_insert(next);
        match self.coloured {
            true => format!("\u{1b}[1;{}m{name}\u{1b}[0m ({role})", COLOURS[colour]),
            false => format!("{name} ({role})"),
        }
    }

    fn strong(&self, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn waiting(cause: &WaitingFor) -> String {
    match cause {
        WaitingFor::Queued { behind } => {
            format!("… queued behind {behind} on the same local server")
        }
        WaitingFor::ModelLoading {
            model: Some(model),
            waited_ms,
        } => format!("… loading {} ({} s)", model.model(), waited_ms / 1000),
        WaitingFor::RateLimited { wait_ms } => {
            format!("… at the provider's limit ({} s)", wait_ms / 1000)
        }
        WaitingFor::ModelLoading { model: None, .. } => {
            "… the local model is being loaded".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Draft;
    use crate::events::TurnStarted;
    use crate::types::DebateId;

    fn at(turn: &str, body: EventBody) -> Envelope {
        let draft = Draft {
            phase: Some("opening".into()),
            round: Some(0),
            turn: Some(TurnId::new(turn)),
            body,
        };
        draft.into_envelope(DebateId::new("d"), 1, 0)
    }

    fn started(turn: &str, agent: &str) -> Envelope {
        let started = TurnStarted {
            agent: agent.into(),
            role: "pro".into(),
            side: None,
            model: "demo/x".parse().unwrap(),
            attempt: 0,
            prompt_hash: String::new(),
            substitute_for: None,
            swapped: false,
        };
        at(turn, EventBody::TurnStarted(Box::new(started)))
    }

    #[test]
    fn speakers_who_speak_at_once_are_told_one_after_the_other() {
        let mut renderer = Renderer::new(false);
        let (first, second) = (TurnId::new("t_1"), TurnId::new("t_2"));
        let mut out = renderer.event(&started("t_1", "Ada"));
        out += &renderer.event(&started("t_2", "Boole"));
        out += &renderer.words(&first, SpeechChannel::Speech, 0, "one ");
        out += &renderer.words(&second, SpeechChannel::Speech, 0, "two");
        out += &renderer.words(&first, SpeechChannel::Speech, 4, "more");
        out += &renderer.complete(&first, "one more");
        out += &renderer.complete(&second, "two");
        assert_eq!(out, "\nAda (pro)\none more\n\nBoole (pro)\ntwo\n");
    }

    #[test]
    fn words_that_were_lost_come_with_the_whole_text() {
        let mut renderer = Renderer::new(false);
        let turn = TurnId::new("t_1");
        let mut out = renderer.event(&started("t_1", "Ada"));
        out += &renderer.words(&turn, SpeechChannel::Speech, 0, "a b ");
        out += &renderer.words(&turn, SpeechChannel::Speech, 9, "z ");
        out += &renderer.complete(&turn, "a b cdefz ");
        assert_eq!(out, "\nAda (pro)\na b cdefz \n");
    }

    #[test]
    fn what_would_have_come_out_without_debating_is_told_once() {
        let same = serde_json::json!({"answer": "4", "support": 1, "of": 2});
        let baseline = |id: &str| {
            let mut baseline = same.clone();
            baseline["id"] = id.into();
            baseline
        };
        let verdict = serde_json::from_value(serde_json::json!({
            "status": "decided", "rule": "majority", "winner": null, "answer": "4", "reason": "2 of 2", "margin": null,
            "panel": [], "flips": [], "dissent": [], "swap_consistent": null, "notes": [],
            "baselines": [baseline("round0_majority"), baseline("single_best")],
        }));
        let out = Renderer::new(false).verdict(&verdict.unwrap());
        assert_eq!(
            out.matches("without debating: 4 (1 of 2)").count(),
            1,
            "{out}"
        );
    }

    #[test]
    fn long_lines_are_wrapped_at_words() {
        let mut renderer = Renderer::new(false);
        let text = renderer.wrap(&"word ".repeat(40));
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH + 1),
            "{text}"
        );
        assert_eq!(text.split_whitespace().count(), 40);
    }
}
