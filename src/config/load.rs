//! File, then environment, then flags: the later wins.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use super::Config;
use super::DatabaseUrl;
use super::KeySource;
use super::LogFormat;
use crate::types::Diagnostic;
use crate::types::diagnostic::nearest;

/// Shortest master key: anything shorter is guessed.
const MIN_KEY_CHARS: usize = 8;

/// What was given on the command line.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Where to listen.
    pub host: Option<String>,
    /// Where to listen.
    pub port: Option<u16>,
    /// Where debates are kept.
    pub database_url: Option<String>,
    /// How log lines look.
    pub log_format: Option<LogFormat>,
}

/// Loads everything that can be set.
///
/// # Errors
/// All mistakes that can be told apart, with file and line.
pub fn load(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    overrides: Overrides,
) -> Result<Config, Vec<Diagnostic>> {
    let mut config = file.map_or_else(|| Ok(Config::default()), read)?;
    let mut mistakes = Vec::new();
    from_environment(&mut config, environment, &mut mistakes);
    let Overrides {
        host,
        port,
        database_url,
        log_format,
    } = overrides;
    config.server.host = host.unwrap_or(config.server.host);
    config.server.port = port.unwrap_or(config.server.port);
    config.database_url = database_url.map_or(config.database_url, DatabaseUrl);
    config.log.format = log_format.unwrap_or(config.log.format);
    resolve_key(&mut config, environment, &mut mistakes);
    check(&config, &mut mistakes);
    if mistakes.is_empty() {
        Ok(config)
    } else {
        Err(mistakes)
    }
}

fn read(file: &Path) -> Result<Config, Vec<Diagnostic>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        vec![Diagnostic::new(
            &name,
            None,
            format!("cannot be read: {error}"),
        )]
    })?;
    if text.trim().is_empty() {
        return Ok(Config::default());
    }
    serde_saphyr::from_str(&text).map_err(|error| {
        let line = error.location().map(|location| location.line() as usize);
        vec![Diagnostic::new(
            &name,
            line,
            explained(&first_line(&error.to_string())),
        )]
    })
}

fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    line.trim_start_matches("error:").trim().to_owned()
}

/// An unknown key, with the known one that was probably meant.
fn explained(message: &str) -> String {
    let Some((before, known)) = message.split_once(", expected one of ") else {
        return message.to_owned();
    };
    let Some((_, unknown)) = before.split_once("unknown field ") else {
        return message.to_owned();
    };
    let plain = |word: &str| word.trim().trim_matches('`').to_owned();
    let (unknown, known) = (
        plain(unknown),
        known.split(',').map(plain).collect::<Vec<_>>(),
    );
    match nearest(&unknown, known.iter().map(String::as_str)) {
        Some(meant) => format!("unknown key \"{unknown}\": did you mean \"{meant}\"?"),
        None => format!("unknown key \"{unknown}\": known are {}", known.join(", ")),
    }
}

