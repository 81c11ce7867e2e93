//! The report for people. Pure.

use super::Debating;
use super::LEVEL;
use super::Pair;
use super::Report;
use super::Row;
use crate::debate::eval::budget::Standing;
use crate::types::NanoUsd;

pub(super) fn write(report: &Report) -> String {
    let mut parts = vec![
        "# Does debating help?".to_owned(),
        headline(report),
        about(report),
        contestants(report),
    ];
    if report.kinds.len() > 1 {
        parts.push(by_kind(report));
    }
    if !report.pairs.is_empty() {
        parts.push(pairs(report));
    }
    if !report.debating.is_empty() {
        parts.push(debating(&report.debating));
    }
    if !report.notes.is_empty() {
        let notes: Vec<String> = report
            .notes
            .iter()
            .map(|note| format!("- {note}"))
            .collect();
        parts.push(format!("## To be known\n\n{}", notes.join("\n")));
    }
    parts.join("\n\n") + "\n"
}

/// What the pairs with a debate in them say, in sentences.
fn headline(report: &Report) -> String {
    let is_debate = |name: &str| report.debating.iter().any(|it| it.contestant == name);
    let told: Vec<String> = report
        .pairs
        .iter()
        .filter(|pair| is_debate(&pair.a) != is_debate(&pair.b))
        .map(|pair| match is_debate(&pair.a) {
            true => sentence(report, pair, (&pair.a, &pair.b)),
            false => sentence(report, pair, (&pair.b, &pair.a)),
        })
        .collect();
    if told.is_empty() {
        return "No debate can be compared with anything yet.".to_owned();
    }
    told.join("\n")
}

fn sentence(report: &Report, pair: &Pair, (debate, other): (&str, &str)) -> String {
    let ahead = if pair.a == debate {
        pair.difference
    } else {
        -pair.difference
    };
    let p = p(pair.p_holm);
    let figures = format!(
        "{} points{}, p = {p}",
        signed(ahead),
        price(report, debate, other)
    );
    if pair.significant {
        let word = if ahead > 0.0 { "better" } else { "worse" };
        return format!("- **{debate} is {word} than {other}**: {figures}.");
    }
    let needed = pair.detectable.map_or_else(String::new, |least| {
        format!(" With {} questions a true difference of about {:.0} points would be seen four times in five.",
            pair.questions, least * 100.0)
    });
    format!("- No difference is shown between {debate} and {other}: {figures}.{needed}")
}

/// How many times the other's tokens the debate used, where that is not about the same.
fn price(report: &Report, debate: &str, other: &str) -> String {
    let tokens = |name: &str| {
        let row = report
            .contestants
            .iter()
            .find(|row| row.contestant == name)?;
        Some(row.tokens_each).filter(|tokens| *tokens > 0.0)
    };
    match (tokens(debate), tokens(other)) {
        (Some(own), Some(others)) if !(0.9..=1.1).contains(&(own / others)) => {
            format!(" at {:.1} times the tokens", own / others)
        }
        (Some(_) | None, _) => String::new(),
    }
}

/// Points with their sign; nothing is neither more nor less.
fn signed(difference: f64) -> String {
    match format!("{:+.1}", difference * 100.0) {
        zero if zero == "-0.0" || zero == "+0.0" => "0.0".to_owned(),
        points => points,
    }
}

fn about(report: &Report) -> String {
    let kinds: Vec<String> = (report.kinds.iter())
        .map(|(kind, count)| format!("{count} {}", kind.as_str()))
        .collect();
    let mut lines = vec![
        format!(
            "- questions: {} of {} ({})",
            report.questions,
            report.questions_file,
            kinds.join(", ")
        ),
        format!("- models: {}", report.models.join(", ")),
    ];
    if let Some(grader) = &report.grader {
        lines.push(format!("- graded by: {grader}"));
    }
    lines.push(match (&report.budget_of, report.budget_tokens) {
        (None, _) => "- budget: none; everybody used what it used".to_owned(),
        (Some(_), None) => "- budget: not known yet".to_owned(),
        (Some(of), Some(tokens)) if of == "tokens" => {
            format!("- budget: {tokens:.0} tokens a question, as asked for")
        }
        (Some(of), Some(tokens)) => {
            format!("- budget: {tokens:.0} tokens a question, the mean of {of}")
        }
    });
    let least = if report.cost_known { "" } else { "at least " };
    lines.push(format!(
        "- cost: {least}{}, grading included",
        money(report.cost_nanousd)
    ));
    lines.push(format!("- seed: {}", report.seed));
    lines.join("\n")
}

