//! `agon models`: the catalog, one model of it, and what a price map says otherwise.

mod import;
mod show;
mod table;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app;
use crate::app::AppError;
use crate::app::Data;
use crate::catalog::AuthScheme;
use crate::catalog::Catalog;
use crate::catalog::ModelCard;
use crate::catalog::PricingTier;
use crate::config::Overrides;
use crate::provider::Discovered;
use crate::provider::Environment;
use crate::types::LongPrompt;
use crate::types::Prices;

/// Which models, or what to do with them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show all that is known of one model, by any of its names
    Show(show::ShowArgs),
    /// Make catalog files of LiteLLM's price map (model_prices_and_context_window.json)
    Import(import::ImportArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Only those of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only those of this tier
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Only those that can do all of this: chat, tools, vision, json_schema, reasoning, pdf, audio, embedding
    #[arg(long, value_delimiter = ',', value_name = "WHAT", value_parser = capability)]
    can: Vec<String>,
    /// Only those whose name or title holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that can be called now: the key is set, or the model is installed
    #[arg(long)]
    available: bool,
    /// Only those of servers on this machine
    #[arg(long)]
    local: bool,
    /// Only those that are retired or will be
    #[arg(long)]
    deprecated: bool,
    /// Only those that cost nothing
    #[arg(long)]
    free: bool,
    /// For programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tier {
    Free,
    Budget,
    Standard,
    Premium,
}

impl From<Tier> for PricingTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Free => Self::Free,
            Tier::Budget => Self::Budget,
            Tier::Standard => Self::Standard,
            Tier::Premium => Self::Premium,
        }
    }
}

/// Checks the name of a capability.
fn capability(word: &str) -> Result<String, String> {
    let known = crate::catalog::Capabilities::default().all();
    match known.iter().any(|(name, _)| *name == word) {
        true => Ok(word.to_owned()),
        false => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            Err(format!("known are {}", names.join(", ")))
        }
    }
}

/// Lists models, shows one, or imports a price map.
pub(super) async fn models(args: &ModelsArgs) -> Result<ExitCode, AppError> {
    match &args.what {
        None => list(&args.list).await,
        Some(What::Show(args)) => show::show(args),
        Some(What::Import(args)) => import::import(args),
    }
}

