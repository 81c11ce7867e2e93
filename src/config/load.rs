//! File, then environment, then flags: the later wins.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;

use super::Config;
use super::DatabaseUrl;
use super::KeySource;
use super::LogFormat;
use super::environment;
use super::expand;
use super::expand::Lookup;
use super::expand::Unset;
use super::gateway;
use super::litellm;
use super::litellm::Draft;
use super::models;
use super::models::Shared;
use super::place::Place;
use super::report::Report;
use super::single::SingleModel;
use super::source;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use super::typed;
use super::upstream;
use super::variables;
use crate::types::ContentLevel;
use crate::types::Diagnostic;

/// Shortest master key of ours: anything shorter is guessed.
const MIN_KEY_CHARS: usize = 8;
/// Sections of ours, in which every key is known.
const OURS: [&str; 12] = [
    "server",
    "database_url",
    "log",
    "http",
    "llm",
    "router",
    "debate",
    "formats_dir",
    "demo_pace",
    "gateway",
    "observe",
    "usage",
];
/// `LiteLLM`'s that mean something here.
const THEIRS: [&str; 7] = [
    "model_list",
    "litellm_settings",
    "router_settings",
    "general_settings",
    "environment_variables",
    "credential_list",
    "include",
];

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
    /// What is logged, when neither file nor environment says.
    pub log_filter: Option<String>,
    /// `true` drops what a model does not take, as `litellm_settings.drop_params` does.
    pub drop_params: bool,
    /// Seconds that a call may take.
    pub request_timeout_s: Option<f64>,
    /// Threads that serve.
    pub workers: Option<NonZeroUsize>,
    /// Seconds after which a connection on which nothing happens is closed.
    pub keep_alive_s: Option<u32>,
    /// The one model to serve.
    pub single_model: Option<SingleModel>,
}

/// Everything that was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is set.
    pub config: Config,
    /// The environment, with the file's `environment_variables` under it.
    pub variables: BTreeMap<String, String>,
    /// What became of each setting.
    pub report: Report,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// Where settings come from, so that they can be loaded again.
#[derive(Debug, Clone, Default)]
pub struct ConfigSource {
    /// The settings file.
    pub file: Option<PathBuf>,
    /// The command line.
    pub overrides: Overrides,
}

impl ConfigSource {
    /// Loads file, `.env` and environment.
    ///
    /// # Errors
    /// As [`load`], and lines of `.env` that are no `NAME=value`.
    pub fn load(&self) -> Result<Loaded, Vec<Diagnostic>> {
        let variables = environment(std::env::vars(), Path::new(".env"))?;
        load(self.file.as_deref(), &variables, self.overrides.clone())
    }
}

/// Loads everything that can be set.
///
/// # Errors
/// All mistakes, with file and line.
pub fn load(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    overrides: Overrides,
) -> Result<Loaded, Vec<Diagnostic>> {
    let loaded = read(file, environment, overrides);
    match loaded.report.mistakes.is_empty() {
        true => Ok(loaded),
        false => Err(loaded.report.mistakes),
    }
}

/// Loads what can be loaded; mistakes are in the report.
pub fn read(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    overrides: Overrides,
) -> Loaded {
    let mut report = Report::default();
    let (mut tree, mut files) = match file {
        Some(file) => {
            let source = source::read(file, &mut report);
            (source.tree, source.files)
        }
        None => (empty(&Place::variable("settings")), Vec::new()),
    };
    let view = expand::with_environment_variables(&mut tree, environment, &mut report);
    let mut lookup = Lookup {
        variables: &view,
        files: Vec::new(),
    };
    lookup.expand(&mut tree, "", &unset, &mut report);
    files.append(&mut lookup.files);
    top_level(&tree, &mut report);
    let mut config = Config::default();
    sections(&tree, &view, &mut config, &mut report);
    variables::read(&mut config, &view, &mut report);
    from_flags(&mut config, overrides);
    upstream::read(&view, &mut config, &mut report);
    check(&config, &tree, &mut report);
    report.tidy();
    Loaded {
        config,
        variables: view,
        report,
        files,
    }
}

