//! Reads conditions: `all_agree(answer) or (rounds>=2 and not flag(mod.preference))`.

use super::document::is_id;
use crate::types::debate::Predicate;
use crate::types::diagnostic::nearest;

const NAMES: [&str; 9] = [
    "all_agree",
    "agree",
    "stable",
    "flag",
    "rounds",
    "similarity",
    "budget",
    "lead_unassailable",
    "human_stop",
];

/// Keeps nesting, and with it recursion, shallow.
const MAX_CHARS: usize = 400;

/// Reads a condition.
///
/// # Errors
///
/// Says what was expected, and where in the text.
pub(super) fn parse(source: &str) -> Result<Predicate, String> {
    if source.chars().count() > MAX_CHARS {
        return Err(format!("a condition has at most {MAX_CHARS} characters"));
    }
    let mut parser = Parser {
        tokens: tokens(source)?,
        next: 0,
    };
    let predicate = parser.any_of()?;
    match parser.peek() {
        None => Ok(predicate),
        Some(token) => Err(format!(
            "\"{token}\" stands where \"and\", \"or\" or the end is expected"
        )),
    }
}

/// Cuts a condition into names, numbers and signs.
fn tokens(source: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let decimal = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        let length = if first.is_ascii_digit() || decimal {
            rest.find(|c| !is_number(c)).unwrap_or(rest.len())
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if [">=", "<=", "=="].iter().any(|sign| rest.starts_with(sign)) {
            2
        } else if "().,<>".contains(first) {
            1
        } else {
            return Err(format!("\"{first}\" means nothing in a condition"));
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser<'s> {
    tokens: Vec<&'s str>,
    next: usize,
}

impl<'s> Parser<'s> {
    fn any_of(&mut self) -> Result<Predicate, String> {
        let mut parts = vec![self.all_of()?];
        while self.accept("or") {
            parts.push(self.all_of()?);
        }
        Ok(joined(parts, Predicate::Or))
    }

    fn all_of(&mut self) -> Result<Predicate, String> {
        let mut parts = vec![self.one()?];
        while self.accept("and") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Predicate::And))
    }

    fn one(&mut self) -> Result<Predicate, String> {
        if self.accept("not") {
            return Ok(Predicate::Not(Box::new(self.one()?)));
        }
        if self.accept("(") {
            let inner = self.any_of()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let name = self.take("a condition")?;
        match name {
            "all_agree" => Ok(Predicate::AllAgree(self.field_in_parentheses()?)),
            "agree" => {
                let field = self.field_in_parentheses()?;
                let at_least = self.share(">=")?;
                Ok(Predicate::Agree { field, at_least })
            }
            "flag" => self.flag(),
            "rounds" => {
                self.expect(">=")?;
                Ok(Predicate::Rounds(self.rounds("rounds>=")?))
            }
            "similarity" => Ok(Predicate::Similarity(self.share(">=")?)),
            "budget" => Ok(Predicate::BudgetBelow(self.share("<")?)),
            "stable" => self.stable(),
            "lead_unassailable" => Ok(Predicate::LeadUnassailable),
            "human_stop" => Ok(Predicate::HumanStop),
            other => Err(unknown_condition(other)),
        }
    }

    fn flag(&mut self) -> Result<Predicate, String> {
        self.expect("(")?;
        let role = self.id("a role")?;
        self.expect(".")?;
        let field = self.id("a field")?;
        self.expect(")")?;
        Ok(Predicate::Flag { role, field })
    }

    /// Reads `(field, 2)`.
    fn stable(&mut self) -> Result<Predicate, String> {
        self.expect("(")?;
        let field = self.id("a field")?;
        self.expect(",")?;
        let rounds = self.rounds("stable(field, rounds)")?;
        self.expect(")")?;
        Ok(Predicate::Stable { field, rounds })
    }

    fn rounds(&mut self, of: &str) -> Result<u32, String> {
        let number = self.take("a number of rounds")?;
        let rounds = number.parse().ok().filter(|rounds| *rounds >= 1);
        rounds.ok_or_else(|| format!("{of} takes a whole number from 1, not \"{number}\""))
    }

    fn field_in_parentheses(&mut self) -> Result<String, String> {
        self.expect("(")?;
        let field = self.id("a field")?;
        self.expect(")")?;
        Ok(field)
    }

    fn share(&mut self, sign: &str) -> Result<f64, String> {
        self.expect(sign)?;
        let text = self.take("a share")?;
        let share = text.parse().ok();
        share
            .filter(|share| *share > 0.0 && *share <= 1.0)
            .ok_or_else(|| format!("\"{text}\" is not a share: write a number above 0, up to 1"))
    }

    fn id(&mut self, what: &str) -> Result<String, String> {
        let name = self.take(what)?;
        if is_id(name) {
            Ok(name.to_owned())
        } else {
            Err(format!("\"{name}\" stands where {what} is expected"))
        }
    }

    fn peek(&self) -> Option<&'s str> {
        self.tokens.get(self.next).copied()
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn take(&mut self, what: &str) -> Result<&'s str, String> {
        let token = self
            .peek()
            .ok_or_else(|| format!("it ends where {what} is expected"))?;
        self.next += 1;
        Ok(token)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        let found = self.take(&format!("\"{token}\""))?;
        if found == token {
            Ok(())
        } else {
            Err(format!("\"{found}\" stands where \"{token}\" is expected"))
        }
    }
}

