//! Other groups, when one has failed.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::Calling;
use super::is_late;
use crate::client::LlmError;
use crate::router::errand::Errand;
use crate::router::fallback;
use crate::router::fallback::Asks;
use crate::router::fallback::Failed;
use crate::router::ticket::Ticket;

impl Calling {
    /// Asks other groups. When all fail, the caller gets the first one's error.
    pub(super) async fn fall_back<E: Errand>(
        &mut self,
        first: LlmError,
        errand: &E,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let facts = errand.facts();
        let snapshot = Arc::clone(&self.snapshot);
        let config = &snapshot.config;
        let (asked, group) = (Arc::clone(&self.asked), Arc::clone(&self.group));
        let failed = Failed {
            asked: &asked,
            group: &group,
        };
        let asks = Asks {
            wishes: facts.wishes,
            allowed: facts.call.allowed_models.as_ref(),
        };
        let mut left: VecDeque<String> = fallback::after(failed, config, asks, &first.kind)
            .cloned()
            .collect();
        let mut seen = vec![Arc::clone(&group.name)];
        let mut told: Vec<String> = Vec::new();
        while let Some(name) = left.pop_front() {
            if self.meter.fallbacks() >= u32::from(config.max_fallbacks)
                || is_late(&facts, Instant::now())
            {
                break;
            }
            let (name, group) = match snapshot.find(&name) {
                Ok((name, group)) if !seen.contains(&group.name) => (name, group),
                Ok(_) => continue,
                Err(error) => {
                    told.push(format!("{name}: {}", error.kind));
                    continue;
                }
            };
            seen.push(Arc::clone(&group.name));
            self.meter.fell_back();
            match self.ask_group(&group, errand, Vec::new()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    told.push(format!("{name}: {}", error.kind));
                    // A caller's list is the whole of it; a configured one may lead on.
                    if facts.wishes.fallbacks.is_none() {
                        let failed = Failed {
                            asked: &name,
                            group: &group,
                        };
                        let next = fallback::after(failed, config, asks, &error.kind);
                        next.rev().for_each(|it| left.push_front(it.clone()));
                    }
                }
            }
        }
        Err(with_fallbacks(first, &told))
    }
}

/// The first group's error, and how the others failed.
fn with_fallbacks(first: LlmError, told: &[String]) -> LlmError {
    if told.is_empty() {
        return first;
    }
    let message = format!("{}; asked instead: {}", first.message, told.join(", "));
    LlmError {
        status: first.status,
        ..LlmError::new(first.kind, first.provider, message)
    }
}