/// What a variable that is not set means: a server without its key would be open, a setting of ours is strict, a
/// model's key and its relatives are told of where they are read, and the rest is left out.
fn unset(path: &str) -> Unset {
    let section = path.split(['.', '[']).next().unwrap_or_default();
    if path == "general_settings.master_key" || OURS.contains(&section) {
        return Unset::Mistake;
    }
    match section == "model_list"
        || section == "credential_list"
        || path.starts_with("general_settings.api_keys")
    {
        true => Unset::Quiet,
        false => Unset::Warning,
    }
}

fn empty(place: &Place) -> Node {
    Node::new(place.clone(), Content::Map(Vec::new()))
}

/// Sections that nobody knows. Those with a name that looks private hold anchors.
fn top_level(tree: &Node, report: &mut Report) {
    let known: Vec<&str> = OURS
        .into_iter()
        .chain(THEIRS)
        .chain(litellm::SECTIONS.iter().map(|(key, _)| *key))
        .collect();
    let is_litellm = tree.entry("model_list").is_some();
    for Entry { key, place, .. } in tree.entries() {
        let ignored = litellm::SECTIONS.iter().find(|(name, _)| name == key);
        if let Some((_, why)) = ignored {
            report.ignore(key.clone(), place, *why);
        } else if key.starts_with(['_', '.']) || key.starts_with("x-") {
            report.ignore(key.clone(), place, "it only holds what others refer to");
        } else if !known.contains(&key.as_str()) {
            let near = crate::types::diagnostic::nearest(key, known.iter().copied());
            report.unknown(key, place, &known, near.is_some() || !is_litellm);
        }
    }
}

fn sections(
    tree: &Node,
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    report: &mut Report,
) {
    let nothing = empty(&tree.place);
    let of = |key: &str| tree.get(key).unwrap_or(&nothing);
    let mut draft = Draft::default();
    litellm::settings(of("litellm_settings"), &mut draft, report);
    litellm::router(of("router_settings"), &mut draft, report);
    litellm::general(of("general_settings"), &mut draft, report);
    let mut shared = Shared::of(tree.get("credential_list"), report);
    shared.drop_params = draft.drop_params;
    config.models.entries = models::read(tree.get("model_list"), &shared, report);
    for section in OURS {
        for entry in of(section).entries() {
            report.understand(format!("{section}.{}", entry.key), &entry.place);
        }
    }
    config.server = typed::read("server", of("server"), report);
    config.log = typed::read("log", of("log"), report);
    config.llm = typed::read("llm", of("llm"), report);
    config.debate = typed::read("debate", of("debate"), report);
    config.observe = typed::read("observe", of("observe"), report);
    config.usage = typed::read("usage", of("usage"), report);
    config.http = typed::read("http", &over(of("http"), draft.http), report);
    config.router = typed::read("router", &over(of("router"), draft.router), report);
    let section = over(of("gateway"), draft.gateway);
    gateway::read(&section, environment, config, report);
    let mut text = |key: &str| -> Option<String> {
        let node = tree.get(key)?;
        report.understand(key.to_owned(), &node.place);
        typed::value(key, node, report)
    };
    config.formats_dir = text("formats_dir").map(PathBuf::from);
    config.demo_pace = text("demo_pace");
    let own_database = text("database_url").map(DatabaseUrl);
    if let Some((url, place)) = draft.database_url {
        database(&url, &place, config, report);
    }
    config.database_url = own_database.unwrap_or_else(|| config.database_url.clone());
    config.models.mentioned.append(&mut draft.mentioned);
    let add = |to: &mut Vec<String>, names: &[String]| {
        for name in names {
            if !to.contains(name) {
                to.push(name.clone());
            }
        }
    };
    add(&mut config.observe.success, &draft.callbacks.success);
    add(&mut config.observe.failure, &draft.callbacks.failure);
    if draft.callbacks.without_messages {
        config.log.content = ContentLevel::None;
    }
    config.callbacks = draft.callbacks;
    config.api_keys = draft.api_keys;
    if let Some(drop) = draft.drop_params
        && of("llm").get("strict").is_none()
    {
        config.llm.strict = !drop;
    }
    if draft.json_logs && of("log").get("format").is_none() {
        config.log.format = LogFormat::Json;
    }
    master_key(draft.master_key, environment, config, report);
    models::ollama(&config.models.entries, &mut config.llm.ollama);
}

