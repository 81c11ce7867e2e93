//! Every format played to its end with answers of any length, against what was said beforehand that it takes.

use std::collections::VecDeque;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::debate::plan::CallPlan;
use crate::debate::plan::draw;
use crate::debate::state::Action;
use crate::debate::state::Input;
use crate::debate::state::State;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::Created;
use crate::types::FinishReason;
use crate::types::ResponseFormat;
use crate::types::Usage;
use crate::types::debate::Document;
use crate::types::debate::Status;
use crate::types::usage::estimate_tokens;

/// Chance by the number of the draw, so that every run is the same.
struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    fn of(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.drawn += 1;
        draw(self.seed, &["dice", &self.drawn.to_string()]) % end.max(1)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.below(10_001) as f64 / 10_000.0
    }
}

/// How the agents of a played debate answer.
trait Agents {
    /// The answer to a call; `None` for one that fails.
    fn answer(&mut self, plan: &CallPlan) -> Option<String>;

    /// Tokens of a prompt and an answer, as the provider would count them.
    fn count(&mut self, plan: &CallPlan, answer: &str) -> (u64, u64);
}

/// A debate that is over, and what it took.
struct Played {
    state: State,
    calls: u64,
    input: u64,
    output: u64,
}

fn play(spec: Spec, agents: &mut dyn Agents) -> Played {
    let created = Created {
        spec,
        estimate: Estimate::default(),
        warnings: Vec::new(),
    };
    let (state, _) = State::create(created);
    let mut played = Played {
        state,
        calls: 0,
        input: 0,
        output: 0,
    };
    let mut open: VecDeque<CallPlan> = VecDeque::new();
    let mut input = Input::Started;
    for _ in 0..20_000 {
        for action in played.state.step(input).actions {
            if let Action::Call(plan) = action {
                open.push_back(*plan);
            } else if let Action::Cancel(turn) = action {
                open.retain(|plan| plan.turn != turn);
            }
        }
        let Some(plan) = open.pop_front() else { break };
        let answer = agents.answer(&plan);
        let (read, written) = agents.count(&plan, answer.as_deref().unwrap_or_default());
        played.calls += 1;
        played.input += read;
        played.output += written;
        let usage = Usage {
            input: read,
            output: written,
            ..Usage::default()
        };
        input = Input::CallFinished(Box::new(finished(plan, answer, usage)));
    }
    played
}

