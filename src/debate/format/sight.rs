//! Reads what a speaker sees: `others:last+anon+shuffle`.

use super::document::unknown;
use crate::types::debate::Atom;
use crate::types::debate::Sight;

const ATOMS: [&str; 9] = [
    "topic",
    "side",
    "own",
    "own:last",
    "others",
    "others:last",
    "human",
    "phase:ID",
    "secret:NAME",
];
const ATOMS_LATER: [&str; 6] = [
    "options",
    "summary",
    "votes",
    "polls",
    "facts",
    "others:prev",
];
const FLAGS: [&str; 3] = ["anon", "shuffle", "noself"];
const FLAGS_LATER: [&str; 2] = ["grouped", "quotes"];

/// Reads one thing that a speaker sees. Whether the phase or secret exists is looked at later.
///
/// # Errors
///
/// Says what is available.
pub(super) fn parse(path: &str, source: &str) -> Result<Sight, String> {
    let mut parts = source.split('+').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut sight = Sight {
        atom: atom(path, name)?,
        anon: false,
        shuffle: false,
        noself: false,
        grouped: false,
        quotes: false,
    };
    for flag in parts {
        let set = match flag {
            "anon" => &mut sight.anon,
            "shuffle" => &mut sight.shuffle,
            "noself" => &mut sight.noself,
            later if FLAGS_LATER.contains(&later) => return Err(not_yet(path, flag, &FLAGS)),
            _ => return Err(unknown("flag", path, flag, &FLAGS)),
        };
        if std::mem::replace(set, true) {
            return Err(format!("{path}: \"{source}\" has +{flag} twice"));
        }
    }
    let has_flags = sight.anon || sight.shuffle || sight.noself;
    match sight.atom {
        Atom::Others | Atom::OthersLast | Atom::Phase(_) => Ok(sight),
        Atom::Topic
        | Atom::Side
        | Atom::Own
        | Atom::OwnLast
        | Atom::Human
        | Atom::Secret(_)
        | Atom::Options
        | Atom::OthersRound(_)
        | Atom::Summary
        | Atom::Votes
        | Atom::Polls
        | Atom::Facts => {
            if has_flags {
                return Err(format!(
                    "{path}: \"{name}\" takes no flag; only others, others:last and phase:ID do"
                ));
            }
            Ok(sight)
        }
    }
}

fn atom(path: &str, name: &str) -> Result<Atom, String> {
    let atom = match name {
        "topic" => Atom::Topic,
        "side" => Atom::Side,
        "own" => Atom::Own,
        "own:last" => Atom::OwnLast,
        "others" => Atom::Others,
        "others:last" => Atom::OthersLast,
        "human" => Atom::Human,
        later if ATOMS_LATER.contains(&later) || later.starts_with("others:round") => {
            return Err(not_yet(path, name, &ATOMS));
        }
        _ => match name.split_once(':') {
            Some(("phase", id)) if !id.is_empty() => Atom::Phase(id.to_owned()),
            Some(("secret", id)) if !id.is_empty() => Atom::Secret(id.to_owned()),
            Some(_) | None => return Err(unknown("atom", path, name, &ATOMS)),
        },
    };
    Ok(atom)
}

fn not_yet(path: &str, name: &str, available: &[&str]) -> String {
    let available = available.join(", ");
    format!("{path} \"{name}\" does not run in this version; available: {available}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atom_is_read_with_its_flags() {
        let sight = parse("sees", "phase:blind+anon+shuffle+noself").unwrap();
        assert_eq!(sight.atom, Atom::Phase("blind".to_owned()));
        assert!(sight.anon && sight.shuffle && sight.noself);
        let plain = parse("sees", "own:last").unwrap();
        assert_eq!(plain.atom, Atom::OwnLast);
        assert!(!plain.anon && !plain.shuffle && !plain.noself);
    }

    #[test]
    fn what_cannot_be_seen_is_refused_with_what_can() {
        let cases = [
            ("other:last", "did you mean \"others:last\"?"),
            ("votes", "does not run in this version"),
            ("others:round(-1)", "does not run in this version"),
            ("others+quotes", "does not run in this version"),
            ("others+annon", "did you mean \"anon\"?"),
            ("others+anon+anon", "twice"),
            ("topic+anon", "takes no flag"),
            ("phase:", "no atom"),
        ];
        for (source, wanted) in cases {
            let problem = parse("sees", source).unwrap_err();
            assert!(problem.contains(wanted), "{source}: {problem}");
        }
    }
}
