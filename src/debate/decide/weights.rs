//! How much a ballot weighs.

use super::super::state::State;
use super::super::state::TurnRecord;
use super::ballots;
use super::paper::exact;
use crate::types::debate::FieldKind;
use crate::types::debate::Weights;

/// The field that says how sure a speaker is.
const CONFIDENCE: &str = "confidence";

/// Weighs the ballots of one debate.
pub(super) struct Scale<'a> {
    state: &'a State,
    weights: Weights,
}

impl<'a> Scale<'a> {
    pub(super) fn new(state: &'a State, weights: Weights) -> Self {
        Self { state, weights }
    }

    /// The weight of the ballot that a turn gave.
    ///
    /// A ballot without a confidence counts as one of confidence 0: it was asked to say how sure it is. An agent
    /// without a rating weighs as much as the mean of those that have one, or 1.
    pub(super) fn of(&self, turn: &TurnRecord) -> f64 {
        match self.weights {
            Weights::Equal => 1.0,
            Weights::Confidence => exact(confidence(self.state, turn).unwrap_or(0.0)),
            Weights::ReconcileSteps => reconcile_step(confidence(self.state, turn).unwrap_or(0.0)),
            Weights::Rating => {
                let own = rating(self.state.spec().cast[turn.member].rating);
                exact(own.unwrap_or_else(|| self.mean_rating()))
            }
        }
    }

    fn mean_rating(&self) -> f64 {
        let cast = &self.state.spec().cast;
        let given: Vec<f64> = cast.iter().filter_map(|it| rating(it.rating)).collect();
        if given.is_empty() {
            1.0
        } else {
            given.iter().sum::<f64>() / given.len() as f64
        }
    }
}

fn rating(given: Option<f64>) -> Option<f64> {
    given.filter(|rating| rating.is_finite() && *rating >= 0.0)
}

/// How sure a speaker says it is, 0 to 1, whatever range its contract asks for; `None` when it does not say.
pub(super) fn confidence(state: &State, turn: &TurnRecord) -> Option<f64> {
    let said = turn.parsed.as_ref()?.get(CONFIDENCE)?.as_f64()?;
    let fields = &ballots::contract_of(state, turn)?.fields;
    let field = fields.iter().find(|field| field.name == CONFIDENCE)?;
    let FieldKind::Number { min, max } = field.kind else {
        return None;
    };
    (max > min).then(|| ((said - min) / (max - min)).clamp(0.0, 1.0))
}

/// The steps of `ReConcile` (Chen et al. 2023, arXiv 2309.13007; as in the authors' released code, read 2026-11-24).
fn reconcile_step(confidence: f64) -> f64 {
    match confidence {
        sure if sure >= 1.0 => 1.0,
        high if high >= 0.9 => 0.8,
        fair if fair >= 0.8 => 0.5,
        low if low > 0.6 => 0.3,
        _ => 0.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_becomes_reconciles_steps() {
        let table = [
            (1.0, 1.0),
            (0.99, 0.8),
            (0.9, 0.8),
            (0.89, 0.5),
            (0.8, 0.5),
            (0.79, 0.3),
            (0.61, 0.3),
            (0.6, 0.1),
            (0.0, 0.1),
        ];
        for (confidence, step) in table {
            assert_eq!(reconcile_step(confidence), step, "{confidence}");
        }
    }
}
