//! A debate on a table: scripted answers go into the pure state, and every request that comes out is kept.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::debate::format::FormatLibrary;
use crate::debate::plan;
use crate::debate::plan::CallPlan;
use crate::debate::state::Action;
use crate::debate::state::Input;
use crate::debate::state::State;
use crate::debate::state::TurnStanding;
use crate::debate::view;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::Command;
use crate::events::Created;
use crate::events::Purpose;
use crate::events::TimerId;
use crate::types::FinishReason;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::CastMember;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Document;
use crate::types::debate::Estimate;
use crate::types::debate::FieldKind;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::RoleKind;
use crate::types::debate::Spec;

/// Names that stand in no prompt.
pub(super) const NAMES: [&str; 12] = [
    "Adaline", "Benedek", "Cleopha", "Dovidas", "Eliska", "Fayette", "Gustavo", "Halvard",
    "Ivanka", "Jolanta", "Kasimir", "Lunetta",
];

/// All formats that are shipped.
pub(super) fn formats() -> Vec<String> {
    FormatLibrary::embedded()
        .iter()
        .map(|format| format.id.clone())
        .collect()
}

/// A spec with every role's least seats filled, two of a role that can be several.
pub(super) fn spec(format: &str, seed: u64) -> Spec {
    let library = FormatLibrary::embedded();
    let format: Format = (**library.get(format).expect("it is shipped")).clone();
    let mut names = NAMES.into_iter();
    let mut cast = Vec::new();
    for role in format
        .roles
        .iter()
        .filter(|role| role.kind != RoleKind::Audience)
    {
        let seats = role.count.min.max(role.count.max.min(2));
        for _ in 0..seats {
            cast.push(member(
                names.next().expect("names enough"),
                &role.id,
                role.side.as_deref(),
            ));
        }
    }
    let text = |title: &str| Document {
        title: title.to_owned(),
        text: format!("## {title}\n\nThe **secretcanary-{title}** says so."),
    };
    Spec {
        topic: "Was the house on the hill set on fire?".to_owned(),
        title: "Fire".to_owned(),
        cast,
        limits: Limits::default(),
        seed,
        options: vec!["It was".to_owned(), "It was not".to_owned()],
        facts: vec![Document {
            title: "Report".to_owned(),
            text: "The door was locked. Nobody was at home.".to_owned(),
        }],
        secrets: format
            .needs_secrets()
            .into_iter()
            .map(|name| (name.to_owned(), text(name)))
            .collect::<BTreeMap<_, _>>(),
        audience: true,
        extractor: None,
        parent: None,
        format,
    }
}

pub(super) fn member(name: &str, role: &str, side: Option<&str>) -> CastMember {
    CastMember {
        name: name.to_owned(),
        role: role.to_owned(),
        side: side.map(str::to_owned),
        model: format!("demo/{}", name.to_lowercase())
            .parse()
            .expect("a model's name"),
        human: None,
        substitute: None,
        persona: None,
        temperature: None,
        max_tokens: None,
        endpoint: None,
        prices: None,
        window_tokens: None,
        rating: None,
        defaulted: false,
    }
}

/// A request, and what was over when it was made.
pub(super) struct Shown {
    /// The turn that it asks: an index into the state's turns.
    pub(super) turn: usize,
    pub(super) purpose: Purpose,
    pub(super) system: String,
    pub(super) user: String,
    /// Turns that were over then.
    pub(super) over: BTreeSet<usize>,
    /// Interjections that had come by then.
    pub(super) notes: usize,
}

pub(super) struct Table {
    pub(super) state: State,
    pub(super) calls: Vec<CallPlan>,
    pub(super) shown: Vec<Shown>,
    timers: Vec<TimerId>,
    commands: usize,
}

impl Table {
    pub(super) fn of(spec: Spec) -> Self {
        let created = Created {
            spec,
            estimate: Estimate::default(),
            warnings: Vec::new(),
        };
        let (state, _) = State::create(created);
        let mut table = Self {
            state,
            calls: Vec::new(),
            shown: Vec::new(),
            timers: Vec::new(),
            commands: 0,
        };
        table.step(Input::Started);
        table
    }

    pub(super) fn step(&mut self, input: Input) {
        let step = self.state.step(input);
        assert!(step.refused.is_none(), "refused: {:?}", step.refused);
        for action in step.actions {
            match action {
                Action::Call(plan) => {
                    assert_eq!(plan.overflow, None);
                    self.note(&plan);
                    self.calls.push(*plan);
                }
                Action::Cancel(turn) => self.calls.retain(|call| call.turn != turn),
                Action::Timer { id, .. } => self.timers.push(id),
            }
        }
    }

    fn note(&mut self, plan: &CallPlan) {
        let turns = self.state.turns();
        let over = |turn: usize| {
            !matches!(
                turns[turn].standing,
                TurnStanding::Open | TurnStanding::Held
            )
        };
        let messages = &plan.chat.messages;
        self.shown.push(Shown {
            turn: self.index(plan),
            purpose: plan.purpose,
            system: messages[0].joined_text(),
            user: messages[1].joined_text(),
            over: (0..turns.len()).filter(|turn| over(*turn)).collect(),
            notes: self.state.interjections().len(),
        });
    }

    pub(super) fn index(&self, plan: &CallPlan) -> usize {
        let mut turns = self.state.turns().iter();
        turns
            .position(|turn| turn.id == plan.turn)
            .expect("a turn was asked")
    }

    pub(super) fn tell(&mut self, command: Command) {
        self.commands += 1;
        self.step(Input::Command {
            id: format!("c{}", self.commands),
            by: Some("someone".to_owned()),
            command,
        });
    }

