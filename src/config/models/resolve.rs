//! From names as people write them to those of our providers; the catalog is asked through [`Names`].

use std::sync::Arc;

use super::ListedModel;
use crate::config::Config;
use crate::config::named::Mention;
use crate::config::named::NamedModel;
use crate::router::Alias;
use crate::router::RouterConfig;
use crate::types::Deployment;
use crate::types::Diagnostic;
use crate::types::Target;
use crate::types::diagnostic::nearest;

/// What is known of providers and models.
pub trait Names {
    /// The model's name as `provider/model`, by our provider's id.
    ///
    /// # Errors
    /// Why nobody is called so, and who may be meant.
    fn model(&self, written: &str) -> Result<String, String>;

    /// The provider that a prefix means.
    fn provider(&self, prefix: &str) -> Option<Provider>;

    /// The providers on the operator's own machines, and those inside Agon.
    fn local(&self) -> Vec<String>;
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What stands before the slash.
    pub id: String,
}

/// Bare names that no catalog has to list: their makers, by how they begin.
const MAKERS: [(&str, &[&str]); 8] = [
    (
        "openai",
        &[
            "gpt-",
            "chatgpt-",
            "o1",
            "o3",
            "o4",
            "ft:",
            "text-embedding-",
            "codex-",
            "dall-e-",
            "whisper-",
            "tts-",
        ],
    ),
    ("anthropic", &["claude-"]),
    ("gemini", &["gemini-", "gemma-"]),
    (
        "mistral",
        &[
            "mistral-",
            "codestral-",
            "ministral-",
            "pixtral-",
            "magistral-",
        ],
    ),
    ("cohere", &["command-", "embed-"]),
    ("deepseek", &["deepseek-"]),
    ("xai", &["grok-"]),
    ("perplexity", &["sonar"]),
];

/// The router's settings with the model list, and what the operator should know of it. An entry whose provider nobody
/// knows is left out, as `LiteLLM` does, and told.
pub(in crate::config) fn settle(
    config: &Config,
    names: &dyn Names,
) -> (RouterConfig, Vec<Diagnostic>) {
    let mut router = config.router.clone();
    let mut told = Vec::new();
    for ListedModel { deployment, place } in &config.models.entries {
        match settled(deployment, config, names) {
            Ok(settled) => router.deployments.push(Arc::new(settled)),
            Err(why) => {
                let group = &deployment.group;
                told.push(place.says(format!("\"{group}\" is left out: {why}")));
            }
        }
    }
    for named in &config.models.named {
        told.extend(name(named, &mut router, config, names).err());
    }
    if config.models.through_gateway {
        keep_local(&mut router, names);
    }
    for mention in &config.models.mentioned {
        told.extend(check(mention, &router, names));
    }
    (router, told)
}

fn settled(
    deployment: &Deployment,
    config: &Config,
    names: &dyn Names,
) -> Result<Deployment, String> {
    let has_base = deployment.target.api_base.is_some();
    let model = model(&deployment.model, has_base, names)?;
    let provider = model.split_once('/').map(|(provider, _)| provider);
    let mut settled = Deployment {
        model: model.as_str().into(),
        ..deployment.clone()
    };
    if let Some(key) = provider.and_then(|provider| key_of(provider, config, names))
        && needs_key(&settled.target)
    {
        let target = Target::clone(&settled.target);
        settled.target = Arc::new(Target {
            api_key: Some(key),
            ..target
        });
    }
    Ok(settled)
}

fn model(written: &str, has_base: bool, names: &dyn Names) -> Result<String, String> {
    let (prefix, rest) = match written.split_once('/') {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => (None, written),
    };
    let openai = || format!("openai/{written}");
    match prefix {
        _ if written == "*" => Ok(written.to_owned()),
        Some(prefix) if rest.contains('*') => match names.provider(prefix) {
            Some(provider) => Ok(format!("{}/{rest}", provider.id)),
            None => Err(format!("there is no provider \"{prefix}\"")),
        },
        Some(prefix) => match names.provider(prefix) {
            Some(_) => names.model(written),
            // A server of one's own, whose models have makers' names.
            None if has_base => Ok(openai()),
            None => names.model(written),
        },
        None => match (names.model(written), maker(written)) {
            (Ok(model), _) => Ok(model),
            (Err(_), Some(maker)) => Ok(format!("{maker}/{written}")),
            (Err(_), None) if has_base => Ok(openai()),
            (Err(why), None) => Err(why),
        },
    }
}

fn maker(bare: &str) -> Option<&'static str> {
    let begins = |starts: &&[&str]| starts.iter().any(|start| bare.starts_with(start));
    let found = MAKERS.iter().find(|(_, starts)| begins(starts));
    found.map(|(maker, _)| *maker)
}

