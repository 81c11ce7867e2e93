//! What a debate can use at most, and what it is expected to use. Pure.

mod lengths;
mod nominal;
mod seats;
mod seen;

use crate::debate::contract;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::Usage;
use crate::types::debate::CastMember;
use crate::types::debate::Contract;
use crate::types::debate::Estimate;
use crate::types::debate::Extract;
use crate::types::debate::OnFailThen;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::Spec;

pub use nominal::Nominal;
pub use nominal::SECRET_CHARS;
pub use nominal::TOPIC_CHARS;
pub use nominal::range;

use lengths::Lengths;
use seats::Turn;
use seen::Said;

/// Tokens of a repair's own words, the problem quoted in it included; and of those around an answer that another
/// model is asked to read.
const REPAIR_TOKENS: u64 = 260;

/// Computes the upper bounds of a debate, and what it uses when nothing has to be mended and nothing ends early.
///
/// Every phase is taken to run as often as it may. What people interject or do by command is not foreseen, and a
/// stand-in is taken to charge what the agent's own model does. The expected figures take answers to be nearly as
/// long as they are asked to be; what a model thinks before it answers is not in them.
pub fn estimate(spec: &Spec) -> Estimate {
    let most = Walk::through(spec, Lengths::Most).used;
    let likely = Walk::through(spec, Lengths::Likely).used;
    Estimate {
        max_calls: most.calls,
        expected_calls: likely.calls,
        max_input_tokens: most.input,
        max_output_tokens: most.output,
        max_cost_nanousd: most.cost,
        expected_input_tokens: likely.input,
        expected_output_tokens: likely.output,
        expected_cost_nanousd: likely.cost,
    }
}

/// The phases that are not interleaved into another and run in this debate.
fn main_line(spec: &Spec) -> impl Iterator<Item = &Phase> {
    let phases = &spec.format.phases;
    let interleaved = move |id: &String| phases.iter().any(|host| host.interleave.contains(id));
    phases.iter().filter(move |phase| !interleaved(&phase.id))
}

/// The debate as far as it has been walked through.
struct Walk<'a> {
    spec: &'a Spec,
    lengths: Lengths,
    said: Vec<Said<'a>>,
    used: Used,
}

/// What has been used so far.
#[derive(Debug, Clone, Copy)]
struct Used {
    calls: u64,
    input: u64,
    output: u64,
    cost: Option<NanoUsd>,
}

impl Used {
    /// The larger of each: where one of several speaks, each of them may be the dearest in one way.
    fn or_more(self, other: Self) -> Self {
        Self {
            calls: self.calls.max(other.calls),
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cost: self.cost.zip(other.cost).map(|(a, b)| a.max(b)),
        }
    }
}

impl<'a> Walk<'a> {
    fn through(spec: &'a Spec, lengths: Lengths) -> Self {
        let mut walk = Self {
            spec,
            lengths,
            said: Vec::new(),
            used: Used {
                calls: 0,
                input: 0,
                output: 0,
                cost: Some(NanoUsd(0)),
            },
        };
        for phase in main_line(spec) {
            let most = phase.repeat.max;
            let repetitions = spec.limits.rounds.map_or(most, |cap| most.min(cap));
            for round in 0..repetitions {
                walk.repetition(phase, round);
                let guests = phase.interleave.iter();
                for guest in guests.filter_map(|id| spec.format.phase(id)) {
                    walk.repetition(guest, round);
                }
            }
        }
        walk
    }

