//! Whether a plan can be carried out, before anything is asked.

use std::collections::BTreeSet;

use super::EvalParts;
use super::EvalPlan;
use super::one::order;
use crate::debate::CreateError;
use crate::debate::eval::EvalError;
use crate::debate::eval::bout;
use crate::debate::eval::budget::Matched;
use crate::debate::eval::contestant::Contestant;
use crate::debate::eval::contestant::VoteSize;
use crate::debate::eval::question::Kind;
use crate::debate::eval::question::Question;
use crate::debate::format::FormatLibrary;
use crate::types::debate::Format;

/// Whether a plan can be carried out.
///
/// # Errors
/// Says what cannot be done, and what to do instead.
pub(super) fn check(parts: &EvalParts, plan: &EvalPlan) -> Result<(), EvalError> {
    let refused = |help: String| Err(EvalError::Refused(help));
    if plan.contestants.is_empty() || plan.models.is_empty() || plan.questions.is_empty() {
        return refused("there must be a question, a contestant and a model".to_owned());
    }
    let mut names = BTreeSet::new();
    for contestant in &plan.contestants {
        let name = contestant.to_string();
        if !names.insert(name.clone()) {
            return refused(format!("{name} is named twice"));
        }
        check_one(parts, plan, contestant)?;
    }
    if let Matched::To(reference) = &plan.matched {
        let name = reference.to_string();
        let matches_itself = matches!(
            reference,
            Contestant::Vote {
                size: VoteSize::Matched,
                ..
            }
        );
        if matches_itself || !names.contains(&name) {
            return refused(format!(
                "--match {name}: the budget is set by one of the other contestants"
            ));
        }
    }
    let judged = plan
        .questions
        .iter()
        .find(|question| question.kind() == Kind::Judged);
    match (judged, &plan.grader) {
        (Some(question), None) => refused(format!(
            "question {} needs a model that grades it: name one with --judge or --grader",
            question.id
        )),
        (Some(_) | None, _) => Ok(()),
    }
}

fn check_one(parts: &EvalParts, plan: &EvalPlan, contestant: &Contestant) -> Result<(), EvalError> {
    match contestant {
        Contestant::Vote {
            size: VoteSize::Matched,
            ..
        } if plan.matched == Matched::Nothing => Err(EvalError::Refused(
            "vote@match has nothing to match: add a debate format, or name a budget with --match"
                .to_owned(),
        )),
        Contestant::Single { model } | Contestant::Vote { model, .. } => {
            for model in model.iter().chain(&plan.models) {
                let known = parts.clients.client(model);
                known.map_err(|error| EvalError::Refused(error.message))?;
            }
            Ok(())
        }
        Contestant::Debate { format, debaters } => {
            let format = find(&parts.formats, format)?;
            if !bout::seeks_answer(format) {
                return Err(EvalError::Refused(format!(
                    "{} rules which side argued better and gives no answer: choose a format that seeks one",
                    format.id
                )));
            }
            let name = contestant.to_string();
            (plan.questions.iter()).try_for_each(|question| {
                check_debate(parts, plan, (&name, format, *debaters), question)
            })
        }
    }
}

/// Whether a debate about a question can be ordered.
fn check_debate(
    parts: &EvalParts,
    plan: &EvalPlan,
    (contestant, format, debaters): (&str, &Format, Option<u32>),
    question: &Question,
) -> Result<(), EvalError> {
    if let Some(lack) = bout::lacks(format, question) {
        return Err(EvalError::Refused(format!(
            "{contestant}: question {} has no {lack}, and {} needs that",
            question.id, format.id
        )));
    }
    let order = order(plan, format, debaters, question);
    let estimated = parts.engine.estimate(&order);
    let told = |error| EvalError::Create {
        contestant: format!("{contestant}, question {}", question.id),
        error: CreateError::Order(error),
    };
    estimated.map(|_| ()).map_err(told)
}

/// The format of this id.
///
/// # Errors
/// When there is none, with the nearest.
pub(super) fn find<'a>(formats: &'a FormatLibrary, id: &str) -> Result<&'a Format, EvalError> {
    let found = formats.get(id).map(AsRef::as_ref);
    found.ok_or_else(|| {
        let hint = match formats.nearest(id) {
            Some(near) => format!("did you mean {near}?"),
            None => "single, vote@N, vote@match and those that agon formats lists".to_owned(),
        };
        EvalError::Refused(format!("there is no contestant \"{id}\": {hint}"))
    })
}
