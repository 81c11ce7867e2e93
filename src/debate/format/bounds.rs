//! What a debate can use at most, and will use when nothing goes wrong. Pure.

use std::collections::BTreeMap;

use crate::debate::contract;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Contract;
use crate::types::debate::Estimate;
use crate::types::debate::Extract;
use crate::types::debate::OnFailThen;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::Sight;
use crate::types::debate::Spec;
use crate::types::usage::estimate_tokens;

/// Tokens of the engine's own words in a request: who the speaker is, and that quotes are no instructions.
const FRAME_TOKENS: u64 = 200;

/// Tokens around each quoted statement: its fences and the place where it was said.
const QUOTE_TOKENS: u64 = 64;

/// Tokens of a heading over what is seen.
const HEADING_TOKENS: u64 = 16;

/// Tokens of a repair's own words, the problem quoted in it included.
const REPAIR_TOKENS: u64 = 200;

/// Computes the upper bounds of a debate, and the calls that it takes when nothing has to be mended.
///
/// Every phase is taken to run as often as it may. What people interject or do by command is not
/// foreseen, and a stand-in is taken to charge what the agent's own model does.
pub fn estimate(spec: &Spec) -> Estimate {
    let mut walk = Walk::new(spec);
    for phase in main_line(spec) {
        let most = phase.repeat.max;
        let repetitions = spec.limits.rounds.map_or(most, |cap| most.min(cap));
        for _ in 0..repetitions {
            walk.repetition(phase);
            for guest in phase
                .interleave
                .iter()
                .filter_map(|id| spec.format.phase(id))
            {
                walk.repetition(guest);
            }
        }
    }
    walk.estimate
}

/// The phases that are not interleaved into another.
fn main_line(spec: &Spec) -> impl Iterator<Item = &Phase> {
    let phases = &spec.format.phases;
    let interleaved = move |id: &String| phases.iter().any(|host| host.interleave.contains(id));
    phases.iter().filter(move |phase| !interleaved(&phase.id))
}

/// What a statement adds to the request of whoever sees it.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    all: u64,
    last: u64,
}

impl Said {
    fn add(&mut self, tokens: u64) {
        self.all = self.all.saturating_add(tokens);
        self.last = tokens;
    }
}

/// The debate as far as it has been walked through, every answer as long as it may be.
struct Walk<'a> {
    spec: &'a Spec,
    by_member: Vec<Said>,
    by_phase: BTreeMap<&'a str, u64>,
    estimate: Estimate,
}

impl<'a> Walk<'a> {
    fn new(spec: &'a Spec) -> Self {
        let all_priced = spec.cast.iter().all(|member| member.prices.is_some());
        Self {
            spec,
            by_member: vec![Said::default(); spec.cast.len()],
            by_phase: BTreeMap::new(),
            estimate: Estimate {
                max_cost_nanousd: all_priced.then_some(NanoUsd(0)),
                ..Estimate::default()
            },
        }
    }

    /// Runs a phase once: simultaneous speakers see nothing of each other.
    fn repetition(&mut self, phase: &'a Phase) {
        let cast = &self.spec.cast;
        let of_role = |role: &'a String| (0..cast.len()).filter(move |at| cast[*at].role == *role);
        let speakers: Vec<usize> = phase.who.iter().flat_map(of_role).collect();
        let mut said = Vec::new();
        for member in speakers {
            let tokens = self.turn(phase, member);
            match &phase.order {
                Order::Sequential
                | Order::Alternate
                | Order::Rotate
                | Order::PairQa
                | Order::Pick(_) => self.say(phase, member, tokens),
                Order::Simultaneous => said.push((member, tokens)),
            }
        }
        for (member, tokens) in said {
            self.say(phase, member, tokens);
        }
    }

    fn say(&mut self, phase: &'a Phase, member: usize, tokens: u64) {
        self.by_member[member].add(tokens);
        let of_phase = self.by_phase.entry(&phase.id).or_default();
        *of_phase = of_phase.saturating_add(tokens);
    }

