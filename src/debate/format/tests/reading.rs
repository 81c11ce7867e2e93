use super::*;

#[test]
fn a_format_is_read_with_every_reference_resolved() {
    let format = parse("small.toml", SMALL).unwrap();
    assert_eq!(
        (format.id.as_str(), format.version, format.title.as_str()),
        ("small", 1, "Small")
    );
    assert_eq!(format.phases[0].who, ["pro", "con"]);
    assert_eq!(format.phases[1].who, ["judge"]);
    assert_eq!(format.phases[1].kind, PhaseKind::Judge);
    assert_eq!(format.phases[0].prompt.by_role["con"], "argue");
    let winner = FieldRef {
        phase: "judging".to_owned(),
        field: "winner".to_owned(),
    };
    assert_eq!(format.decision.of, [winner]);
}

#[test]
fn what_is_not_said_has_a_default() {
    let format = parse("small.toml", SMALL).unwrap();
    let opening = &format.phases[0];
    assert_eq!(opening.order, Order::Sequential);
    assert_eq!((opening.repeat.min, opening.repeat.max), (1, 1));
    assert_eq!(
        (opening.on_fail.retry, opening.on_fail.then),
        (1, OnFailThen::Substitute)
    );
    assert_eq!(opening.quorum, Quorum::None);
    assert_eq!(format.decision.tie, Tie::Split);
    assert_eq!(format.limits, Limits::default());
}

#[test]
fn the_fields_of_a_contract_keep_the_order_of_the_file() {
    let source = SMALL.replace(
        r#"fields = { winner = "pro|con|tie", reason = "string" }"#,
        "[contract.verdict.fields]\nzeal = \"0..3\"\nwinner = \"pro|con|tie\"\namount = \"bool\"",
    );
    let format = parse("small.toml", &source).unwrap();
    let fields = &format.contracts["verdict"].fields;
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["zeal", "winner", "amount"]);
    assert_eq!(fields[2].kind, FieldKind::Bool);
}

#[test]
fn the_hash_follows_every_letter_of_the_file() {
    let one = parse("small.toml", SMALL).unwrap().hash;
    let other = parse("small.toml", &SMALL.replace("Rule on it", "Rule on this"))
        .unwrap()
        .hash;
    assert_eq!(one.len(), 32);
    assert_ne!(one, other);
    assert_eq!(one, parse("another-name.toml", SMALL).unwrap().hash);
}

#[test]
fn a_choice_has_the_one_field_choice() {
    let source = SMALL
        .replace(r#"type = "verdict""#, r#"type = "choice""#)
        .replace(
            r#"fields = { winner = "pro|con|tie", reason = "string" }"#,
            r#"choices = ["pro", "con"]"#,
        )
        .replace("judging.winner", "judging.choice");
    let format = parse("small.toml", &source).unwrap();
    let words = vec!["pro".to_owned(), "con".to_owned()];
    assert_eq!(
        format.contracts["verdict"].fields[0].kind,
        FieldKind::OneOf(words)
    );
}

#[test]
fn the_example_of_the_handbook_loads() {
    let handbook = include_str!("../../../../docs/formats.md");
    let start = handbook
        .find("[protocol]\nid = \"two-and-a-vote\"")
        .unwrap();
    let end = handbook[start..].find("```").unwrap();
    let example = &handbook[start..start + end];
    let format = parse("docs/formats.md", example).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(format.id, "two-and-a-vote");
}

#[test]
fn the_handbook_names_every_word_of_the_grammar() {
    let handbook = include_str!("../../../../docs/formats.md");
    for (word, _) in decisions::RULES.0 {
        assert!(handbook.contains(&format!("`{word}`")), "{word}");
    }
    for format in FormatLibrary::embedded().iter() {
        assert!(
            handbook.contains(&format!("| `{}` |", format.id)),
            "{}",
            format.id
        );
    }
}