    /// Runs a phase once: simultaneous speakers hear nothing of each other.
    fn repetition(&mut self, phase: &'a Phase, round: u32) {
        if matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman) {
            return;
        }
        let before = self.said.len();
        let mut most = self.used;
        for turn in seats::of(self.spec, phase, round, self.lengths) {
            let used = self.used;
            let tokens = self.turn(phase, &turn);
            self.said.push(Said {
                member: turn.member,
                phase,
                round,
                tokens,
                heard: turn.speaks_alone,
            });
            if turn.alternative {
                most = most.or_more(self.used);
                self.used = used;
            }
        }
        self.used = self.used.or_more(most);
        for said in &mut self.said[before..] {
            said.heard = true;
        }
    }

    /// Books a turn, and returns the tokens of its answer when somebody reads it.
    fn turn(&mut self, phase: &'a Phase, turn: &Turn) -> u64 {
        let (lengths, spec) = (self.lengths, self.spec);
        let member = &spec.cast[turn.member];
        let contract = spec.format.contracts.get(&phase.contract);
        let answer = lengths.answer(spec, phase, member, contract);
        let calls = Calls::of(phase, turn, member, contract, self.lengths);
        if calls.all() > 0 {
            let prompt = self.prompt(phase, turn, contract);
            let form = contract.map_or(0, |contract| lengths.form(spec, contract));
            let again = answer.saturating_add(REPAIR_TOKENS + form);
            let usage = Usage {
                input: prompt
                    .saturating_mul(calls.all())
                    .saturating_add(again.saturating_mul(calls.with_last_answer())),
                output: answer.saturating_mul(calls.all()),
                ..Usage::default()
            };
            let longest = prompt.saturating_add(again);
            self.book(calls.all(), &usage, longest, member.prices);
            self.have_it_read(phase, &calls, answer, again);
        }
        answer.saturating_add(lengths.around_quote(member))
    }

    /// Another model reads what could not be read.
    fn have_it_read(&mut self, phase: &Phase, calls: &Calls, answer: u64, again: u64) {
        let contract = self.spec.format.contracts.get(&phase.contract);
        let asks = contract.is_some_and(|contract| contract.extract.contains(&Extract::Ask));
        let Some(extractor) = self.spec.extractor.as_ref().filter(|_| asks) else {
            return;
        };
        let times = match self.lengths {
            Lengths::Most => calls.speakers,
            Lengths::Likely => return,
        };
        let usage = Usage {
            input: again.saturating_mul(times),
            output: answer.saturating_mul(times),
            ..Usage::default()
        };
        self.book(times, &usage, again, extractor.prices);
    }

    fn book(&mut self, calls: u64, usage: &Usage, longest: u64, prices: Option<Prices>) {
        let used = &mut self.used;
        used.calls = used.calls.saturating_add(calls);
        used.input = used.input.saturating_add(usage.input);
        used.output = used.output.saturating_add(usage.output);
        let cost = prices.map(|prices| prices.cost_of_calls(usage, longest));
        used.cost = used.cost.zip(cost).map(|(sum, more)| sum + more);
    }

    /// Tokens of a turn's first request.
    fn prompt(&self, phase: &'a Phase, turn: &Turn, contract: Option<&Contract>) -> u64 {
        let (spec, lengths) = (self.spec, self.lengths);
        let member = &spec.cast[turn.member];
        let role = spec.format.role(&member.role);
        let role = role.and_then(|role| role.persona.as_deref());
        let own = [Some(member.name.as_str()), role, member.persona.as_deref()];
        let own: u64 = own
            .into_iter()
            .flatten()
            .map(|text| lengths.text(text))
            .sum();
        let reader = seen::Reader {
            spec,
            lengths,
            said: &self.said,
            phase,
            turn,
        };
        lengths
            .frame()
            .saturating_add(own)
            .saturating_add(self.task(phase, turn, contract))
            .saturating_add(reader.tokens())
    }

    /// Tokens of the prompt that a turn gets, filled in.
    fn task(&self, phase: &Phase, turn: &Turn, contract: Option<&Contract>) -> u64 {
        let (spec, lengths) = (self.spec, self.lengths);
        let form = contract.map_or(0, |contract| lengths.form(spec, contract));
        let topic = lengths.text(&spec.topic);
        let options: u64 = spec.options.iter().map(|it| lengths.text(it)).sum();
        let filled = |id: &String| {
            let text = spec.format.prompts.get(id).map_or("", String::as_str);
            let times = |name: &str| text.matches(name).count() as u64;
            lengths
                .template(text)
                .saturating_add(lengths.times(topic, times("topic")))
                .saturating_add(lengths.times(options, times("options")))
                .saturating_add(lengths.times(form, times("form")))
        };
        let tokens = match lengths {
            Lengths::Most => {
                let prompts = super::phases::prompts_of(phase).into_values();
                prompts.map(filled).max().unwrap_or(0)
            }
            Lengths::Likely => filled(turn.prompt(spec, phase)),
        };
        tokens.saturating_add(lengths.heading())
    }
}

/// The calls that one turn can take.
struct Calls {
    retries: u64,
    repairs: u64,
    /// 2 when a stand-in can try again from the beginning; 0 where nobody has to be called.
    speakers: u64,
}

impl Calls {
    fn of(
        phase: &Phase,
        turn: &Turn,
        member: &CastMember,
        contract: Option<&Contract>,
        lengths: Lengths,
    ) -> Self {
        if lengths == Lengths::Likely {
            return Self {
                retries: 0,
                repairs: 0,
                speakers: u64::from(member.human.is_none()),
            };
        }
        // A picker whose phase asks for no `next` names the speaker in a form that may be mended once.
        let least = u32::from(turn.picks);
        let repairs = contract.map_or(0, |contract| contract.repair).max(least);
        let stand_in = member
            .substitute
            .as_ref()
            .is_some_and(|model| *model != member.model);
        let speakers = 1 + u64::from(stand_in && phase.on_fail.then == OnFailThen::Substitute);
        Self {
            retries: u64::from(phase.on_fail.retry),
            repairs: u64::from(repairs),
            speakers,
        }
    }

    fn all(&self) -> u64 {
        self.speakers * (1 + self.retries + self.repairs)
    }

    /// Those that carry an answer that could not be read: the repairs, and retries of them.
    fn with_last_answer(&self) -> u64 {
        match self.repairs {
            0 => 0,
            repairs => self.speakers * (repairs + self.retries),
        }
    }
}

/// Whether a contract has judges say by how much somebody won, so that only close rulings are asked for twice.
fn says_margin(contract: &Contract) -> bool {
    contract.fields.iter().any(|field| field.name == "margin")
}

/// The choices of a contract at their longest.
fn choices_of(contract: &Contract, spec: &Spec) -> Vec<String> {
    contract::most_choices(contract, spec)
}