    /// Books a turn at its dearest, and returns the tokens of its answer when quoted.
    fn turn(&mut self, phase: &Phase, index: usize) -> u64 {
        let member = &self.spec.cast[index];
        let contract = self.spec.format.contracts.get(&phase.contract);
        let answer = u64::from(
            member
                .max_tokens
                .map_or(phase.tokens, |own| own.min(phase.tokens)),
        );
        let prompt = self.prompt_tokens(phase, index, contract);
        let form = contract.map_or(0, |contract| {
            estimate_tokens(&contract::instruction(
                contract,
                &contract::most_choices(contract, self.spec),
            ))
        });
        let again = answer.saturating_add(REPAIR_TOKENS + form);
        let calls = Calls::of(phase, member, contract);
        let input = prompt
            .saturating_mul(calls.all())
            .saturating_add(again.saturating_mul(calls.with_last_answer()));
        let output = answer.saturating_mul(calls.all());
        let estimate = &mut self.estimate;
        estimate.expected_calls += 1;
        estimate.max_calls += calls.all();
        estimate.max_input_tokens = estimate.max_input_tokens.saturating_add(input);
        estimate.max_output_tokens = estimate.max_output_tokens.saturating_add(output);
        let usage = Usage {
            input,
            output,
            ..Usage::default()
        };
        let longest = prompt.saturating_add(again);
        let cost = member
            .prices
            .map(|prices| prices.cost_of_calls(&usage, longest));
        estimate.max_cost_nanousd = estimate
            .max_cost_nanousd
            .zip(cost)
            .map(|(sum, more)| sum + more);
        answer + QUOTE_TOKENS + estimate_tokens(&member.name)
    }

    /// Tokens of a turn's first request at most.
    fn prompt_tokens(&self, phase: &Phase, index: usize, contract: Option<&Contract>) -> u64 {
        let (spec, member) = (self.spec, &self.spec.cast[index]);
        let role = spec
            .format
            .role(&member.role)
            .and_then(|role| role.persona.as_deref());
        let own = [Some(member.name.as_str()), role, member.persona.as_deref()];
        let own: u64 = own.into_iter().flatten().map(estimate_tokens).sum();
        let seen = phase
            .sees
            .iter()
            .map(|sight| self.seen_tokens(sight, index));
        let seen = seen.fold(0_u64, u64::saturating_add);
        let task = task_tokens(spec, phase, contract);
        FRAME_TOKENS
            .saturating_add(own)
            .saturating_add(task)
            .saturating_add(seen)
    }

    fn seen_tokens(&self, sight: &Sight, index: usize) -> u64 {
        let others = || {
            self.by_member
                .iter()
                .enumerate()
                .filter(move |(member, _)| *member != index)
        };
        let seen = match &sight.atom {
            Atom::Topic => estimate_tokens(&self.spec.topic),
            Atom::Side => self.spec.cast[index]
                .side
                .as_deref()
                .map_or(0, estimate_tokens),
            Atom::Own => self.by_member[index].all,
            Atom::OwnLast => self.by_member[index].last,
            Atom::Others => others()
                .map(|(_, said)| said.all)
                .fold(0, u64::saturating_add),
            Atom::OthersLast => others()
                .map(|(_, said)| said.last)
                .fold(0, u64::saturating_add),
            Atom::Phase(id) => self.by_phase.get(id.as_str()).copied().unwrap_or(0),
            Atom::Human
            | Atom::Secret(_)
            | Atom::Options
            | Atom::OthersRound(_)
            | Atom::Summary
            | Atom::Votes
            | Atom::Polls
            | Atom::Facts => 0,
        };
        seen.saturating_add(HEADING_TOKENS)
    }
}

/// Tokens of the longest prompt of a phase, filled in.
fn task_tokens(spec: &Spec, phase: &Phase, contract: Option<&Contract>) -> u64 {
    let format = &spec.format;
    let used = std::iter::once(&phase.prompt.first).chain(&phase.prompt.next);
    let texts = used
        .chain(phase.prompt.by_role.values())
        .filter_map(|id| format.prompts.get(id));
    let topic = estimate_tokens(&spec.topic);
    let form = contract.map_or(0, |contract| {
        estimate_tokens(&contract::instruction(
            contract,
            &contract::most_choices(contract, spec),
        ))
    });
    let filled = texts.map(|text| {
        let times = |name: &str| text.matches(name).count() as u64;
        estimate_tokens(text)
            .saturating_add(topic.saturating_mul(times("topic")))
            .saturating_add(form.saturating_mul(times("form")))
    });
    filled.max().unwrap_or(0).saturating_add(HEADING_TOKENS)
}

/// The calls that one turn can take.
struct Calls {
    retries: u64,
    repairs: u64,
    /// 2 when a stand-in can try again from the beginning.
    speakers: u64,
}

impl Calls {
    fn of(phase: &Phase, member: &CastMember, contract: Option<&Contract>) -> Self {
        let repairs = contract.map_or(0, |contract| {
            let asks = contract.extract.contains(&Extract::Ask);
            u64::from(contract.repair) + u64::from(asks)
        });
        let stand_in = member
            .substitute
            .as_ref()
            .is_some_and(|model| *model != member.model);
        let speakers = 1 + u64::from(stand_in && phase.on_fail.then == OnFailThen::Substitute);
        Self {
            retries: u64::from(phase.on_fail.retry),
            repairs,
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
