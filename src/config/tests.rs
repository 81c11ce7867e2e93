use std::io::Write;

use super::*;

fn environment_of(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn file_of(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = file_of(
        "server: {port: 1, host: localhost}\ndatabase_url: sqlite:file.db\nllm: {use_unified: true}\n",
    );
    let environment = environment_of(&[
        ("AGON_PORT", "2"),
        ("DATABASE_URL", "sqlite:env.db"),
        ("USE_LITELLM", "false"),
    ]);
    let overrides = Overrides {
        port: Some(3),
        ..Overrides::default()
    };
    let config = load(Some(file.path()), &environment, overrides).unwrap();
    assert_eq!(
        (config.server.port, config.server.host.as_str()),
        (3, "localhost")
    );
    assert_eq!(config.database_url.0, "sqlite:env.db");
    assert!(!config.llm.use_unified);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_key_that_was_meant() {
    let file = file_of("server:\n  port: 4000\n  hots: localhost\n");
    let mistakes = load(
        Some(file.path()),
        &environment_of(&[]),
        Overrides::default(),
    )
    .unwrap_err();
    assert_eq!(mistakes[0].line, Some(3), "{mistakes:?}");
    assert!(
        mistakes[0].help.contains("\"hots\"") && mistakes[0].help.contains("\"host\""),
        "{mistakes:?}"
    );
}

#[test]
fn mistakes_are_told_all_at_once() {
    let environment = environment_of(&[
        ("AGON_PORT", "many"),
        ("AGON_LOG_FORMAT", "xml"),
        ("AGON_HOST", "0.0.0.0"),
    ]);
    let mistakes = load(None, &environment, Overrides::default()).unwrap_err();
    let text = mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    for words in ["AGON_PORT", "AGON_LOG_FORMAT", "AGON_MASTER_KEY"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_key_is_looked_up_and_never_printed() {
    let file = file_of("server: {host: 0.0.0.0, master_key: os.environ/MY_KEY}\n");
    let config = load(
        Some(file.path()),
        &environment_of(&[("MY_KEY", "sk-very-private")]),
        Overrides::default(),
    )
    .unwrap();
    assert_eq!(
        config.server.master_key.as_ref().unwrap().secret().expose(),
        "sk-very-private"
    );
    assert!(!format!("{config:?}").contains("very-private"));
    let missing = load(
        Some(file.path()),
        &environment_of(&[]),
        Overrides::default(),
    )
    .unwrap_err();
    assert!(missing[0].help.contains("MY_KEY is not set"), "{missing:?}");
}

#[test]
fn a_dot_env_file_never_overrides_the_environment() {
    let file = file_of("# keys\nexport A='1 # 2'\nB=\"x\"\nC=file # why\n");
    let process = [("C".to_owned(), "process".to_owned())];
    let merged = environment(process.into_iter(), file.path()).unwrap();
    assert_eq!(
        merged,
        environment_of(&[("A", "1 # 2"), ("B", "x"), ("C", "process")])
    );
    let broken = file_of("OK=1\nsk-secret\n");
    let mistakes = environment(std::iter::empty(), broken.path()).unwrap_err();
    assert_eq!(mistakes[0].line, Some(2));
    assert!(!mistakes[0].to_string().contains("sk-secret"));
}
