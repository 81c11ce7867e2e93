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
use crate::types::debate::Card;
use crate::types::debate::CastMember;
use crate::types::debate::Tally;
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
            seated(member)
        );
    }
    for warning in &whole.warnings {
        let _ = writeln!(out, "\n*{}*", one_line(warning));
    }
    let mut place = (String::new(), 0);
    for (at, turn) in whole.turns.iter().enumerate() {
        from_the_audience(&mut out, whole, |place| place == at);
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
    from_the_audience(&mut out, whole, |place| place >= whole.turns.len());
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

/// Who holds a seat: a model, or a person and who stands in.
fn seated(member: &CastMember) -> String {
    let model = cell(member.model.as_str());
    match &member.human {
        None => model,
        Some(seat) => {
            let who = seat.identity.as_deref().map(cell);
            let who = who.map(|who| format!(", {who}")).unwrap_or_default();
            format!("a person{who} (stand-in: {model})")
        }
    }
}

/// The polls and remarks that stand at a place, counted in turns that had begun.
fn from_the_audience(out: &mut String, whole: &Transcript, here: impl Fn(usize) -> bool) {
    for poll in whole.polls.iter().filter(|poll| here(poll.place)) {
        let _ = writeln!(
            out,
            "\n### Poll of the audience: {}, round {}\n",
            one_line(&poll.phase),
            poll.round + 1
        );
        match (poll.ballots, &poll.tally) {
            (None, _) => {
                let _ = writeln!(out, "*still open*");
            }
            (Some(ballots), tally) => {
                let _ = writeln!(out, "Ballots: {ballots}");
                tallied(out, tally.iter().flatten());
            }
        }
    }
    for remark in whole.interjections.iter().filter(|it| here(it.place)) {
        let to = remark.to.as_deref().map(one_line);
        let to = to.map(|to| format!(", to {to}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "\n### From the audience{to}\n\n{}",
            quoted(&remark.text)
        );
    }
}

fn tallied<'a>(out: &mut String, tally: impl Iterator<Item = &'a Tally>) {
    for entry in tally {
        let _ = writeln!(out, "- {}: {}", one_line(&entry.choice), entry.points);
    }
}

fn spoken(out: &mut String, turn: &SpokenTurn) {
    let side = turn
        .side
        .as_ref()
        .map(|side| format!(" ({})", one_line(side)))
        .unwrap_or_default();
    let _ = writeln!(out, "\n### {}{side}\n", one_line(&turn.agent));
    match &turn.substitute_for {
        Some(absent) => {
            let absent = match absent.starts_with("human/") {
                true => "a person who did not come".to_owned(),
                false => one_line(absent),
            };
            let _ = writeln!(out, "*{} stands in for {absent}*\n", one_line(&turn.model));
        }
        None if turn.human => {
            let _ = writeln!(out, "*a person speaks*\n");
        }
        None => {}
    }
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
    tallied(out, verdict.tally.iter());
    if !verdict.panel.is_empty() {
        let _ = writeln!(out, "\nBallots:");
    }
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
    for side in &verdict.also {
        let won = side.winner.as_deref().map(one_line);
        let won = won.unwrap_or_else(|| "undecided".to_owned());
        let _ = writeln!(
            out,
            "\n### Beside it, by {}: {won}\n\n{}",
            side.rule,
            quoted(&side.reason)
        );
        if !side.tally.is_empty() {
            let _ = writeln!(out);
            tallied(out, side.tally.iter());
        }
    }
    if let Some(card) = &verdict.card {
        helped(out, card);
    }
}

/// Whether debating helped, and what each way to an answer cost.
fn helped(out: &mut String, card: &Card) {
    let _ = writeln!(
        out,
        "\n### Did debating help?\n\n{}\n",
        one_line(&card.summary)
    );
    let _ = writeln!(
        out,
        "| Way | Answer | Held by | Tokens | Cost |\n|---|---|---|---|---|"
    );
    let ways = [
        ("best single answer", card.best_single.as_ref()),
        ("majority before debating", card.round0_majority.as_ref()),
        ("the debate", Some(&card.outcome)),
    ];
    for (way, result) in ways
        .into_iter()
        .filter_map(|(way, result)| Some((way, result?)))
    {
        let answer = result.answer.as_deref();
        let cost = result.cost_nanousd;
        let _ = writeln!(
            out,
            "| {way} | {} | {} of {} | {} | {} |",
            answer.map_or_else(|| "none".to_owned(), cell),
            result.support,
            result.of,
            result.tokens,
            cost.map_or_else(|| "not known".to_owned(), |cost| cost.to_string())
        );
    }
    let _ = writeln!(
        out,
        "\nCame over to the answer: {}. Gave it up under a majority: {}.",
        card.helped, card.bullied
    );
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::Draft;
    use crate::events::EventBody;
    use crate::types::TurnId;

    fn taken(events: &[(Option<&str>, serde_json::Value)]) -> Transcript {
        let mut transcript = Transcript::default();
        for (seq, (turn, body)) in (1..).zip(events) {
            let body: EventBody = serde_json::from_value(body.clone()).unwrap();
            let draft = Draft {
                phase: Some("opening".to_owned()),
                round: Some(0),
                turn: turn.map(TurnId::new),
                body,
            };
            transcript.take(draft.into_envelope(DebateId::new("d_1"), seq, 0));
        }
        transcript
    }

    fn turn(agent: &str, stands_in_for: Option<&str>) -> [serde_json::Value; 2] {
        let mut started = json!({"agent": agent, "role": "pro", "model": "demo/judge", "attempt": 0, "prompt_hash": ""});
        if let Some(absent) = stands_in_for {
            started["substitute_for"] = json!(absent);
        }
        let completed = json!({"agent": agent, "role": "pro", "model": "demo/judge", "text": format!("{agent} spoke"),
            "parse": "text", "usage": crate::types::Usage::default(), "cost_nanousd": 0, "ttft_ms": 0, "total_ms": 0,
            "finish": "stop", "human": stands_in_for.is_none()});
        [
            json!({"type": "turn.started", "data": started}),
            json!({"type": "turn.completed", "data": completed}),
        ]
    }

    #[test]
    fn remarks_polls_people_and_stand_ins_stand_at_their_places() {
        let [ada, ada_spoke] = turn("Ada", None);
        let [boole, boole_spoke] = turn("Boole", Some("human/Boole"));
        let tally = json!([{"choice": "pro", "points": 2.0}]);
        let whole = taken(&[
            (
                None,
                json!({"type": "poll.opened", "data": {"choices": ["pro", "con"], "timeout_s": 9, "hidden": true}}),
            ),
            (None, json!({"type": "poll.closed", "data": {"ballots": 2}})),
            (Some("t_1"), ada),
            (Some("t_1"), ada_spoke),
            (
                None,
                json!({"type": "human.accepted", "data": {"text": "And the cost?", "to": "Boole"}}),
            ),
            (Some("t_2"), boole),
            (Some("t_2"), boole_spoke),
            (
                None,
                json!({"type": "poll.closed", "data": {"ballots": 2, "tally": tally}}),
            ),
        ]);
        let remark = serde_json::to_value(&whole.interjections).unwrap();
        assert_eq!(
            remark,
            json!([{"seq": 5, "text": "And the cost?", "to": "Boole"}])
        );
        let mut out = String::new();
        for (at, turn) in whole.turns.iter().enumerate() {
            from_the_audience(&mut out, &whole, |place| place == at);
            spoken(&mut out, turn);
        }
        let mut rest = out.as_str();
        for wanted in [
            "### Poll of the audience: opening, round 1",
            "Ballots: 2\n- pro: 2",
            "### Ada",
            "*a person speaks*",
            "> Ada spoke",
            "### From the audience, to Boole",
            "> And the cost?",
            "### Boole",
            "*demo/judge stands in for a person who did not come*",
        ] {
            let Some((_, behind)) = rest.split_once(wanted) else {
                panic!("\"{wanted}\" is not there in its place: {out}");
            };
            rest = behind;
        }
    }

    #[test]
    fn the_verdict_tells_what_was_decided_beside_it_and_whether_debating_helped() {
        let baseline =
            json!({"id": "single_best", "answer": "yes", "support": 1, "of": 1, "tokens": 70});
        let outcome =
            json!({"id": "outcome", "answer": "no", "support": 2, "of": 3, "tokens": 700});
        let verdict = serde_json::from_value(json!({
            "status": "decided", "rule": "panel", "winner": "con", "answer": null, "reason": "x", "margin": null,
            "panel": [], "baselines": [], "flips": [], "dissent": [], "swap_consistent": null, "notes": [],
            "also": [{"rule": "swing", "status": "decided", "winner": "pro", "reason": "two moved",
                "tally": [{"choice": "pro", "points": 2.0}]}],
            "card": {"best_single": baseline, "round0_majority": null, "outcome": outcome, "helped": 1, "bullied": 0,
                "summary": "Debating changed the answer."},
        }));
        let mut out = String::new();
        decided(&mut out, &verdict.unwrap());
        for wanted in [
            "### Beside it, by swing: pro\n\n> two moved\n\n- pro: 2",
            "### Did debating help?\n\nDebating changed the answer.",
            "| best single answer | yes | 1 of 1 | 70 | not known |",
            "| the debate | no | 2 of 3 | 700 |",
        ] {
            assert!(out.contains(wanted), "{wanted}: {out}");
        }
    }
}
