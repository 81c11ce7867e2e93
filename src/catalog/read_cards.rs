//! Reads one file of `catalog/`: the models of one provider.

use serde::Deserialize;

use super::fields::Fields;
use super::fields::Report;
use super::model_card::Capabilities;
use super::model_card::Deprecation;
use super::model_card::ModelCard;
use super::model_card::PricingTier;
use super::read_prices::prices;
use super::read_prices::pricing_tier;
use super::read_provider::date;
use crate::types::ModelName;
use crate::types::Prices;

/// The models of one file.
pub(super) struct ReadCards {
    /// Whose models they are.
    pub(super) provider: String,
    /// The line that says so.
    pub(super) provider_line: Option<usize>,
    pub(super) cards: Vec<ReadCard>,
    /// Models that are another provider's.
    pub(super) likes: Vec<ReadLike>,
}

/// Models that a provider offers as another does, at its prices.
#[derive(Clone)]
pub(super) struct ReadLike {
    /// Whose cards hold for them.
    pub(super) provider: String,
    /// What stands before each id here and not there.
    pub(super) prefix: String,
    /// Their ids at the other provider; an `@date` is not part of its id there.
    pub(super) models: Vec<String>,
    /// What is charged on top.
    pub(super) surcharge_percent: u64,
    /// `true` when they are retired on the same days.
    pub(super) same_dates: bool,
    /// Where these facts come from.
    pub(super) source: String,
    pub(super) checked: String,
    pub(super) line: Option<usize>,
}

/// A card, with what only the loader needs.
pub(super) struct ReadCard {
    pub(super) card: ModelCard,
    /// Other names of the same model, which its provider knows too.
    pub(super) aliases: Vec<ModelName>,
    /// Names that people write and the provider does not know: its id is sent instead.
    pub(super) shorthands: Vec<ModelName>,
    /// The line of its id.
    pub(super) line: Option<usize>,
    /// The line of its successor.
    pub(super) successor_line: Option<usize>,
}

/// What a file says once for all its models; a model may say otherwise.
pub(super) struct Defaults {
    source: String,
    checked: String,
    prices: Option<Prices>,
    pub(super) pricing_tier: Option<PricingTier>,
    recommended: bool,
}

/// Reads a file's models; what is wrong goes to the report.
pub(super) fn read_cards(report: &mut Report<'_>) -> Option<ReadCards> {
    let mut fields = report.parse()?;
    let provider = fields.require_text("provider", report);
    let provider_line = fields.line("provider");
    let defaults = Defaults {
        source: fields.require_text("source", report).unwrap_or_default(),
        checked: date(&mut fields, "checked", true, report).unwrap_or_default(),
        prices: prices(&mut fields, report),
        pricing_tier: fields.take("pricing_tier", report),
        recommended: fields.take("recommended", report).unwrap_or(false),
    };
    let models = fields.tables("model", report);
    let likes = fields.tables("like", report);
    fields.finish(report);
    let provider = provider?;
    let likes = likes
        .into_iter()
        .filter_map(|like| read_like(like, &defaults, report))
        .collect();
    let cards = models
        .into_iter()
        .filter_map(|model| read_card(&provider, model, &defaults, report))
        .collect();
    Some(ReadCards {
        provider,
        provider_line,
        cards,
        likes,
    })
}

/// Reads `[[like]]`: models that another provider's cards describe.
fn read_like(
    mut fields: Fields<'_>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Option<ReadLike> {
    let provider = fields.require_text("provider", report);
    let line = fields.line("provider");
    let prefix = fields.take("prefix", report).unwrap_or_default();
    let models = fields.require("models", report);
    let surcharge_percent = fields.take("surcharge_percent", report).unwrap_or_default();
    let same_dates = fields.take("same_dates", report).unwrap_or_default();
    fields.finish(report);
    Some(ReadLike {
        provider: provider?,
        prefix,
        models: models?,
        surcharge_percent,
        same_dates,
        source: defaults.source.clone(),
        checked: defaults.checked.clone(),
        line,
    })
}