async fn list(args: &ListArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    let catalog = Data::load(&settings.config)?.catalog;
    let provider = match &args.provider {
        None => None,
        Some(id) => Some(provider_id(&catalog, id)?),
    };
    let callable = match args.available {
        false => None,
        true => Some(Callable::find(&catalog, settings.variables.into_iter().collect()).await?),
    };
    let chosen: Vec<&Arc<ModelCard>> = catalog
        .cards()
        .filter(|card| {
            provider
                .as_deref()
                .is_none_or(|id| card.name.provider() == id)
                && args.takes(card, &catalog)
                && callable
                    .as_ref()
                    .is_none_or(|callable| callable.has(card, &catalog))
        })
        .collect();
    let mut out = Output::stdout();
    if args.json {
        let data: Vec<Value> = chosen.iter().map(|card| as_json(card, &catalog)).collect();
        out.line(&format!("{:#}", json!({ "data": data })));
    } else {
        table::print(&chosen, &mut out);
        Output::stderr().line(&format!(
            "{} of {} models",
            chosen.len(),
            catalog.cards().count()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn provider_id(catalog: &Catalog, written: &str) -> Result<String, AppError> {
    match catalog.provider(written) {
        Some(spec) => Ok(spec.id.clone()),
        None => {
            let near = catalog.suggest(written);
            let hint = match near.first() {
                Some(near) => format!(": did you mean {near}?"),
                None => String::new(),
            };
            Err(AppError::Failed(format!(
                "there is no provider \"{written}\"{hint}"
            )))
        }
    }
}

impl ListArgs {
    fn takes(&self, card: &ModelCard, catalog: &Catalog) -> bool {
        let spec = catalog.provider(card.name.provider());
        let tier = self.tier.map(PricingTier::from);
        let names = card.capabilities.names();
        let text = self.search.as_deref().map(str::to_lowercase);
        let holds = |text: &String| {
            let aliases = catalog.aliases_of(&card.name);
            let names = [card.name.as_str()]
                .into_iter()
                .chain(card.title.as_deref());
            names
                .chain(aliases.into_iter().map(|alias| alias.as_str()))
                .any(|name| name.to_lowercase().contains(text.as_str()))
        };
        tier.is_none_or(|tier| card.pricing_tier == tier)
            && (self.can.iter()).all(|wanted| names.contains(&wanted.as_str()))
            && text.as_ref().is_none_or(holds)
            && (!self.local || spec.is_some_and(|spec| spec.local))
            && (!self.deprecated || card.deprecated.is_some())
            && (!self.free || card.prices.is_some_and(|prices| prices.is_free()))
    }
}

/// What can be called on this machine: keys that are set, models that local servers have.
struct Callable {
    environment: Environment,
    servers: Arc<[Discovered]>,
}

impl Callable {
    async fn find(catalog: &Catalog, environment: Environment) -> Result<Self, AppError> {
        let servers = app::discovery(catalog, &environment)?.current().await;
        Ok(Self {
            environment,
            servers,
        })
    }

    fn has(&self, card: &ModelCard, catalog: &Catalog) -> bool {
        let Some(spec) = catalog.provider(card.name.provider()) else {
            return false;
        };
        if spec.local {
            let mut servers = self.servers.iter().filter(|it| it.provider == spec.id);
            let installed = |name: &str| name.trim_end_matches(":latest") == card.name.model();
            return servers.any(|server| server.models.iter().any(|it| installed(&it.name)));
        }
        spec.keyless
            || spec.auth.scheme == AuthScheme::None
            || self.environment.first_of(&spec.auth.key_env).is_some()
    }
}

/// Dollars per million tokens, for programs that show them.
fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / 1e9
}

fn prices_as_json(prices: &Prices) -> Value {
    let tier = |tier: &LongPrompt| {
        json!({
            "above_tokens": tier.above_tokens,
            "input": usd(tier.input),
            "output": usd(tier.output),
            "cache_read": usd(tier.cache_read),
            "cache_write": usd(tier.cache_write),
        })
    };
    json!({
        "input": usd(prices.input),
        "output": usd(prices.output),
        "cache_read": usd(prices.cache_read),
        "cache_write": usd(prices.cache_write),
        "audio_in": prices.audio_in.map(usd),
        "audio_out": prices.audio_out.map(usd),
        "reasoning": prices.reasoning.map(usd),
        "long_prompts": prices.long_prompts.iter().map(tier).collect::<Vec<_>>(),
    })
}

fn as_json(card: &ModelCard, catalog: &Catalog) -> Value {
    let deprecated = card.deprecated.as_ref();
    json!({
        "id": card.name,
        "provider": card.name.provider(),
        "title": card.title,
        "aliases": catalog.aliases_of(&card.name),
        "context_tokens": card.context_tokens,
        "max_output_tokens": card.max_output_tokens,
        "dimensions": card.dimensions,
        "capabilities": card.capabilities.names(),
        "pricing_tier": card.pricing_tier.as_str(),
        "usd_per_million": card.prices.as_ref().map(prices_as_json),
        "recommended": card.recommended,
        "ram_gb": card.ram_gb,
        "disk_gb": card.disk_gb,
        "local": catalog.provider(card.name.provider()).is_some_and(|spec| spec.local),
        "deprecated": deprecated.is_some(),
        "retired": card.is_retired(),
        "retired_on": deprecated.and_then(|it| it.date.as_ref()),
        "successor": deprecated.and_then(|it| it.successor.as_ref()),
        "drop_params": card.drop_params.iter().map(|param| param.as_str()).collect::<Vec<_>>(),
        "source": card.source,
        "checked": card.checked,
    })
}
