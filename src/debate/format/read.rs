//! From the text of a `formats/*.toml` to a [`Format`].

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::check;
use super::check::Parts;
use super::contracts;
use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::document::is_id;
use super::phases;
use super::phases::Names;
use super::phases::Placed;
use super::prompts;
use super::roles;
use crate::types::Diagnostic;
use crate::types::debate::Decision;
use crate::types::debate::FieldRef;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::Report;
use crate::types::debate::Rule;
use crate::types::debate::Tie;

const SECTIONS: [&str; 9] = [
    "protocol", "limits", "roles", "phase", "prompts", "contract", "decision", "report", "dial",
];

const RULES: Words<Rule> = Words {
    runs: &[
        ("majority", Rule::Majority),
        ("plurality", Rule::Plurality),
        ("judge", Rule::Judge),
        ("panel", Rule::Panel),
    ],
    later: &[
        "weighted",
        "approval",
        "borda",
        "cumulative",
        "irv",
        "consensus",
        "swing",
        "synthesis",
        "trajectory",
    ],
};

const TIES: Words<Tie> = Words {
    runs: &[
        ("split", Tie::Split),
        ("earliest_round", Tie::EarliestRound),
        ("seeded", Tie::Seeded),
    ],
    later: &["judge"],
};

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
    root.only(&SECTIONS, &[], mistakes);
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
    let decision = decision(root, mistakes);
    let report = report(root, mistakes);
    let disagreement = dial(root, mistakes);
    let (contracts, prompts) = (contracts.unwrap_or_default(), prompts.unwrap_or_default());
    let parts = Parts {
        root,
        roles: names.roles,
        phase_ids: &phase_ids,
        phases: &phases,
        contracts: &contracts,
        decision: decision.as_ref(),
        report: &report,
    };
    check::all(&parts, mistakes);
    prompts::try_out(&prompts, &parts, disagreement, mistakes);
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
        disagreement,
        dissenter: None,
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
        table.only(&keys, &[], mistakes);
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
    table.only(&keys, &[], mistakes);
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

fn decision(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Decision> {
    let table = root.section("decision", mistakes)?;
    let later = ["weights", "quorum", "swap", "min_margin", "also"];
    table.only(&["rule", "of", "tie"], &later, mistakes);
    let rule = table.require("rule", mistakes);
    let rule = rule.and_then(|item| RULES.read(&item, mistakes));
    let of = table.require("of", mistakes);
    let of = of.map(|item| field_refs(&item, mistakes));
    let tie = table
        .get("tie")
        .map_or(Some(Tie::Split), |item| TIES.read(&item, mistakes));
    Some(Decision {
        rule: rule?,
        of: of?,
        minus: None,
        tie: tie?,
        weights: crate::types::debate::Weights::Equal,
        quorum: 0.0,
        threshold: 1.0,
        swap: false,
        min_margin: 0.0,
        also: Vec::new(),
    })
}

/// Reads `"PHASE.field"`, or a list of them. Whether they exist is looked at later.
fn field_refs(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Vec<FieldRef> {
    let mut refs = Vec::new();
    for element in item.texts(mistakes) {
        let text = element.as_str().unwrap_or_default();
        match text.split_once('.') {
            Some((phase, field)) if is_id(phase) && is_id(field) => refs.push(FieldRef {
                phase: phase.to_owned(),
                field: field.to_owned(),
            }),
            Some(_) | None => element.wrong(
                &format!("PHASE.field, for example \"judging.winner\", not \"{text}\""),
                mistakes,
            ),
        }
    }
    if refs.is_empty() {
        mistakes.add(
            item.at,
            format!("{} names no answer to decide over", item.path),
        );
    }
    refs
}

fn report(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Report {
    const BASELINES: Words<()> = Words {
        runs: &[("round0_majority", ())],
        later: &["single:best"],
    };
    let Some(table) = root.section("report", mistakes) else {
        return Report::default();
    };
    table.only(&["baselines", "flips", "dissent"], &["aggregate"], mistakes);
    let baselines = table
        .get("baselines")
        .map(|item| item.texts(mistakes))
        .unwrap_or_default();
    for baseline in &baselines {
        BASELINES.read(baseline, mistakes);
    }
    let mut flag = |key: &str| table.get(key).and_then(|item| item.flag(mistakes));
    Report {
        round0_majority: baselines
            .iter()
            .any(|item| item.as_str() == Some("round0_majority")),
        single_best: false,
        aggregate: None,
        flips: flag("flips").unwrap_or(false),
        dissent: flag("dissent").unwrap_or(false),
    }
}

fn dial(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<u8> {
    let table = root.section("dial", mistakes)?;
    table.only(&["disagreement"], &["dissenter"], mistakes);
    let disagreement = table
        .require("disagreement", mistakes)?
        .small(0..=10, mistakes)?;
    u8::try_from(disagreement).ok()
}
