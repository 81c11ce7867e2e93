//! A debate as a document.

use std::fmt::Write;

use axum::extract::Path;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;

use super::transcript;
use super::transcript::SpokenTurn;
use super::transcript::Transcript;
use crate::http::HttpState;
use crate::http::error::ApiError;
use crate::http::error::Problem;
use crate::store::DebateSummary;
use crate::types::DebateId;
use crate::types::debate::Verdict;

/// Gives a debate as Markdown or JSON.
#[utoipa::path(get, path = "/api/v1/debates/{id}/export.{form}", tag = "debates",
    params(("id" = String, Path), ("form" = String, Path, description = "md or json")),
    responses((status = 200, body = String), (status = 404, body = Problem)))]
pub(in crate::http) async fn export(
    State(state): State<HttpState>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = DebateId::new(id);
    let summary = state.debates.summary(&id).await?;
    let whole = transcript::of(state.log.as_ref(), &id).await?;
    let (kind, text) = match file.as_str() {
        "export.md" => ("text/markdown; charset=utf-8", markdown(&summary, &whole)),
        "export.json" => {
            let mut events = Vec::new();
            loop {
                let page = state.log.read(&id, events.len() as u64, 1_000).await?;
                if page.is_empty() {
                    break;
                }
                events.extend(page);
            }
            let json =
                serde_json::json!({"debate": summary, "transcript": whole, "events": events});
            ("application/json", format!("{json:#}\n"))
        }
        _ => {
            let help = "there is export.md and export.json";
            return Err(ApiError::new(
                axum::http::StatusCode::NOT_FOUND,
                "no_such_export",
                help,
            ));
        }
    };
    let name = format!(
        "inline; filename=\"{id}.{}\"",
        file.trim_start_matches("export.")
    );
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        text,
    )
        .into_response())
}

/// Writing into a `String` cannot fail, so the results are not looked at.
fn markdown(summary: &DebateSummary, whole: &Transcript) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", one_line(&summary.title));
    let _ = writeln!(out, "{}\n", quoted(&summary.topic));
    let _ = writeln!(
        out,
        "Format: {} · Status: {}",
        summary.format,
        summary.progress.status.as_str()
    );
    let _ = writeln!(out, "\n| Agent | Role | Model |\n|---|---|---|");
    for member in &whole.cast {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            cell(&member.name),
            cell(&member.role),
            cell(member.model.as_str())
        );
    }
    for warning in &whole.warnings {
        let _ = writeln!(out, "\n*{}*", one_line(warning));
    }
    let mut place = (String::new(), 0);
    for turn in &whole.turns {
        if (turn.phase.as_str(), turn.round) != (place.0.as_str(), place.1) {
            place = (turn.phase.clone(), turn.round);
            let _ = writeln!(
                out,
                "\n## {}, round {}",
                one_line(&turn.phase),
                turn.round + 1
            );
        }
        spoken(&mut out, turn);
    }
    for words in &whole.interjections {
        let _ = writeln!(out, "\n### From the audience\n\n{}", quoted(words));
    }
    if let Some(verdict) = &whole.verdict {
        decided(&mut out, verdict);
    }
    let totals = &summary.progress.totals;
    let known = if totals.cost_known { "" } else { " at least" };
    let _ = writeln!(
        out,
        "\n---\n\n{} calls, {} tokens, {}{known}",
        totals.calls,
        totals.usage.total_tokens(),
        totals.cost_nanousd
    );
    if let Some(ending) = &whole.ending {
        let _ = writeln!(out, "\nOutcome: {}", ending.outcome.as_str());
        for note in &ending.degraded {
            let _ = writeln!(out, "- {}", one_line(note));
        }
    }
    out
}

fn spoken(out: &mut String, turn: &SpokenTurn) {
    let side = turn
        .side
        .as_ref()
        .map(|side| format!(" ({})", one_line(side)))
        .unwrap_or_default();
    let _ = writeln!(out, "\n### {}{side}\n", one_line(&turn.agent));
    match turn.status.as_str() {
        "done" => {
            let _ = writeln!(out, "{}", quoted(&turn.text));
        }
        "open" => {
            let _ = writeln!(out, "*still speaking*");
        }
        _ => {
            let why = turn
                .troubles
                .last()
                .map(|trouble| format!(": {}", one_line(trouble)))
                .unwrap_or_default();
            let _ = writeln!(out, "*no statement{why}*");
        }
    }
}

fn decided(out: &mut String, verdict: &Verdict) {
    let won = verdict.winner.as_ref().or(verdict.answer.as_ref());
    let headline = won.map_or_else(|| "no winner".to_owned(), |won| one_line(won));
    let _ = writeln!(
        out,
        "\n## Verdict: {headline}\n\n{}\n",
        quoted(&verdict.reason)
    );
    let _ = writeln!(out, "Rule: {}", verdict.rule);
    for ballot in &verdict.panel {
        let choice = ballot
            .choice
            .as_deref()
            .map_or_else(|| "could not be read".to_owned(), one_line);
        let _ = writeln!(out, "- {}: {choice}", one_line(&ballot.agent));
    }
    for baseline in &verdict.baselines {
        let answer = baseline
            .answer
            .as_deref()
            .map_or_else(|| "none".to_owned(), one_line);
        let _ = writeln!(
            out,
            "- without debating ({}): {answer}, {} of {}",
            baseline.id, baseline.support, baseline.of
        );
    }
    for flip in &verdict.flips {
        let _ = writeln!(
            out,
            "- {} changed from {} to {}",
            one_line(&flip.agent),
            one_line(&flip.from),
            one_line(&flip.to)
        );
    }
    for line in verdict.dissent.iter().chain(&verdict.notes) {
        let _ = writeln!(out, "- {}", one_line(line));
    }
}

/// A model's text as a quotation: whatever headings it holds, they are not the document's.
fn quoted(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("> {line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