fn contestants(report: &Report) -> String {
    let head = "| contestant | right | 95 % interval | wrong | unparsed | failed | ungraded | calls each | tokens each | of budget | cost |\n\
                |---|---|---|---|---|---|---|---|---|---|---|";
    let rows = report.contestants.iter().map(row);
    let lines: Vec<String> = std::iter::once(head.to_owned()).chain(rows).collect();
    format!("## Contestants\n\n{}", lines.join("\n"))
}

fn row(row: &Row) -> String {
    if row.asked == 0 {
        return format!(
            "| {} | – | – | – | – | – | – | – | – | – | – |",
            row.contestant
        );
    }
    let standing = match row.standing {
        Some(Standing::Reference) => " (sets it)",
        Some(Standing::Over) => " (over)",
        Some(Standing::Under) => " (under)",
        Some(Standing::Matched) | None => "",
    };
    let of_budget = row
        .of_budget
        .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}{standing}"));
    let votes = row
        .votes
        .filter(|_| row.contestant.starts_with("vote@match") || row.capped > 0);
    let votes = votes.map_or_else(String::new, |votes| format!(" (n = {votes})"));
    let capped = if row.capped > 0 { " (capped)" } else { "" };
    let least = if row.cost_known { "" } else { "≥ " };
    format!(
        "| {}{votes}{capped} | {:.1} % ({}/{}) | {} | {} | {} | {} | {} | {:.1} | {:.0} | {of_budget} | {least}{} |",
        row.contestant,
        row.accuracy * 100.0,
        row.correct,
        row.asked,
        interval(row.interval.low, row.interval.high),
        row.wrong,
        row.unparsed,
        row.failed,
        row.ungraded,
        row.calls as f64 / row.asked as f64,
        row.tokens_each,
        money(row.cost_nanousd),
    )
}

fn by_kind(report: &Report) -> String {
    let kinds: Vec<&str> = report.kinds.keys().map(|kind| kind.as_str()).collect();
    let mut lines = vec![
        format!("| contestant | {} |", kinds.join(" | ")),
        format!("|---|{}", "---|".repeat(kinds.len())),
    ];
    for row in &report.contestants {
        let cells: Vec<String> = (report.kinds.keys())
            .map(|kind| match row.kinds.get(kind) {
                Some(share) => format!("{}/{}", share.correct, share.of),
                None => "–".to_owned(),
            })
            .collect();
        lines.push(format!("| {} | {} |", row.contestant, cells.join(" | ")));
    }
    format!("## By kind\n\n{}", lines.join("\n"))
}

fn pairs(report: &Report) -> String {
    let mut lines = vec![
        "| A | B | questions | only A right | only B right | A − B | 95 % interval | p | p (Holm) | |".to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for pair in &report.pairs {
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            pair.a,
            pair.b,
            pair.questions,
            pair.only_a,
            pair.only_b,
            signed(pair.difference),
            interval(pair.interval.low, pair.interval.high),
            p(pair.p),
            p(pair.p_holm),
            if pair.significant { "differ" } else { "" },
        ));
    }
    format!(
        "## Pairs\n\n{}\n\nMcNemar's exact test on the questions that both answered; \"differ\" where p with Holm's \
         correction for {} pairs is at most {LEVEL}.",
        lines.join("\n"),
        report.pairs.len()
    )
}

fn debating(formats: &[Debating]) -> String {
    let mut lines = vec![
        "| format | debates | blind majority right | verdict right | helped | hurt | p | debaters: helped | bullied | other |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for it in formats {
        let blind = match it.debates {
            0 => "– | – | – | – | – | –".to_owned(),
            debates => format!(
                "{debates} | {} | {} | {} | {} | {}",
                it.before,
                it.after,
                it.helped,
                it.hurt,
                p(it.p)
            ),
        };
        let flips = it.flips;
        let ungraded = match flips.ungraded {
            0 => String::new(),
            count => format!(" ({count} not graded)"),
        };
        lines.push(format!(
            "| {} | {blind} | {} | {} | {}{ungraded} |",
            it.contestant, flips.helped, flips.bullied, flips.other
        ));
    }
    format!(
        "## What debating changed\n\n{}\n\nThe same debates before and after: the majority of the blind first round, which \
         is a vote that costs nothing extra, against the verdict.",
        lines.join("\n")
    )
}

fn interval(low: f64, high: f64) -> String {
    format!("{:.1} to {:.1}", low * 100.0, high * 100.0)
}

fn p(p: f64) -> String {
    match p {
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

fn money(cost: NanoUsd) -> String {
    format!("${:.4}", cost.as_usd())
}
