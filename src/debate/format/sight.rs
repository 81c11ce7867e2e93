//! Reads what a speaker sees: `others:last+anon+shuffle`.

use super::document::unknown;
use crate::types::debate::Atom;
use crate::types::debate::Sight;

const ATOMS: [&str; 15] = [
    "topic",
    "side",
    "options",
    "facts",
    "secret:NAME",
    "own",
    "own:last",
    "others",
    "others:last",
    "others:round(-1)",
    "summary",
    "phase:ID",
    "votes",
    "polls",
    "human",
];
const FLAGS: [&str; 5] = ["anon", "shuffle", "noself", "grouped", "quotes"];

/// More repetitions back than a phase can have.
const MAX_ROUNDS_BACK: u32 = 50;

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
    let takes = flags_of(&sight.atom);
    for flag in parts {
        let set = match flag {
            "anon" => &mut sight.anon,
            "shuffle" => &mut sight.shuffle,
            "noself" => &mut sight.noself,
            "grouped" => &mut sight.grouped,
            "quotes" => &mut sight.quotes,
            _ => return Err(unknown("flag", path, flag, &FLAGS)),
        };
        if std::mem::replace(set, true) {
            return Err(format!("{path}: \"{source}\" has +{flag} twice"));
        }
        if !takes.contains(&flag) {
            let all = match takes {
                [] => "no flag".to_owned(),
                some => format!("no other flag than {}", some.join(", ")),
            };
            return Err(format!("{path}: \"{name}\" takes {all}"));
        }
    }
    Ok(sight)
}

/// What can be asked of each atom: statements of several writers take all flags.
fn flags_of(atom: &Atom) -> &'static [&'static str] {
    match atom {
        Atom::Others | Atom::OthersLast | Atom::OthersRound(_) | Atom::Phase(_) => &FLAGS,
        Atom::Votes => &["anon", "shuffle", "noself"],
        Atom::Own | Atom::OwnLast => &["quotes"],
        Atom::Topic
        | Atom::Side
        | Atom::Human
        | Atom::Secret(_)
        | Atom::Options
        | Atom::Summary
        | Atom::Polls
        | Atom::Facts => &[],
    }
}

fn atom(path: &str, name: &str) -> Result<Atom, String> {
    let atom = match name {
        "topic" => Atom::Topic,
        "side" => Atom::Side,
        "options" => Atom::Options,
        "facts" => Atom::Facts,
        "own" => Atom::Own,
        "own:last" => Atom::OwnLast,
        "others" => Atom::Others,
        "others:last" => Atom::OthersLast,
        "summary" => Atom::Summary,
        "votes" => Atom::Votes,
        "polls" => Atom::Polls,
        "human" => Atom::Human,
        "others:prev" | "others:ring" | "others:star" => {
            return Err(format!(
                "{path}: no atom \"{name}\"; see \"others:last\", and let the phase say edges = \"{}\"",
                name.trim_start_matches("others:")
            ));
        }
        _ => match name.split_once(':') {
            Some(("phase", id)) if !id.is_empty() => Atom::Phase(id.to_owned()),
            Some(("secret", id)) if !id.is_empty() => Atom::Secret(id.to_owned()),
            Some(("others", round)) if round.starts_with("round") => {
                Atom::OthersRound(rounds_back(path, name, round)?)
            }
            Some(_) | None => return Err(unknown("atom", path, name, &ATOMS)),
        },
    };
    Ok(atom)
}

/// Reads `round(-2)`.
fn rounds_back(path: &str, name: &str, round: &str) -> Result<u32, String> {
    let number = round.strip_prefix("round(-");
    let number = number.and_then(|rest| rest.strip_suffix(')')?.parse().ok());
    number
        .filter(|back| (1..=MAX_ROUNDS_BACK).contains(back))
        .ok_or_else(|| {
            format!("{path}: \"{name}\" must say how many repetitions ago, like others:round(-1)")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atom_is_read_with_its_flags() {
        let sight = parse("sees", "phase:blind+anon+shuffle+noself").unwrap();
        assert_eq!(sight.atom, Atom::Phase("blind".to_owned()));
        assert!(sight.anon && sight.shuffle && sight.noself && !sight.grouped && !sight.quotes);
        let marked = parse("sees", "others:last + grouped + quotes").unwrap();
        assert!(marked.grouped && marked.quotes && !marked.anon);
        let plain = parse("sees", "own:last").unwrap();
        assert_eq!(plain.atom, Atom::OwnLast);
        assert!(!plain.anon && !plain.shuffle && !plain.noself);
    }

    #[test]
    fn each_atom_is_read() {
        let cases = [
            ("topic", Atom::Topic),
            ("side", Atom::Side),
            ("options", Atom::Options),
            ("facts", Atom::Facts),
            ("secret:story", Atom::Secret("story".to_owned())),
            ("own", Atom::Own),
            ("own:last", Atom::OwnLast),
            ("others", Atom::Others),
            ("others:last", Atom::OthersLast),
            ("others:round(-2)", Atom::OthersRound(2)),
            ("summary", Atom::Summary),
            ("phase:blind", Atom::Phase("blind".to_owned())),
            ("votes", Atom::Votes),
            ("polls", Atom::Polls),
            ("human", Atom::Human),
        ];
        assert_eq!(cases.len(), ATOMS.len());
        for (source, atom) in cases {
            assert_eq!(parse("sees", source).map(|sight| sight.atom), Ok(atom));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_with_what_can() {
        let cases = [
            ("other:last", "did you mean \"others:last\"?"),
            ("vote", "did you mean \"votes\"?"),
            ("others:prev", "let the phase say edges = \"prev\""),
            ("others:round(1)", "how many repetitions ago"),
            ("others:round(-0)", "how many repetitions ago"),
            ("others:round", "how many repetitions ago"),
            ("others+annon", "did you mean \"anon\"?"),
            ("others+anon+anon", "twice"),
            ("topic+anon", "takes no flag"),
            ("votes+quotes", "no other flag than anon, shuffle, noself"),
            ("own+anon", "no other flag than quotes"),
            ("phase:", "no atom"),
        ];
        for (source, wanted) in cases {
            let problem = parse("sees", source).unwrap_err();
            assert!(problem.contains(wanted), "{source}: {problem}");
        }
    }
}