fn finished(plan: CallPlan, answer: Option<String>, usage: Usage) -> CallFinished {
    let outcome = match answer {
        Some(text) => CallOutcome::Answered {
            text,
            finish: FinishReason::Stop,
            usage,
            cost_nanousd: Some(NanoUsd(0)),
            ttft_ms: 1,
            total_ms: 2,
            path: "demo".into(),
        },
        None => CallOutcome::Failed {
            code: "stream_interrupted".into(),
            message: "it was cut".into(),
            usage,
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

fn prompt_chars(plan: &CallPlan) -> usize {
    let texts = plan.chat.messages.iter();
    texts
        .map(|message| message.joined_text().chars().count())
        .sum()
}

/// An answer in the form that the call asks for, with so many characters of prose in it.
fn in_form(plan: &CallPlan, chars: usize, dice: &mut Dice) -> String {
    match &plan.chat.format {
        ResponseFormat::JsonSchema { schema, .. } => {
            let mut prose = Some(chars);
            filled(schema, &mut prose, dice).to_string()
        }
        _ => prose(chars),
    }
}

/// The first field of prose takes all of it; others hold an answer.
fn filled(schema: &Value, left: &mut Option<usize>, dice: &mut Dice) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[dice.below(words.len() as u64) as usize].clone();
    }
    match schema["type"].as_str() {
        Some("string") => match left.take() {
            Some(chars) => json!(prose(chars)),
            None => json!(format!("answer {}", dice.below(3))),
        },
        Some("boolean") => json!(false),
        Some("number") => schema["minimum"].clone(),
        Some("array") => schema["items"]["enum"].clone(),
        Some("object") => {
            let properties = schema["properties"].as_object().unwrap();
            let points = properties.values().all(|it| it["type"] == "integer");
            let mut out = Map::new();
            for (at, (name, property)) in properties.iter().enumerate() {
                let value = match points && !properties.is_empty() {
                    true if at == 0 => json!(10),
                    true => json!(0),
                    false => filled(property, left, dice),
                };
                out.insert(name.clone(), value);
            }
            Value::Object(out)
        }
        other => panic!("a schema of type {other:?}"),
    }
}

/// Words of English length: six characters with their space.
fn prose(chars: usize) -> String {
    let text = "those who judge weigh what stands there and nobody else does; ";
    let mut out: String = text.chars().cycle().take(chars.max(1)).collect();
    if out.trim().is_empty() || out.ends_with(' ') {
        out.pop();
        out.push('.');
    }
    out
}

/// As long as allowed, and often cut or not in the required form.
struct Extreme {
    dice: Dice,
    failing: u64,
}

impl Agents for Extreme {
    fn answer(&mut self, plan: &CallPlan) -> Option<String> {
        let most = plan.chat.sampling.max_output_tokens.unwrap_or(1000) as usize * 3;
        match self.dice.below(100) {
            cut if cut < self.failing => None,
            bad if bad < 2 * self.failing => Some(prose(most)),
            _ => Some(in_form(plan, most.saturating_sub(400), &mut self.dice)),
        }
    }

    fn count(&mut self, plan: &CallPlan, answer: &str) -> (u64, u64) {
        let texts = plan.chat.messages.iter();
        let read = texts.map(|message| 4 + estimate_tokens(&message.joined_text()));
        (read.sum(), estimate_tokens(answer))
    }
}

fn seat(format: &Format, role: &str, at: u32) -> CastMember {
    CastMember {
        name: format!("{role}{at}"),
        role: role.to_owned(),
        side: format.role(role).and_then(|role| role.side.clone()),
        model: format!("demo/m{at}").parse().unwrap(),
        substitute: None,
        persona: None,
        temperature: None,
        max_tokens: None,
        endpoint: None,
        prices: Some(Prices::default()),
        human: None,
        window_tokens: None,
        rating: None,
        defaulted: false,
    }
}

/// A debate of this format with so many more than the least in every role.
fn ordered(format: Format, more: u32) -> Spec {
    let document = |title: &str| Document {
        title: title.to_owned(),
        text: prose(3000),
    };
    let seated = format
        .roles
        .iter()
        .filter(|role| role.count.max < u32::MAX)
        .flat_map(|role| {
            let count = (role.count.min + more).min(role.count.max);
            (0..count).map(|at| (role.id.clone(), at))
        });
    let cast = seated.map(|(role, at)| seat(&format, &role, at)).collect();
    let options: &[&str] = match format.needs_options() {
        true => &["it was the butler", "it was the cook"],
        false => &[],
    };
    Spec {
        topic: "Who did it, and how can we know?".to_owned(),
        title: "Who".to_owned(),
        cast,
        limits: format.limits,
        seed: 11,
        options: options.iter().map(|it| (*it).to_owned()).collect(),
        facts: vec![document("A report")],
        secrets: format
            .needs_secrets()
            .into_iter()
            .map(|name| (name.to_owned(), document(name)))
            .collect(),
        audience: false,
        extractor: None,
        parent: None,
        format,
    }
}

fn never_exceeded(spec: Spec, failing: u64, seed: u64) -> State {
    let id = spec.format.id.clone();
    let bound = estimate(&spec);
    let mut agents = Extreme {
        dice: Dice::of(seed),
        failing,
    };
    let played = play(spec, &mut agents);
    let status = played.state.status();
    assert!(status.is_over(), "{id} hangs at {status:?}");
    let used = [played.calls, played.input, played.output];
    let most = [
        bound.max_calls,
        bound.max_input_tokens,
        bound.max_output_tokens,
    ];
    let kept = used.iter().zip(&most).all(|(used, most)| used <= most);
    assert!(kept, "{id}, seed {seed}: {used:?} of {most:?}");
    played.state
}

#[test]
fn every_shipped_format_comes_to_its_verdict_within_its_bounds() {
    for format in FormatLibrary::embedded().iter() {
        for more in [0, 1, 3] {
            let spec = ordered(Format::clone(format), more);
            let state = never_exceeded(spec, 0, 5);
            assert_eq!(state.status(), Status::Finished, "{}", format.id);
            assert!(state.verdict().is_some(), "{}", format.id);
            let turns = state.turns().iter();
            let spoken = turns.filter(|turn| !turn.text.is_empty()).count();
            assert_eq!(spoken, state.turns().len(), "{}", format.id);
        }
    }
}

/// A shipped format with its orders, figures and edges drawn anew.
fn varied(seed: u64) -> Format {
    let mut dice = Dice::of(seed);
    let library = FormatLibrary::embedded();
    let all: Vec<&std::sync::Arc<Format>> = library.iter().collect();
    let mut format = Format::clone(all[dice.below(all.len() as u64) as usize]);
    format.limits = Limits::default();
    for phase in &mut format.phases {
        if asks_people(phase.kind) || phase.order == Order::PairQa {
            continue;
        }
        let orders = [
            Order::Sequential,
            Order::Simultaneous,
            Order::Alternate,
            Order::Rotate,
        ];
        phase.order = orders[dice.below(4) as usize].clone();
        let edges = [Edges::All, Edges::Ring, Edges::Star, Edges::Prev];
        phase.edges = edges[dice.below(4) as usize].clone();
        phase.on_fail.retry = dice.below(3) as u32;
        phase.tokens = 200 + dice.below(400) as u32;
        phase.quorum = Quorum::None;
        if phase.repeat.max > 1 {
            phase.repeat.max = 1 + dice.below(4) as u32;
            phase.repeat.min = phase.repeat.min.min(phase.repeat.max);
        }
    }
    for contract in format.contracts.values_mut() {
        contract.repair = contract.repair.min(1) * dice.below(4) as u32;
    }
    format
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_debate_takes_more_than_its_upper_bound(seed in 0_u64..1_000_000, more in 0_u32..4, failing in 0_u64..30) {
        let mut spec = ordered(varied(seed), more);
        if seed % 3 == 0 {
            for member in &mut spec.cast {
                member.substitute = Some("demo/understudy".parse().unwrap());
            }
        }
        never_exceeded(spec, failing, seed);
    }
}

/// Answers as long as models make them: words from six tenths to all of those that are asked for, at as many tokens
/// for a word and characters for a token as answers of recorded traffic have.
struct Recorded<'a> {
    dice: Dice,
    answers: &'a [(f64, f64)],
    words: std::collections::BTreeMap<String, f64>,
}