/// The key that `general_settings.api_keys` has for a provider, under any of its names.
fn key_of(provider: &str, config: &Config, names: &dyn Names) -> Option<crate::types::Secret> {
    let is_its = |name: &str| {
        name == provider
            || names
                .provider(name)
                .is_some_and(|found| found.id == provider)
    };
    let mut keys = config.api_keys.iter();
    keys.find(|(name, _)| is_its(name))
        .map(|(_, key)| key.clone())
}

/// Nothing of the entry's own says who pays.
fn needs_key(target: &Target) -> bool {
    let login = |name: &String| {
        name.ends_with("_TOKEN")
            || name.ends_with("_CREDENTIALS")
            || name.ends_with("_CLIENT_SECRET")
            || name == "AWS_ACCESS_KEY_ID"
    };
    target.api_key.is_none()
        && target.unset_key.is_none()
        && target.api_base.is_none()
        && !target.variables.keys().any(login)
}

/// Another name for a model: an alias of a group, or a group of its own.
fn name(
    named: &NamedModel,
    router: &mut RouterConfig,
    config: &Config,
    names: &dyn Names,
) -> Result<(), Diagnostic> {
    let NamedModel {
        name,
        model: wanted,
        place,
    } = named;
    let is_group = |router: &RouterConfig, name: &str| {
        let mut groups = router.deployments.iter();
        groups.any(|deployment| *deployment.group == *name)
    };
    // The model list goes first.
    if name == wanted || is_group(router, name) || router.aliases.contains_key(name) {
        return Ok(());
    }
    if is_group(router, wanted) {
        let alias = Alias {
            group: wanted.clone(),
            hidden: false,
        };
        router.aliases.insert(name.clone(), alias);
        return Ok(());
    }
    let filled = of_pattern(name, wanted, router, names);
    if !filled.is_empty() {
        router.deployments.extend(filled);
        return Ok(());
    }
    let direct = Deployment {
        id: format!("name:{name}").into(),
        group: name.as_str().into(),
        model: wanted.as_str().into(),
        ..crate::config::named::plain_deployment()
    };
    match settled(&direct, config, names) {
        Ok(settled) => {
            router.deployments.push(Arc::new(settled));
            Ok(())
        }
        Err(why) => Err(place.says(format!("\"{name}\" is left out: {why}"))),
    }
}

/// The deployments of the longest pattern that a name fits, filled in; one whose model nobody knows then is left out.
fn of_pattern(
    name: &str,
    wanted: &str,
    router: &RouterConfig,
    names: &dyn Names,
) -> Vec<Arc<Deployment>> {
    let rest_of = |group: &str| {
        let start = group.strip_suffix('*')?;
        wanted.strip_prefix(start).map(str::to_owned)
    };
    let fits = router.deployments.iter();
    let fits = fits.filter_map(|it| Some((it, rest_of(&it.group)?)));
    let fits: Vec<_> = fits.collect();
    let longest = fits.iter().map(|(it, _)| it.group.len()).max();
    let chosen = fits
        .into_iter()
        .filter(|(it, _)| Some(it.group.len()) == longest);
    chosen
        .filter_map(|(it, rest)| {
            let filled = it.model.replace('*', &rest);
            let has_base = it.target.api_base.is_some();
            let filled = model(&filled, has_base, names).ok()?;
            Some(Arc::new(Deployment {
                id: format!("{}-{name}", it.id).into(),
                group: name.into(),
                model: filled.into(),
                ..Deployment::clone(it)
            }))
        })
        .collect()
}

/// Behind another gateway, models of this machine are still asked here.
fn keep_local(router: &mut RouterConfig, names: &dyn Names) {
    for provider in names.local() {
        router.deployments.push(Arc::new(Deployment {
            id: format!("local:{provider}").into(),
            group: format!("{provider}/*").into(),
            model: format!("{provider}/*").into(),
            ..crate::config::named::plain_deployment()
        }));
    }
}

/// A group that a fallback or an alias names and that nobody answers for.
fn check(mention: &Mention, router: &RouterConfig, names: &dyn Names) -> Option<Diagnostic> {
    let Mention { path, group, place } = mention;
    let groups = || {
        router
            .deployments
            .iter()
            .map(|deployment| &*deployment.group)
    };
    let known = group == "*"
        || groups().any(|own| own == group)
        || router.aliases.contains_key(group)
        || !of_pattern("", group, router, names).is_empty()
        || names.model(group).is_ok();
    if known {
        return None;
    }
    let aliases = router.aliases.keys().map(String::as_str);
    let help = match nearest(group, groups().chain(aliases)) {
        Some(meant) => {
            format!("{path} names \"{group}\", which is no group: did you mean \"{meant}\"?")
        }
        None => format!("{path} names \"{group}\", which is no group of the model list"),
    };
    Some(place.says(help))
}