fn joined(mut parts: Vec<Predicate>, join: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}

fn unknown_condition(name: &str) -> String {
    let meant =
        nearest(name, NAMES).map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
    format!(
        "no condition \"{name}\"; {meant}available: {}",
        NAMES.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flag(role: &str, field: &str) -> Predicate {
        Predicate::Flag {
            role: role.to_owned(),
            field: field.to_owned(),
        }
    }

    #[test]
    fn each_condition_is_read() {
        let agree = Predicate::Agree {
            field: "answer".to_owned(),
            at_least: 0.75,
        };
        let cases = [
            (
                "all_agree(answer)",
                Predicate::AllAgree("answer".to_owned()),
            ),
            ("agree(answer)>=.75", agree),
            ("flag(mod.preference)", flag("mod", "preference")),
            ("rounds>=2", Predicate::Rounds(2)),
            ("similarity >= 0.85", Predicate::Similarity(0.85)),
            ("budget<.1", Predicate::BudgetBelow(0.1)),
            (
                "stable(answer,2)",
                Predicate::Stable {
                    field: "answer".to_owned(),
                    rounds: 2,
                },
            ),
            ("lead_unassailable", Predicate::LeadUnassailable),
            ("human_stop", Predicate::HumanStop),
        ];
        for (source, wanted) in cases {
            assert_eq!(parse(source), Ok(wanted), "{source}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_tighter_than_both() {
        let (a, b, c) = (
            Predicate::Rounds(1),
            Predicate::Rounds(2),
            Predicate::Rounds(3),
        );
        assert_eq!(
            parse("rounds>=1 or rounds>=2 and rounds>=3"),
            Ok(Predicate::Or(vec![
                a.clone(),
                Predicate::And(vec![b.clone(), c.clone()])
            ]))
        );
        assert_eq!(
            parse("(rounds>=1 or rounds>=2) and not rounds>=3"),
            Ok(Predicate::And(vec![
                Predicate::Or(vec![a, b]),
                Predicate::Not(Box::new(c))
            ]))
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_available() {
        let cases = [
            ("all_agre(answer)", "did you mean \"all_agree\"?"),
            ("stable(answer)", "\")\" stands where \",\" is expected"),
            ("stable(answer, 0)", "whole number from 1"),
            ("lead_unasailable", "did you mean \"lead_unassailable\"?"),
            ("human_stop()", "stands where \"and\", \"or\""),
            ("agree(answer)>=1.5", "is not a share"),
            ("agree(answer)>.5", "\">\" stands where \">=\" is expected"),
            ("budget>=.5", "\">=\" stands where \"<\" is expected"),
            ("rounds>=0", "whole number from 1"),
            ("flag(preference)", "\")\" stands where \".\" is expected"),
            ("rounds>=1 rounds>=2", "stands where \"and\", \"or\""),
            ("rounds>=1 and", "it ends where a condition is expected"),
            ("rounds>=1 & rounds>=2", "means nothing"),
            ("", "it ends where a condition is expected"),
        ];
        for (source, wanted) in cases {
            let problem = parse(source).unwrap_err();
            assert!(problem.contains(wanted), "{source}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(source in ".{0,80}") {
            let _ = parse(&source);
        }

        #[test]
        fn deep_nesting_is_read_or_refused(depth in 0_usize..500) {
            let source = format!("{}rounds>=1{}", "(".repeat(depth), ")".repeat(depth));
            prop_assert_eq!(parse(&source).is_ok(), source.len() <= MAX_CHARS);
        }
    }
}