fn from_environment(
    config: &mut Config,
    environment: &BTreeMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
) {
    let get = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| environment.get(*name))
            .filter(|value| !value.is_empty())
    };
    let mut wrong = |name: &str, help: &str| mistakes.push(Diagnostic::new(name, None, help));
    if let Some(host) = get(&["AGON_HOST"]) {
        config.server.host.clone_from(host);
    }
    if let Some(port) = get(&["AGON_PORT"]) {
        match port.parse() {
            Ok(port) => config.server.port = port,
            Err(_) => wrong("AGON_PORT", "is not a port: write a number from 0 to 65535"),
        }
    }
    if let Some(key) = get(&["AGON_MASTER_KEY", "LITELLM_MASTER_KEY"]) {
        config.server.master_key = Some(KeySource(key.clone()));
    }
    if let Some(url) = get(&["AGON_DATABASE_URL", "DATABASE_URL"]) {
        config.database_url = DatabaseUrl(url.clone());
    }
    if let Some(format) = get(&["AGON_LOG_FORMAT"]) {
        match format.as_str() {
            "text" => config.log.format = LogFormat::Text,
            "json" => config.log.format = LogFormat::Json,
            _ => wrong("AGON_LOG_FORMAT", "is text or json"),
        }
    }
    if let Some(filter) = get(&["AGON_LOG"]) {
        config.log.filter = Some(filter.clone());
    }
    if let Some(unified) = get(&["AGON_LLM_USE_UNIFIED", "USE_LITELLM"]) {
        match unified.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => config.llm.use_unified = true,
            "false" | "0" | "no" | "off" => config.llm.use_unified = false,
            _ => wrong("AGON_LLM_USE_UNIFIED", "is true or false"),
        }
    }
    let list = |text: &String| {
        text.split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    };
    if let Some(providers) = get(&["AGON_LEGACY_PROVIDERS"]) {
        config.llm.legacy_providers = list(providers);
    }
    if let Some(bases) = get(&["AGON_ALLOWED_API_BASES"]) {
        config.llm.allowed_api_bases = list(bases);
    }
    if let Some(model) = get(&["AGON_JUDGE_MODEL"]) {
        match model.parse() {
            Ok(model) => config.debate.judge_model = Some(model),
            Err(error) => wrong("AGON_JUDGE_MODEL", &format!("{error}")),
        }
    }
    if let Some(parallel) = get(&["AGON_OLLAMA_PARALLEL", "OLLAMA_NUM_PARALLEL"]) {
        match parallel.parse() {
            Ok(parallel) => drop(
                config
                    .llm
                    .local_parallel
                    .insert("ollama".to_owned(), parallel),
            ),
            Err(_) => wrong("OLLAMA_NUM_PARALLEL", "is a number of calls"),
        }
    }
    if let Some(span) = get(&["AGON_OLLAMA_KEEP_ALIVE"]) {
        match span.parse() {
            Ok(span) => config.llm.ollama.keep_alive = Some(span),
            Err(error) => wrong("AGON_OLLAMA_KEEP_ALIVE", &format!("{error}")),
        }
    }
    if let Some(tokens) = get(&["AGON_OLLAMA_NUM_CTX"]) {
        match tokens.parse() {
            Ok(tokens) => config.llm.ollama.num_ctx = Some(tokens),
            Err(_) => wrong("AGON_OLLAMA_NUM_CTX", "is a number of tokens"),
        }
    }
    if let Some(tokens) = get(&["AGON_OLLAMA_MAX_NUM_CTX"]) {
        match tokens.parse() {
            Ok(tokens) => config.llm.ollama.max_num_ctx = tokens,
            Err(_) => wrong("AGON_OLLAMA_MAX_NUM_CTX", "is a number of tokens"),
        }
    }
    config.demo_pace = get(&["AGON_DEMO_PACE"])
        .cloned()
        .or(config.demo_pace.take());
    let folder = |name: &str| get(&[name]).map(PathBuf::from);
    config.llm.providers_dir = folder("AGON_PROVIDERS_DIR").or(config.llm.providers_dir.take());
    config.llm.catalog_dir = folder("AGON_CATALOG_DIR").or(config.llm.catalog_dir.take());
    config.formats_dir = folder("AGON_FORMATS_DIR").or(config.formats_dir.take());
}

/// Looks a named key up.
fn resolve_key(
    config: &mut Config,
    environment: &BTreeMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
) {
    let Some(KeySource(written)) = &config.server.master_key else {
        return;
    };
    let variable = written.strip_prefix("os.environ/").or_else(|| {
        written
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
    });
    let found = match (variable, written.strip_prefix("file:")) {
        (Some(name), _) => environment
            .get(name)
            .cloned()
            .ok_or_else(|| format!("the variable {name} is not set")),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| format!("{path} cannot be read: {error}")),
        (None, None) => Ok(written.clone()),
    };
    match found {
        Ok(key) => config.server.master_key = Some(KeySource(key)),
        Err(help) => mistakes.push(Diagnostic::new("server.master_key", None, help)),
    }
}

fn check(config: &Config, mistakes: &mut Vec<Diagnostic>) {
    let mut wrong = |name: &str, help: String| mistakes.push(Diagnostic::new(name, None, help));
    match &config.server.master_key {
        Some(KeySource(key)) if key.chars().count() < MIN_KEY_CHARS => {
            wrong(
                "server.master_key",
                format!("is too short to be a secret: use at least {MIN_KEY_CHARS} characters"),
            );
        }
        Some(_) => {}
        None if config.server.is_loopback() => {}
        None => wrong(
            "server.host",
            format!(
                "{} can be reached from other machines: set AGON_MASTER_KEY, or listen on 127.0.0.1",
                config.server.host
            ),
        ),
    }
    for base in &config.llm.allowed_api_bases {
        if !base.starts_with("http://") && !base.starts_with("https://") {
            wrong(
                "llm.allowed_api_bases",
                format!("\"{base}\" has no scheme: write https://host"),
            );
        }
    }
    if config.debate.max_running == 0 {
        wrong("debate.max_running", "must be above zero".to_owned());
    }
}