/// A section with others' entries under it.
fn over(own: &Node, others: Vec<Entry>) -> Node {
    let mut whole = own.clone();
    if whole.is_null() {
        whole.content = Content::Map(Vec::new());
    }
    if let Content::Map(entries) = &mut whole.content {
        for other in others {
            if !entries.iter().any(|entry| entry.key == other.key) {
                entries.push(other);
            }
        }
    }
    whole
}

/// A database of `LiteLLM`'s is none of ours: it keeps keys and spend, which come later.
pub(super) fn database(url: &str, place: &Place, config: &mut Config, report: &mut Report) {
    if url.starts_with("sqlite:") {
        config.database_url = DatabaseUrl(url.to_owned());
        return;
    }
    let help = format!(
        "names no SQLite database, so it is not used: keys and spend in PostgreSQL come later, and debates are kept in \
         {}; AGON_DATABASE_URL says where",
        config.database_url.0
    );
    report.warn(place, help);
}

/// `AGON_MASTER_KEY`, then ours, then `LiteLLM`'s, then `LITELLM_MASTER_KEY`.
fn master_key(
    theirs: Option<(String, Place)>,
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    report: &mut Report,
) {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let short = |key: &str| key.chars().count() < MIN_KEY_CHARS;
    let guessed = format!("can be guessed: use at least {MIN_KEY_CHARS} characters");
    let own = match set("AGON_MASTER_KEY") {
        Some(key) => Some((key.clone(), Place::variable("AGON_MASTER_KEY"))),
        None => {
            let key = config.server.master_key.take();
            key.map(|KeySource(key)| (key, Place::variable("server.master_key")))
        }
    };
    if let Some((key, place)) = own {
        if short(&key) {
            let help =
                format!("is too short to be a secret: use at least {MIN_KEY_CHARS} characters");
            report.mistake(&place, help);
        }
        config.server.master_key = Some(KeySource(key));
        return;
    }
    let variable = || {
        let key = set("LITELLM_MASTER_KEY")?.clone();
        Some((key, Place::variable("LITELLM_MASTER_KEY")))
    };
    if let Some((key, place)) = theirs.or_else(variable) {
        let key = key.trim().to_owned();
        if key.is_empty() {
            report.mistake(&place, "the master key is empty");
        } else if short(&key) {
            report.warn(&place, format!("the master key {guessed}"));
        }
        config.server.master_key = Some(KeySource(key));
    }
}

fn from_flags(config: &mut Config, overrides: Overrides) {
    let Overrides {
        host,
        port,
        database_url,
        log_format,
        log_filter,
        drop_params,
        request_timeout_s,
        workers,
        keep_alive_s,
        single_model,
    } = overrides;
    config.http.keep_alive_s = keep_alive_s.unwrap_or(config.http.keep_alive_s);
    config.server.workers = workers.or(config.server.workers);
    config.server.host = host.unwrap_or_else(|| config.server.host.clone());
    config.server.port = port.unwrap_or(config.server.port);
    if let Some(url) = database_url {
        config.database_url = DatabaseUrl(url);
    }
    config.log.format = log_format.unwrap_or(config.log.format);
    config.log.filter = log_filter.or(config.log.filter.take());
    config.router.timeout_s = request_timeout_s.or(config.router.timeout_s);
    if drop_params {
        config.llm.strict = false;
    }
    if let Some(single) = single_model {
        single.add_to(config);
    }
}

fn check(config: &Config, tree: &Node, report: &mut Report) {
    let place = |section: &str, key: &str| {
        let found = tree.get(section).and_then(|section| section.get(key));
        found.map_or_else(
            || Place::variable(&format!("{section}.{key}")),
            |node| node.place.clone(),
        )
    };
    if config.server.master_key.is_none() && !config.server.is_loopback() {
        let help = format!(
            "{} can be reached from other machines: set AGON_MASTER_KEY, or listen on 127.0.0.1",
            config.server.host
        );
        report.mistake(&place("server", "host"), help);
    }
    for base in &config.llm.allowed_api_bases {
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let help = format!("\"{base}\" has no scheme: write https://host");
            report.mistake(&place("llm", "allowed_api_bases"), help);
        }
    }
    if config.debate.max_running == 0 {
        report.mistake(&place("debate", "max_running"), "must be above zero");
    }
}