    /// Ends one of the calls under way with a text.
    pub(super) fn answer(&mut self, at: usize, text: &str) {
        self.finish(
            at,
            CallOutcome::Answered {
                text: text.to_owned(),
                finish: FinishReason::Stop,
                usage: Usage::default(),
                cost_nanousd: Some(NanoUsd(0)),
                ttft_ms: 1,
                total_ms: 2,
                path: "demo".to_owned(),
            },
        );
    }

    pub(super) fn fail(&mut self, at: usize, code: &str) {
        self.finish(
            at,
            CallOutcome::Failed {
                code: code.to_owned(),
                message: "it failed".to_owned(),
                usage: Usage::default(),
                cost_nanousd: Some(NanoUsd(0)),
            },
        );
    }

    fn finish(&mut self, at: usize, outcome: CallOutcome) {
        let call = self.calls.remove(at);
        self.step(Input::CallFinished(Box::new(CallFinished {
            turn: call.turn,
            attempt: call.attempt,
            purpose: call.purpose,
            request_hash: call.request_hash,
            model: call.model,
            outcome,
            parse: None,
        })));
    }

    /// An answer of the form that a call under way asks for, with these words in it.
    pub(super) fn scripted(&self, at: usize, words: &str, chance: u64) -> String {
        let turn = &self.state.turns()[self.index(&self.calls[at])];
        let choices = view::choices(&self.state, turn);
        scripted(&self.state.contract_of(turn), &choices, words, chance)
    }

    /// Lets the debate run to its end; of the calls under way the newest or the oldest ends first. What a turn
    /// answers depends on the turn alone.
    pub(super) fn play_from(&mut self, newest: bool, words: impl Fn(usize) -> String) {
        for _ in 0..2_000 {
            let Some(last) = self.calls.len().checked_sub(1) else {
                if self.state.status().is_over() {
                    return;
                }
                let timer = self.timers.pop().expect("something is waited for");
                self.step(Input::Timer(timer));
                continue;
            };
            let at = if newest { last } else { 0 };
            let turn = self.index(&self.calls[at]);
            let text = self.scripted(at, &words(turn), turn as u64);
            self.answer(at, &text);
        }
        panic!("the debate does not end");
    }

    /// Lets the debate run to its end, the oldest call first, every answer with words of its own.
    pub(super) fn play(&mut self, words: impl Fn(usize) -> String) {
        self.play_at_random(None, words);
    }

    /// Lets it run to its end. With a seed the calls end in any order, and some fail or cannot be read.
    pub(super) fn play_at_random(&mut self, seed: Option<u64>, words: impl Fn(usize) -> String) {
        for round in 0..2_000_u32 {
            if self.calls.is_empty() {
                if self.state.status().is_over() {
                    return;
                }
                let timer = self.timers.pop().expect("something is waited for");
                self.step(Input::Timer(timer));
                continue;
            }
            let chance = |purpose: &str, of: usize| {
                let drawn = seed.map(|seed| plan::draw(seed, &[purpose, &round.to_string()]));
                drawn.map_or(0, |drawn| (drawn % of as u64) as usize)
            };
            let at = chance("which", self.calls.len());
            let turn = self.index(&self.calls[at]);
            match chance("how", 14) {
                1 => self.fail(at, "overloaded"),
                2 => self.fail(at, "stream_interrupted"),
                3 => self.answer(at, &format!("I would rather not say. {}", words(turn))),
                how => {
                    if how == 4 {
                        let to = NAMES[chance("whom", self.state.spec().cast.len())];
                        let everybody = chance("everybody", 2) == 1;
                        let note = self.state.interjections().len();
                        self.tell(Command::Interject {
                            text: format!("notecanary-{note}. {}", words(1_000 + note)),
                            to: (!everybody).then(|| to.to_owned()),
                            watches: false,
                        });
                    }
                    let chance = seed.map_or(turn as u64, |seed| {
                        plan::draw(seed, &["answer", &round.to_string()])
                    });
                    let text = self.scripted(at, &words(turn), chance);
                    self.answer(at, &text);
                }
            }
        }
        panic!("the debate does not end");
    }
}

fn scripted(contract: &Contract, choices: &[String], words: &str, chance: u64) -> String {
    if contract.kind == ContractKind::Text {
        return words.to_owned();
    }
    let pick = |from: &[String]| from[(chance % from.len() as u64) as usize].clone();
    let mut rotated = choices.to_vec();
    if !rotated.is_empty() {
        rotated.rotate_left((chance % choices.len() as u64) as usize);
    }
    let value = |name: &str, kind: &FieldKind| match kind {
        FieldKind::Text if contract.kind == ContractKind::Question => {
            json!(format!("{}?", words.replace('?', ".")))
        }
        FieldKind::Text if name == "answer" => {
            json!(["42", "41", "forty-two"][(chance % 3) as usize])
        }
        FieldKind::Text => json!(words),
        FieldKind::Bool => json!(chance.is_multiple_of(3)),
        FieldKind::Number { min, max } => json!(min + (max - min) * (chance % 4) as f64 / 4.0),
        FieldKind::OneOf(words) => json!(pick(words)),
        FieldKind::Choice => json!(pick(choices)),
        FieldKind::Ranking => json!(rotated),
        FieldKind::Several => json!(rotated[..(chance % (1 + rotated.len() as u64)) as usize]),
        FieldKind::Points(sum) => json!({ rotated[0].as_str(): sum }),
        FieldKind::Scores { keys, max, .. } => Value::Object(
            keys.iter()
                .map(|key| (key.clone(), json!(max)))
                .collect::<Map<_, _>>(),
        ),
    };
    let fields = contract.fields.iter();
    let object: Map<String, Value> = fields
        .map(|field| (field.name.clone(), value(&field.name, &field.kind)))
        .collect();
    Value::Object(object).to_string()
}
