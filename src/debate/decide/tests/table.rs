//! A debate at a table: the pure state, with every answer given by a script.

use serde_json::Value;
use serde_json::json;

use crate::debate::format::FormatLibrary;
use crate::debate::plan::CallPlan;
use crate::debate::state::Action;
use crate::debate::state::Input;
use crate::debate::state::State;
use crate::debate::view;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::Created;
use crate::types::FinishReason;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::CastMember;
use crate::types::debate::Estimate;
use crate::types::debate::Limits;
use crate::types::debate::Spec;
use crate::types::debate::Verdict;

/// What is asked of whom.
pub(super) struct Ask {
    pub(super) agent: String,
    pub(super) phase: String,
    pub(super) round: u32,
    pub(super) swapped: bool,
    /// The labels that the reader sees, with who is behind them.
    labels: Vec<(String, String)>,
}

impl Ask {
    /// The label behind which this reader sees an agent.
    pub(super) fn label(&self, agent: &str) -> &str {
        let found = self.labels.iter().find(|(_, behind)| behind == agent);
        &found
            .unwrap_or_else(|| panic!("{} does not see {agent}", self.agent))
            .0
    }

    /// A ranking in the reader's labels: `"ann bob"` is Ann before Bob; oneself is left out.
    pub(super) fn ranking(&self, order: &str) -> Option<String> {
        let others = order
            .split_whitespace()
            .filter(|agent| *agent != self.agent);
        let labels: Vec<&str> = others.map(|agent| self.label(agent)).collect();
        Some(json!({"notes": "n", "ranking": labels}).to_string())
    }
}

/// An answer with a confidence, in the form of the shipped formats.
pub(super) fn sure(answer: &str, confidence: f64) -> Option<String> {
    let reasoning = format!("because {answer}");
    Some(json!({"reasoning": reasoning, "answer": answer, "confidence": confidence}).to_string())
}

/// A ruling on two sides.
pub(super) fn ruling(winner: &str, margin: u32) -> Option<String> {
    let scores = json!({"clash": 5, "evidence": 5, "rebuttal": 5, "extension": 5, "adaptation": 5});
    let ruling = json!({
        "reason": format!("{winner} by {margin}"), "scores": scores, "winner": winner, "margin": margin,
    });
    Some(ruling.to_string())
}

/// A debate as somebody orders it; the models are `demo/NAME`.
pub(super) fn spec(format: &str, cast: &[(&str, &str)]) -> Spec {
    let format = (**FormatLibrary::embedded()
        .get(format)
        .expect("it is embedded"))
    .clone();
    let member = |(name, role): &(&str, &str)| -> CastMember {
        let mut member: Value =
            json!({"name": name, "role": role, "model": format!("demo/{name}")});
        if let Some(side) = format.role(role).and_then(|role| role.side.clone()) {
            member["side"] = json!(side);
        }
        serde_json::from_value(member).unwrap()
    };
    Spec {
        topic: "What is 6 times 7?".into(),
        title: "Tests".into(),
        cast: cast.iter().map(member).collect(),
        limits: Limits::default(),
        seed: 7,
        options: Vec::new(),
        facts: Vec::new(),
        secrets: std::collections::BTreeMap::new(),
        audience: false,
        extractor: None,
        parent: None,
        format,
    }
}

/// Plays a debate to its end. `script` gives the answer of each turn; `None` is a model that cannot be had.
///
/// Every call takes 10 tokens in and 5 out, and costs 3 nano-dollars.
pub(super) fn play(spec: Spec, script: impl FnMut(&Ask) -> Option<String>) -> State {
    watched(spec, script, |_| {})
}

/// Plays a debate to its end and lets somebody look at it after every answer.
pub(super) fn watched(
    spec: Spec,
    mut script: impl FnMut(&Ask) -> Option<String>,
    mut watch: impl FnMut(&State),
) -> State {
    let (mut state, _) = State::create(Created {
        spec,
        estimate: Estimate::default(),
        warnings: Vec::new(),
    });
    let mut open: Vec<CallPlan> = Vec::new();
    let mut input = Some(Input::Started);
    while let Some(present) = input.take() {
        for action in state.step(present).actions {
            if let Action::Call(plan) = action {
                open.push(*plan);
            }
        }
        watch(&state);
        if !open.is_empty() {
            let plan = open.remove(0);
            let answer = script(&ask(&state, &plan));
            input = Some(Input::CallFinished(Box::new(finished(plan, answer))));
        }
    }
    assert!(state.status().is_over(), "{:?}", state.status());
    state
}

/// The verdict of a debate that is played to its end.
pub(super) fn verdict(spec: Spec, script: impl FnMut(&Ask) -> Option<String>) -> Verdict {
    let state = play(spec, script);
    state.verdict().expect("it was decided").clone()
}

fn ask(state: &State, plan: &CallPlan) -> Ask {
    let turn = state
        .turns()
        .iter()
        .find(|turn| turn.id == plan.turn)
        .expect("a call belongs to a turn");
    let name = |member: usize| state.spec().cast[member].name.clone();
    let labels = view::labels(state, turn);
    Ask {
        agent: name(turn.member),
        phase: turn.phase.clone(),
        round: turn.round,
        swapped: turn.swapped,
        labels: labels
            .into_iter()
            .map(|(label, index)| (label, name(state.turns()[index].member)))
            .collect(),
    }
}

fn finished(plan: CallPlan, answer: Option<String>) -> CallFinished {
    let usage = Usage {
        input: 10,
        output: 5,
        ..Usage::default()
    };
    let outcome = match answer {
        Some(text) => CallOutcome::Answered {
            text,
            finish: FinishReason::Stop,
            usage,
            cost_nanousd: Some(NanoUsd(3)),
            ttft_ms: 1,
            total_ms: 2,
            path: "demo".into(),
        },
        None => CallOutcome::Failed {
            code: "provider_down".into(),
            message: "it is down".into(),
            usage: Usage::default(),
            cost_nanousd: Some(NanoUsd(0)),
        },
    };
    CallFinished {
        turn: plan.turn,
        attempt: plan.attempt,
        purpose: plan.purpose,
        request_hash: plan.request_hash,
        model: plan.model,
        outcome,
        parse: None,
    }
}
