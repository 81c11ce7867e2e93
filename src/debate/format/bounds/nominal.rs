//! What a format takes before anybody has ordered a debate: with the smallest cast and with the largest.

use std::collections::BTreeMap;

use super::estimate;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::debate::CastMember;
use crate::types::debate::Document;
use crate::types::debate::Estimate;
use crate::types::debate::Format;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Spec;

/// Characters of the question that is taken.
pub const TOPIC_CHARS: usize = 300;
/// Characters of each secret that is taken.
pub const SECRET_CHARS: usize = 20_000;
/// Answers to choose from that are taken where a format needs some.
const OPTIONS: usize = 2;

/// A cast, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nominal {
    /// How many hold each role, in the format's order; people who watch are not in it.
    pub cast: Vec<(String, u32)>,
    /// What it takes; money is not known, since nobody knows the models.
    pub estimate: Estimate,
}

/// What the smallest cast takes, and the largest.
pub fn range(format: &Format) -> (Nominal, Nominal) {
    let of = |seats: fn(&RoleDef) -> u32| {
        let seated = format
            .roles
            .iter()
            .filter(|role| role.kind != RoleKind::Audience);
        let cast: Vec<(String, u32)> = seated.map(|role| (role.id.clone(), seats(role))).collect();
        let estimate = estimate(&spec(format, &cast));
        Nominal { cast, estimate }
    };
    (of(|role| role.count.min), of(|role| role.count.max))
}

fn spec(format: &Format, cast: &[(String, u32)]) -> Spec {
    let text = |chars: usize| "word ".repeat(chars / 5);
    let secrets = format.needs_secrets().into_iter().map(|name| {
        let document = Document {
            title: name.to_owned(),
            text: text(SECRET_CHARS),
        };
        (name.to_owned(), document)
    });
    let secrets: BTreeMap<String, Document> = secrets.collect();
    let options = if format.needs_options() { OPTIONS } else { 0 };
    Spec {
        topic: text(TOPIC_CHARS),
        title: String::new(),
        format: format.clone(),
        cast: cast
            .iter()
            .flat_map(|(role, count)| (1..=*count).map(move |at| (role, at)))
            .filter_map(|(role, at)| member(format, role, at))
            .collect(),
        limits: format.limits,
        seed: 0,
        options: (1..=options).map(|at| format!("an answer {at}")).collect(),
        facts: Vec::new(),
        secrets,
        audience: true,
        extractor: None,
        parent: None,
    }
}

fn member(format: &Format, role: &str, at: u32) -> Option<CastMember> {
    let model: ModelName = "demo/analyst".parse().ok()?;
    Some(CastMember {
        name: format!("{role}-{at}"),
        role: role.to_owned(),
        side: format.role(role)?.side.clone(),
        model,
        human: None,
        substitute: None,
        persona: None,
        temperature: None,
        max_tokens: None,
        endpoint: None,
        prices: Some(Prices::default()),
        window_tokens: None,
        rating: None,
        defaulted: false,
    })
}
