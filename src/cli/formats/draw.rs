//! Draws a format as text: its roles, its phases in their order, how it is decided, and what it takes.

use super::figures;
use crate::debate::format::spelling;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Decision;
use crate::types::debate::Family;
use crate::types::debate::Format;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::Quorum;
use crate::types::debate::RoleDef;
use crate::types::debate::Weights;

/// Characters of a line of prose.
const WIDTH: usize = 100;

/// Column of the values.
const LABEL: usize = 9;

/// Draws a format that came from a file.
pub(super) fn format(format: &Format, file: &str) -> String {
    let mut lines = vec![
        format!("{}: {}", format.id, format.title),
        format!("version {}, {file}", format.version),
        String::new(),
    ];
    lines.extend(wrapped(&format.description, WIDTH));
    lines.push(String::new());
    lines.push("roles".to_owned());
    lines.extend(format.roles.iter().map(|role| role_line(format, role)));
    lines.push(String::new());
    lines.push("course".to_owned());
    for phase in &format.phases {
        let is_guest = format
            .phases
            .iter()
            .any(|host| host.interleave.contains(&phase.id));
        if is_guest {
            continue;
        }
        draw_phase(format, phase, "  ", &mut lines);
        let guests = phase.interleave.iter().filter_map(|id| format.phase(id));
        for guest in guests {
            draw_phase(format, guest, "  │  ", &mut lines);
        }
    }
    lines.push("  ▼".to_owned());
    lines.extend(decided(&format.decision, "decided by"));
    for also in &format.decision.also {
        lines.extend(decided(also, "beside it"));
    }
    if let Some(reported) = reported(format) {
        let reported = wrapped(&reported, WIDTH - 2).into_iter();
        lines.extend(reported.map(|line| format!("  {line}")));
    }
    lines.push(String::new());
    lines.extend(figures::of(format));
    lines.push(String::new());
    lines.join("\n")
}

fn role_line(format: &Format, role: &RoleDef) -> String {
    let width = format.roles.iter().map(|role| role.id.len()).max();
    let width = width.unwrap_or(0);
    let kind = spelling::role_kind(role.kind);
    let side = role.side.as_ref().map(|side| format!("side {side}"));
    let family = match role.family {
        Family::Any => None,
        Family::Distinct => Some("each another model".to_owned()),
        Family::NotDebaters => Some("no debater's model".to_owned()),
    };
    let secrets = role.secrets.iter().map(|name| format!("knows {name}"));
    let dissents = format.dissenter.as_ref() == Some(&role.id);
    let dissents = dissents.then(|| "keeps up the other view".to_owned());
    let more: Vec<String> = side
        .into_iter()
        .chain(family)
        .chain(secrets)
        .chain(dissents)
        .collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(", {}", more.join(", "))
    };
    let count = spelling::count(role.count);
    format!("  {:<width$}  {count:<5}  {kind}{more}", role.id)
}

/// Draws one phase; what stands before each line shows whether it runs inside another.
fn draw_phase(format: &Format, phase: &Phase, before: &str, lines: &mut Vec<String>) {
    let bar = format!("{before}│");
    if !lines.last().is_some_and(|line| line.ends_with("course")) {
        lines.push(bar.clone());
    }
    lines.push(format!(
        "{before}├─ {}: {}",
        phase.id,
        headline(format, phase)
    ));
    let mut tell = |label: &str, value: String| {
        let width = WIDTH.saturating_sub(LABEL + 6);
        for (at, line) in wrapped(&value, width).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(format!("{bar}    {label:<LABEL$}{line}"));
        }
    };
    tell("who", phase.who.join(", "));
    let sees: Vec<String> = phase.sees.iter().map(spelling::sight).collect();
    tell("sees", sees.join(", "));
    tell("asked", asked(phase));
    if let Some(contract) = format.contracts.get(&phase.contract) {
        tell("answers", contract_line(contract));
    }
    tell("limits", limits(phase));
    let rules = rules(phase);
    if !rules.is_empty() {
        tell("rules", rules.join("; "));
    }
}