fn read_card(
    provider: &str,
    mut fields: Fields<'_>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Option<ReadCard> {
    let id = fields.require_text("id", report);
    let line = fields.line("id");
    let name = id.and_then(|id| model_name(provider, &id, line, report));
    let aliases = other_names(provider, &mut fields, "aliases", report);
    let shorthands = other_names(provider, &mut fields, "shorthands", report);
    let title = fields.take("title", report);
    let context_tokens = tokens(&mut fields, "context_tokens", report);
    let max_output_tokens = tokens(&mut fields, "max_output_tokens", report);
    let dimensions = fields.take("dimensions", report);
    let capabilities = capabilities(&mut fields, report);
    let prices = prices(&mut fields, report).or(defaults.prices);
    let pricing_tier = pricing_tier(&mut fields, prices.as_ref(), defaults, report);
    let recommended = fields.take("recommended", report);
    let ram_gb = gigabytes(&mut fields, "ram_gb", report);
    let disk_gb = gigabytes(&mut fields, "disk_gb", report);
    let (deprecated, successor_line) = deprecation(provider, &mut fields, report);
    let drop_params = fields.take("drop_params", report).unwrap_or_default();
    let source = fields.take("source", report);
    let checked = date(&mut fields, "checked", false, report);
    fields.finish(report);
    let card = ModelCard {
        name: name?,
        title,
        context_tokens,
        max_output_tokens,
        dimensions,
        capabilities,
        prices,
        pricing_tier: pricing_tier?,
        recommended: recommended.unwrap_or(defaults.recommended),
        ram_gb,
        disk_gb,
        deprecated,
        drop_params,
        source: source.unwrap_or_else(|| defaults.source.clone()),
        checked: checked.unwrap_or_else(|| defaults.checked.clone()),
    };
    Some(ReadCard {
        card,
        aliases,
        shorthands,
        line,
        successor_line,
    })
}

fn model_name(
    provider: &str,
    id: &str,
    line: Option<usize>,
    report: &mut Report<'_>,
) -> Option<ModelName> {
    match format!("{provider}/{id}").parse() {
        Ok(name) => Some(name),
        Err(_) => {
            report.at(
                line,
                format!("\"{id}\" cannot be a model's id: it holds a blank or is too long"),
            );
            None
        }
    }
}

fn other_names(
    provider: &str,
    fields: &mut Fields<'_>,
    key: &'static str,
    report: &mut Report<'_>,
) -> Vec<ModelName> {
    let names: Vec<String> = fields.take(key, report).unwrap_or_default();
    let line = fields.line(key);
    let names = names.iter();
    names
        .filter_map(|id| model_name(provider, id, line, report))
        .collect()
}

fn tokens(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u64> {
    let tokens: u64 = fields.take(key, report)?;
    if tokens == 0 {
        report.at(
            fields.line(key),
            format!("{key}: leave it out when it is not known"),
        );
        return None;
    }
    Some(tokens)
}

fn gigabytes(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<f64> {
    let size: f64 = fields.take(key, report)?;
    if !size.is_finite() || size <= 0.0 {
        report.at(fields.line(key), format!("{key}: {size} is no size in GB"));
        return None;
    }
    Some(size)
}

/// A word of a card's `can`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ability {
    Chat,
    Tools,
    Vision,
    JsonSchema,
    Reasoning,
    Pdf,
    Audio,
    Embedding,
}

fn capabilities(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Capabilities {
    let mut capabilities = Capabilities::default();
    let can: Vec<Ability> = fields.require("can", report).unwrap_or_default();
    for ability in can {
        let flag = match ability {
            Ability::Chat => &mut capabilities.chat,
            Ability::Tools => &mut capabilities.tools,
            Ability::Vision => &mut capabilities.vision,
            Ability::JsonSchema => &mut capabilities.json_schema,
            Ability::Reasoning => &mut capabilities.reasoning,
            Ability::Pdf => &mut capabilities.pdf,
            Ability::Audio => &mut capabilities.audio,
            Ability::Embedding => &mut capabilities.embedding,
        };
        *flag = true;
    }
    capabilities
}

fn deprecation(
    provider: &str,
    fields: &mut Fields<'_>,
    report: &mut Report<'_>,
) -> (Option<Deprecation>, Option<usize>) {
    let Some(mut table) = fields.table("deprecated", report) else {
        return (None, None);
    };
    let date = date(&mut table, "date", false, report);
    let successor: Option<String> = table.take("successor", report);
    let line = table.line("successor");
    table.finish(report);
    let successor = successor.map(|id| format!("{provider}/{id}"));
    (Some(Deprecation { date, successor }), line)
}
