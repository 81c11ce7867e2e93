use super::*;

#[test]
fn the_operators_directory_adds_formats_and_replaces_them_by_id() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("small.toml"), SMALL).unwrap();
    fs::write(
        dir.path().join("mine.toml"),
        SMALL.replace("id = \"small\"", "id = \"oxford\""),
    )
    .unwrap();
    fs::write(dir.path().join("notes.txt"), "not a format").unwrap();
    let library = FormatLibrary::load(Some(dir.path())).unwrap();
    assert_eq!(library.get("small").unwrap().title, "Small");
    assert_eq!(library.get("oxford").unwrap().title, "Small");
    assert!(library.get("tit-for-tat").is_some());
}

#[test]
fn a_broken_file_is_told_of_and_left_out_and_all_others_load() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.toml"), SMALL).unwrap();
    fs::write(dir.path().join("b.toml"), SMALL).unwrap();
    fs::write(dir.path().join("oxford.toml"), "id = ").unwrap();
    let library = FormatLibrary::load(Some(dir.path())).unwrap();
    let found = library.mistakes();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].file.ends_with("b.toml") && found[0].help.contains("is taken by"));
    assert!(found[1].file.ends_with("oxford.toml") && found[1].line == Some(1));
    assert!(library.file("small").unwrap().ends_with("a.toml"));
    assert_eq!(library.get("oxford").unwrap().title, "Oxford debate");
    assert_eq!(
        library.file("oxford"),
        Some("formats/oxford.toml (built in)")
    );
    let of_oxford: Vec<&Diagnostic> = library.mistakes_of("oxford").collect();
    assert_eq!(of_oxford, [&found[1]]);
}

#[test]
fn a_directory_that_is_not_there_is_a_mistake_and_none_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let found = FormatLibrary::load(Some(&dir.path().join("gone"))).unwrap_err();
    assert!(found[0].help.contains("cannot be read"));
    assert!(FormatLibrary::load(None).unwrap().get("oxford").is_some());
}

#[test]
fn the_nearest_id_is_offered() {
    let library = FormatLibrary::embedded();
    assert_eq!(library.nearest("oxfrod"), Some("oxford"));
    assert_eq!(library.nearest("parliament-of-owls"), None);
}