fn headline(format: &Format, phase: &Phase) -> String {
    let kind = match phase.kind {
        PhaseKind::Speak => "speeches",
        PhaseKind::Judge => "rulings",
        PhaseKind::Vote => "ballots",
        PhaseKind::Summarise => "a summary",
        PhaseKind::Poll => "people vote",
        PhaseKind::AskHuman => "people ask",
    };
    let order = match &phase.order {
        _ if matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman) => String::new(),
        Order::Sequential => ", one after the other".to_owned(),
        Order::Simultaneous => ", all at once".to_owned(),
        Order::Alternate => ", forwards and backwards in turn".to_owned(),
        Order::Rotate => ", each time another begins".to_owned(),
        Order::PairQa => ", question and answer".to_owned(),
        Order::Pick(role) => format!(", as {role} picks"),
    };
    let is_guest = format
        .phases
        .iter()
        .any(|host| host.interleave.contains(&phase.id));
    let times = match (phase.repeat.min, phase.repeat.max) {
        (1, 1) if is_guest => ", after each time".to_owned(),
        (1, 1) => String::new(),
        (min, max) if min == max => format!(", {max} times"),
        (min, max) => format!(", {min} to {max} times"),
    };
    let until = phase.repeat.until.as_ref();
    let until = until.map_or_else(String::new, |until| {
        format!(", until {}", spelling::predicate(until))
    });
    format!("{kind}{order}{times}{until}")
}

fn asked(phase: &Phase) -> String {
    let prompt = &phase.prompt;
    if let (Some(ask), Some(answer)) = (&prompt.ask, &prompt.answer) {
        return format!("{ask}, then {answer}");
    }
    let own = prompt
        .by_role
        .iter()
        .map(|(role, id)| format!("{role}: {id}"));
    let own: Vec<String> = own.collect();
    let rest = match &prompt.next {
        Some(next) => format!("{}, later {next}", prompt.first),
        None => prompt.first.clone(),
    };
    match own.is_empty() {
        true => rest,
        false => own.join(", "),
    }
}

fn contract_line(contract: &Contract) -> String {
    let fields: Vec<String> = contract
        .fields
        .iter()
        .map(|field| format!("{} {}", field.name, spelling::field_kind(&field.kind)))
        .collect();
    let kind = spelling::contract_kind(contract.kind);
    let fields = match (contract.kind, fields.is_empty()) {
        (ContractKind::Text, _) | (_, true) => String::new(),
        (
            ContractKind::Json
            | ContractKind::Choice
            | ContractKind::Verdict
            | ContractKind::Ranking
            | ContractKind::Scores
            | ContractKind::Question,
            false,
        ) => format!(" of {}", fields.join(", ")),
    };
    // Fixed choices stand in the field already.
    let over = match &contract.choices {
        None | Some(Choices::Fixed(_)) => String::new(),
        Some(over @ (Choices::Options | Choices::Phase(_))) => {
            format!("; choices {}", spelling::choices(over))
        }
    };
    let mended = match contract.repair {
        0 => String::new(),
        1 => "; mended once".to_owned(),
        times => format!("; mended up to {times} times"),
    };
    let quotes = contract.quotes.as_ref().map_or_else(String::new, |rule| {
        format!(
            "; quotes looked up in {}",
            spelling::quote_source(&rule.source)
        )
    });
    format!("{kind}{fields}{over}{mended}{quotes}")
}

fn limits(phase: &Phase) -> String {
    let people = matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman);
    let words = phase.words.map(|words| format!("{words} words"));
    let tokens = (!people).then(|| format!("{} tokens", phase.tokens));
    let seconds = phase.timeout_s.map(|seconds| format!("{seconds} s"));
    let fails = (!people).then(|| {
        let then = spelling::on_fail(phase.on_fail.then);
        match phase.on_fail.retry {
            0 => format!("on failure {then}"),
            1 => format!("on failure again, then {then}"),
            times => format!("on failure {times} times again, then {then}"),
        }
    });
    let quorum = match phase.quorum {
        Quorum::None => None,
        Quorum::Majority => Some("most must speak".to_owned()),
        Quorum::All => Some("all must speak".to_owned()),
        Quorum::AtLeast(least) => Some(format!("at least {least} must speak")),
    };
    let all = words
        .into_iter()
        .chain(tokens)
        .chain(seconds)
        .chain(fails)
        .chain(quorum);
    all.collect::<Vec<_>>().join(", ")
}

