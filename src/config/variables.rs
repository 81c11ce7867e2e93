//! Settings from the environment. They go before the file's, and the command line's before them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Config;
use super::DatabaseUrl;
use super::LogFormat;
use super::place::Place;
use super::report::Report;

/// The variables that are set.
struct Set<'e> {
    environment: &'e BTreeMap<String, String>,
    report: &'e mut Report,
}

/// Reads the variables.
pub(super) fn read(
    config: &mut Config,
    environment: &BTreeMap<String, String>,
    report: &mut Report,
) {
    let mut set = Set {
        environment,
        report,
    };
    server(config, &mut set);
    log(config, &mut set);
    llm(config, &mut set);
    ollama(config, &mut set);
    config.demo_pace = set
        .first(&["AGON_DEMO_PACE"])
        .map(str::to_owned)
        .or(config.demo_pace.take());
    let folder = |name: &str, set: &Set<'_>| set.first(&[name]).map(PathBuf::from);
    config.llm.providers_dir =
        folder("AGON_PROVIDERS_DIR", &set).or(config.llm.providers_dir.take());
    config.llm.catalog_dir = folder("AGON_CATALOG_DIR", &set).or(config.llm.catalog_dir.take());
    config.formats_dir = folder("AGON_FORMATS_DIR", &set).or(config.formats_dir.take());
}

impl<'e> Set<'e> {
    /// The first that is set and not blank.
    fn first(&self, names: &[&str]) -> Option<&'e str> {
        let found = names.iter().find_map(|name| {
            let value = self.environment.get(*name)?;
            (!value.is_empty()).then_some(value)
        });
        found.map(String::as_str)
    }

    fn wrong(&mut self, name: &str, help: impl Into<String>) {
        self.report.mistake(&Place::variable(name), help);
    }

    /// A value of a type; a text that is none is a mistake.
    fn parsed<T: std::str::FromStr>(&mut self, names: &[&str], what: &str) -> Option<T> {
        let text = self.first(names)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(names.last().copied().unwrap_or_default(), what);
        }
        parsed
    }
}

fn server(config: &mut Config, set: &mut Set<'_>) {
    if let Some(host) = set.first(&["AGON_HOST"]) {
        host.clone_into(&mut config.server.host);
    }
    if let Some(port) = set.parsed(
        &["AGON_PORT"],
        "is not a port: write a number from 0 to 65535",
    ) {
        config.server.port = port;
    }
    if let Some(url) = set.first(&["AGON_DATABASE_URL"]) {
        config.database_url = DatabaseUrl(url.to_owned());
    } else if let Some(url) = set.first(&["DATABASE_URL"]) {
        super::database(url, &Place::variable("DATABASE_URL"), config, set.report);
    }
}

fn log(config: &mut Config, set: &mut Set<'_>) {
    match set.first(&["AGON_LOG_FORMAT"]) {
        Some("text") => config.log.format = LogFormat::Text,
        Some("json") => config.log.format = LogFormat::Json,
        Some(_) => set.wrong("AGON_LOG_FORMAT", "is text or json"),
        None => {}
    }
    if let Some(filter) = set.first(&["AGON_LOG"]) {
        config.log.filter = Some(filter.to_owned());
    } else if let Some(level) = set.first(&["LITELLM_LOG"]) {
        let level = level.to_lowercase();
        if ["error", "warn", "info", "debug"].contains(&level.as_str()) {
            config.log.filter = Some(level);
        }
    }
}

fn llm(config: &mut Config, set: &mut Set<'_>) {
    match set
        .first(&["AGON_LLM_USE_UNIFIED", "USE_LITELLM"])
        .map(str::to_lowercase)
        .as_deref()
    {
        Some("true" | "1" | "yes" | "on") => config.llm.use_unified = true,
        Some("false" | "0" | "no" | "off") => config.llm.use_unified = false,
        Some(_) => set.wrong("AGON_LLM_USE_UNIFIED", "is true or false"),
        None => {}
    }
    let list = |text: &str| {
        text.split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    };
    if let Some(providers) = set.first(&["AGON_LEGACY_PROVIDERS"]) {
        config.llm.legacy_providers = list(providers);
    }
    if let Some(bases) = set.first(&["AGON_ALLOWED_API_BASES"]) {
        config.llm.allowed_api_bases = list(bases);
    }
    if let Some(model) = set.first(&["AGON_JUDGE_MODEL"]) {
        match model.parse() {
            Ok(model) => config.debate.judge_model = Some(model),
            Err(error) => set.wrong("AGON_JUDGE_MODEL", format!("{error}")),
        }
    }
}

fn ollama(config: &mut Config, set: &mut Set<'_>) {
    let parallel = ["AGON_OLLAMA_PARALLEL", "OLLAMA_NUM_PARALLEL"];
    if let Some(parallel) = set.parsed(&parallel, "is a number of calls") {
        config
            .llm
            .local_parallel
            .insert("ollama".to_owned(), parallel);
    }
    if let Some(span) = set.first(&["AGON_OLLAMA_KEEP_ALIVE"]) {
        match span.parse() {
            Ok(span) => config.llm.ollama.keep_alive = Some(span),
            Err(error) => set.wrong("AGON_OLLAMA_KEEP_ALIVE", format!("{error}")),
        }
    }
    if let Some(tokens) = set.parsed(&["AGON_OLLAMA_NUM_CTX"], "is a number of tokens") {
        config.llm.ollama.num_ctx = Some(tokens);
    }
    if let Some(tokens) = set.parsed(&["AGON_OLLAMA_MAX_NUM_CTX"], "is a number of tokens") {
        config.llm.ollama.max_num_ctx = tokens;
    }
}
