//! Who debates when nobody was named: what is installed here, what there are keys for, and else the demo models.

use std::sync::Arc;

use async_trait::async_trait;

use crate::catalog::Catalog;
use crate::catalog::ModelCard;
use crate::debate::Candidates;
use crate::debate::Casting;
use crate::provider::Discovery;
use crate::provider::Environment;
use crate::types::ModelName;

/// Installed models that are taken, at most: each has to be loaded.
const MAX_LOCAL: usize = 3;
/// The demo models that debate.
const DEMO: [&str; 3] = ["demo/optimist", "demo/skeptic", "demo/analyst"];

/// Looks at the local servers and the keys that are set.
pub(super) struct FoundCast {
    pub(super) catalog: Arc<Catalog>,
    pub(super) environment: Environment,
    pub(super) discovery: Arc<Discovery>,
    pub(super) judge: Option<ModelName>,
}

#[async_trait]
impl Casting for FoundCast {
    async fn candidates(&self) -> Candidates {
        let mut debaters = self.local().await;
        debaters.extend(self.cloud());
        if !debaters.is_empty() {
            let judge = self.judge.clone();
            return Candidates { debaters, judge };
        }
        let demo = |name: &str| name.parse().ok();
        Candidates {
            debaters: DEMO.into_iter().filter_map(demo).collect(),
            judge: self.judge.clone().or_else(|| demo("demo/judge")),
        }
    }
}

impl FoundCast {
    /// Chat models of the Ollama server, as it lists them.
    async fn local(&self) -> Vec<ModelName> {
        let found = self.discovery.current().await;
        let ollama = found.iter().filter(|server| server.provider == "ollama");
        let talks = |can: &[String]| can.is_empty() || can.iter().any(|it| it == "completion");
        ollama
            .flat_map(|server| &server.models)
            .filter(|model| talks(&model.capabilities))
            .take(MAX_LOCAL)
            .filter_map(|model| format!("ollama/{}", model.name).parse().ok())
            .collect()
    }

    /// The cheapest recommended chat model of each provider whose key is set, by the provider's id.
    fn cloud(&self) -> Vec<ModelName> {
        let mut providers: Vec<_> = self
            .catalog
            .providers()
            .filter(|spec| !spec.local && !spec.keyless)
            .filter(|spec| self.environment.first_of(&spec.auth.key_env).is_some())
            .collect();
        providers.sort_by(|a, b| a.id.cmp(&b.id));
        let cheapest = |id: &str| {
            let cards = self.catalog.cards().filter(|card| {
                let fits = card.recommended && card.capabilities.chat && !card.is_retired();
                card.name.provider() == id && fits
            });
            cards.min_by_key(|card| (self.price(card), card.name.as_str().to_owned()))
        };
        providers
            .into_iter()
            .filter_map(|spec| Some(cheapest(&spec.id)?.name.clone()))
            .collect()
    }

    /// Of an answer; what is not known counts as dear.
    fn price(&self, card: &ModelCard) -> u64 {
        let prices = self.catalog.prices(&card.name);
        prices.map_or(u64::MAX, |prices| prices.output)
    }
}