impl Agents for Recorded<'_> {
    fn answer(&mut self, plan: &CallPlan) -> Option<String> {
        let task = plan.chat.messages.last().unwrap().joined_text();
        let asked = self.words.iter().find(|(id, _)| task.contains(id.as_str()));
        let asked = asked.map_or(100.0, |(_, words)| *words);
        let words = asked * (0.6 + 0.4 * self.dice.share());
        Some(in_form(plan, (words * 6.0) as usize, &mut self.dice))
    }

    fn count(&mut self, plan: &CallPlan, answer: &str) -> (u64, u64) {
        let at = self.dice.below(self.answers.len() as u64) as usize;
        let (tokens_a_word, chars_a_token) = self.answers[at];
        let words = answer.split_whitespace().count() as f64;
        let read = prompt_chars(plan) as f64 / chars_a_token;
        (read as u64, (words * tokens_a_word) as u64)
    }
}

/// Tokens a word and characters a token of every recorded answer in prose.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn recorded() -> Option<Vec<(f64, f64)>> {
    let Some(folder) = std::env::var_os("AGON_RECORDED_DIR") else {
        eprintln!("skipped: recorded traffic: AGON_RECORDED_DIR is not set");
        return None;
    };
    let mut answers = Vec::new();
    for provider in fs::read_dir(folder).unwrap() {
        let Ok(exchanges) = fs::read_dir(provider.unwrap().path()) else {
            continue;
        };
        for exchange in exchanges {
            let body = fs::read(exchange.unwrap().path().join("response.body"));
            let body: Option<Value> = body.ok().and_then(|it| serde_json::from_slice(&it).ok());
            answers.extend(body.and_then(|body| prose_of(&body)));
        }
    }
    Some(answers)
}

fn prose_of(body: &Value) -> Option<(f64, f64)> {
    let openai = &body["choices"][0]["message"];
    let thinks = &body["usage"]["completion_tokens_details"]["reasoning_tokens"];
    let (text, tokens) = match openai["content"].as_str() {
        Some(text) if openai["tool_calls"].is_null() && thinks.as_u64().unwrap_or(0) == 0 => {
            (text, body["usage"]["completion_tokens"].as_f64()?)
        }
        Some(_) => return None,
        None => match body["content"].as_array()?.as_slice() {
            [one] => (
                one["text"].as_str()?,
                body["usage"]["output_tokens"].as_f64()?,
            ),
            _ => return None,
        },
    };
    // An object is no prose: its marks are tokens without words.
    if text.trim_start().starts_with(['{', '[', '`']) {
        return None;
    }
    let words = text.split_whitespace().count();
    let chars = text.chars().count() as f64;
    (words >= 20 && tokens > 0.0).then_some((tokens / words as f64, chars / tokens))
}

#[test]
fn what_is_expected_is_within_a_fifth_of_what_recorded_lengths_give() {
    let Some(answers) = recorded() else { return };
    assert!(answers.len() >= 3, "{answers:?}");
    let (mut off, mut total) = (Vec::new(), 0);
    for format in FormatLibrary::embedded().iter() {
        // Conditions would end some early, which nobody can foresee.
        let mut format = Format::clone(format);
        for phase in &mut format.phases {
            phase.repeat.until = None;
        }
        let spec = ordered(format, 1);
        let expected = estimate(&spec);
        let expected = expected.expected_input_tokens + expected.expected_output_tokens;
        for seed in 0..20 {
            let mut agents = Recorded {
                dice: Dice::of(seed),
                answers: &answers,
                words: words_of(&spec.format),
            };
            let played = play(spec.clone(), &mut agents);
            let used = (played.input + played.output) as f64;
            off.push((
                (expected as f64 - used).abs() / used,
                spec.format.id.clone(),
            ));
            total += 1;
        }
    }
    off.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let mut most = std::collections::BTreeMap::new();
    for (share, id) in &off {
        most.insert(id, (share * 1000.0).round() / 1000.0);
    }
    let p90 = off[total * 9 / 10].0;
    assert!(p90.abs() <= 0.2, "p90 {p90}, most of each {most:?}");
}

/// The words that each task asks for, by how the task says it.
fn words_of(format: &Format) -> std::collections::BTreeMap<String, f64> {
    let limits = format.phases.iter().filter_map(|phase| phase.words);
    limits
        .map(|words| (format!("{words} words"), f64::from(words)))
        .collect()
}
