//! From the text of a `formats/*.toml` to a [`Format`].

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::check;
use super::check::Parts;
use super::contracts;
use super::decisions;
use super::document::Mistakes;
use super::document::Section;
use super::document::is_id;
use super::phases;
use super::phases::Names;
use super::phases::Placed;
use super::prompts;
use super::roles;
use crate::types::Diagnostic;
use crate::types::debate::Format;
use crate::types::debate::Limits;

const SECTIONS: [&str; 9] = [
    "protocol", "limits", "roles", "phase", "prompts", "contract", "decision", "report", "dial",
];

/// Reads a format. `file` is how mistakes name it.
///
/// # Errors
///
/// All mistakes of the file, by line.
pub fn parse(file: &str, source: &str) -> Result<Format, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::new(file, source);
    let (document, broken) = DeTable::parse_recoverable(source);
    for error in &broken {
        let at = error.span().map_or(0, |span| span.start);
        mistakes.add(at, format!("this is not TOML: {}", error.message()));
    }
    if !mistakes.is_empty() {
        // What the parser made of the rest would only add mistakes that are none.
        return Err(mistakes.into_sorted());
    }
    let root = Section::of_table("", 0, document.get_ref());
    match read(&root, source, &mut mistakes) {
        Some(format) if mistakes.is_empty() => Ok(format),
        Some(_) | None => Err(mistakes.into_sorted()),
    }
}

fn read(root: &Section<'_>, source: &str, mistakes: &mut Mistakes<'_>) -> Option<Format> {
    root.only(&SECTIONS, mistakes);
    for section in [
        "protocol", "roles", "phase", "prompts", "contract", "decision",
    ] {
        if root.get(section).is_none() {
            mistakes.add_missing(format!("[{section}] is missing"));
        }
    }
    let header = Header::read(root, mistakes);
    let limits = limits(root, mistakes);
    let roles = roles::read(root, mistakes);
    let prompts = prompts::read(root, mistakes);
    let contracts = contracts::read(root, mistakes);
    let names = Names {
        roles: roles.as_deref().unwrap_or_default(),
        role_ids: root.names("roles"),
        contracts: root.names("contract"),
        prompts: root.names("prompts"),
    };
    let (phase_ids, phases) = read_phases(root, &names, mistakes);
    let decision = decisions::read(root, mistakes);
    let report = decisions::report(root, mistakes);
    let dial = Dial::read(root, mistakes);
    let (contracts, prompts) = (contracts.unwrap_or_default(), prompts.unwrap_or_default());
    let parts = Parts {
        root,
        roles: names.roles,
        phase_ids: &phase_ids,
        phases: &phases,
        contracts: &contracts,
        decision: decision.as_ref(),
        report: &report,
        dissenter: dial.dissenter.as_deref(),
        limits: &limits,
    };
    check::all(&parts, mistakes);
    prompts::try_out(&prompts, &parts, dial.disagreement, mistakes);
    let header = header?;
    Some(Format {
        id: header.id,
        version: header.version,
        title: header.title,
        description: header.description,
        hash: blake3::hash(source.as_bytes()).to_hex()[..32].to_owned(),
        limits,
        roles: roles?,
        phases: phases.into_iter().map(|placed| placed.phase).collect(),
        prompts: prompts::templates(prompts),
        contracts,
        decision: decision?,
        report,
        disagreement: dial.disagreement,
        dissenter: dial.dissenter,
    })
}

/// What a format says of itself.
struct Header {
    id: String,
    version: u32,
    title: String,
    description: String,
}

impl Header {
    fn read(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let table = root.section("protocol", mistakes)?;
        let keys = ["id", "version", "title", "description", "seed_policy"];
        table.only(&keys, mistakes);
        if let Some(policy) = table.get("seed_policy")
            && policy.as_str() != Some("derive")
        {
            policy.wrong(
                "\"derive\": all chance comes from the debate's seed",
                mistakes,
            );
        }
        let id = table.require("id", mistakes);
        if let Some(item) = &id
            && !item.as_str().is_some_and(is_id)
        {
            item.wrong("an id: a to z, 0 to 9, _ and -, a letter first", mistakes);
        }
        let text = |key: &str, mistakes: &mut Mistakes<'_>| {
            let item = table.require(key, mistakes);
            item.and_then(|item| item.text(mistakes).map(|text| text.trim().to_owned()))
        };
        let (title, description) = (text("title", mistakes), text("description", mistakes));
        let version = table.require("version", mistakes);
        let version = version.and_then(|item| item.small(1..=u32::MAX, mistakes));
        Some(Self {
            id: id?.as_str()?.to_owned(),
            version: version?,
            title: title?,
            description: description?,
        })
    }
}

fn limits(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Limits {
    let Some(table) = root.section("limits", mistakes) else {
        return Limits::default();
    };
    let keys = ["rounds", "calls", "tokens", "cost_usd", "wall_s"];
    table.only(&keys, mistakes);
    let mut whole = |key: &str| table.get(key)?.whole(1..=u64::from(u32::MAX), mistakes);
    let (rounds, calls) = (whole("rounds"), whole("calls"));
    let (tokens, wall_s) = (whole("tokens"), whole("wall_s"));
    Limits {
        rounds: rounds.and_then(|rounds| u32::try_from(rounds).ok()),
        calls,
        tokens,
        cost_usd: table
            .get("cost_usd")
            .and_then(|item| item.positive(mistakes)),
        wall_s,
    }
}

fn read_phases<'t>(
    root: &Section<'t>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> (Vec<&'t str>, Vec<Placed>) {
    let elements = root.get("phase").and_then(|item| item.list(mistakes));
    let (mut ids, mut phases) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for element in elements.unwrap_or_default() {
        let Some(table) = element.section(mistakes) else {
            continue;
        };
        let id = phases::id(&table, &mut seen, mistakes);
        ids.extend(id);
        let table = element.section_named(&format!("phase.{}", id.unwrap_or("?")));
        phases.extend(table.and_then(|table| phases::read(&table, names, mistakes)));
    }
    (ids, phases)
}

/// How strongly debaters disagree.
struct Dial {
    disagreement: Option<u8>,
    dissenter: Option<String>,
}

impl Dial {
    fn read(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Self {
        let mut dial = Self {
            disagreement: None,
            dissenter: None,
        };
        let Some(table) = root.section("dial", mistakes) else {
            return dial;
        };
        table.only(&["disagreement", "dissenter"], mistakes);
        if table.entries().is_empty() {
            let help = "dial is empty: set disagreement, dissenter, or both";
            mistakes.add(table.at(), help);
        }
        let disagreement = table.get("disagreement");
        let disagreement = disagreement.and_then(|item| item.small(0..=10, mistakes));
        dial.disagreement = disagreement.and_then(|level| u8::try_from(level).ok());
        let dissenter = table.get("dissenter");
        let dissenter = dissenter.and_then(|item| item.text(mistakes));
        dial.dissenter = dissenter.map(str::to_owned);
        dial
    }
}