fn rules(phase: &Phase) -> Vec<String> {
    let when = phase.when.as_ref();
    let stop = phase.stop_early.as_ref();
    let hidden = match phase.hidden_until {
        None => None,
        Some(HiddenUntil::Phase) => Some("hidden until it is over".to_owned()),
        Some(HiddenUntil::End) => Some("hidden until the end".to_owned()),
    };
    let edges = (!phase.edges.is_all()).then(|| format!("edges {}", spelling::edges(&phase.edges)));
    when.map(|when| format!("only when {}", spelling::predicate(when)))
        .into_iter()
        .chain(stop.map(|stop| {
            format!(
                "the rest is not waited for when {}",
                spelling::predicate(stop)
            )
        }))
        .chain(hidden)
        .chain(phase.swap.then(|| "asked in both orders".to_owned()))
        .chain(edges)
        .chain(
            phase
                .audience
                .then(|| "people may put in remarks".to_owned()),
        )
        .collect()
}

fn decided(decision: &Decision, label: &str) -> Vec<String> {
    let mut of: Vec<String> = decision.of.iter().map(spelling::field_ref).collect();
    // The last that ran counts, so it is named first.
    of.reverse();
    let of = match &decision.minus {
        Some(minus) => format!("{} - {}", of.join(", "), spelling::field_ref(minus)),
        None => of.join(", or else "),
    };
    let weights = match decision.weights {
        Weights::Equal => None,
        Weights::Confidence | Weights::ReconcileSteps | Weights::Rating => Some(format!(
            "weighed by {}",
            spelling::weights(decision.weights)
        )),
    };
    let quorum = (decision.quorum > 0.0).then(|| format!("quorum {}", decision.quorum));
    let threshold = decision.threshold;
    let threshold = (threshold < 1.0).then(|| format!("threshold {threshold}"));
    let swap = decision.swap;
    let swap = swap.then(|| "a ballot counts only if both orders agree".to_owned());
    let margin = decision.min_margin;
    let margin = (margin > 0.0).then(|| format!("margin at least {margin}"));
    let tie = Some(format!("tie: {}", spelling::tie(decision.tie)));
    let more = weights
        .into_iter()
        .chain(quorum)
        .chain(threshold)
        .chain(swap)
        .chain(margin)
        .chain(tie);
    let more: Vec<String> = more.collect();
    let text = format!(
        "{label} {} of {of}; {}",
        spelling::rule(decision.rule),
        more.join("; ")
    );
    let lines = wrapped(&text, WIDTH - 2).into_iter();
    lines.map(|line| format!("  {line}")).collect()
}

fn reported(format: &Format) -> Option<String> {
    let report = &format.report;
    let all = [
        report
            .round0_majority
            .then(|| "the blind round's majority".to_owned()),
        report
            .single_best
            .then(|| "the surest agent's first answer".to_owned()),
        report
            .aggregate
            .map(|rule| format!("the ballots by {}", spelling::rule(rule))),
        report.flips.then(|| "who changed position".to_owned()),
        report.dissent.then(|| "what the losers held".to_owned()),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("reported too: {}", all.join(", ")))
}

/// Breaks a text into lines of at most so many characters, between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::debate::format::FormatLibrary;

    #[test]
    fn a_format_is_drawn_with_all_that_happens_in_it() {
        let library = FormatLibrary::embedded();
        for id in ["oxford", "tit-for-tat", "council", "society-of-minds-ring"] {
            let drawn = super::format(library.get(id).unwrap(), library.file(id).unwrap());
            insta::assert_snapshot!(id, drawn);
        }
    }

    #[test]
    fn every_phase_role_and_rule_of_every_format_is_drawn_within_the_page() {
        let library = FormatLibrary::embedded();
        for format in library.iter() {
            let drawn = super::format(format, "a file");
            for phase in &format.phases {
                assert!(drawn.contains(&format!("├─ {}: ", phase.id)), "{drawn}");
            }
            for role in &format.roles {
                assert!(drawn.contains(&format!("\n  {}", role.id)), "{drawn}");
            }
            for line in drawn.lines() {
                assert!(line.chars().count() <= 112, "{}: {line}", format.id);
            }
        }
    }
}
