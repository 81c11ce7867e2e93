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
    let config = load(Some(file.path()), &environment, overrides)
        .unwrap()
        .config;
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
        mistakes[0].help.contains("\"server.hots\"") && mistakes[0].help.contains("\"host\""),
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
    .unwrap()
    .config;
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

/// Loads a text as a file, whatever is wrong with it.
fn read_text(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    read(
        Some(file_of(text).path()),
        &environment_of(pairs),
        Overrides::default(),
    )
}

/// The lines and words of diagnostics, without the file's name.
fn told(diagnostics: &[crate::types::Diagnostic]) -> Vec<String> {
    let line = |it: &crate::types::Diagnostic| match it.line {
        Some(line) => format!("{line}: {}", it.help),
        None => format!("{}: {}", it.file, it.help),
    };
    diagnostics.iter().map(line).collect()
}

#[test]
fn every_mistake_of_our_sections_is_told_with_its_line() {
    let loaded = read_text(
        "server:\n  hots: x\n  port: many\nlog: {format: xml}\nrouter:\n  num_retires: 2\n  cooldown_s: [1]\n\
         debate:\n  judge_model: nobody\ngatewy: {}\n",
        &[],
    );
    let mistakes = told(&loaded.report.mistakes);
    for (line, words) in [
        (2, "unknown key \"server.hots\": did you mean \"host\"?"),
        (
            3,
            "server.port is a text: it should be a whole number from 0 to 65535",
        ),
        (4, "log.format is none of text, json"),
        (6, "\"router.num_retires\": did you mean \"num_retries\"?"),
        (7, "router.cooldown_s is a list"),
        (9, "debate.judge_model cannot be read"),
        (10, "unknown key \"gatewy\": did you mean \"gateway\"?"),
    ] {
        let wanted = format!("{line}: ");
        assert!(
            mistakes
                .iter()
                .any(|it| it.starts_with(&wanted) && it.contains(words)),
            "{words} in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 7, "{mistakes:#?}");
}

#[test]
fn anchors_and_merge_keys_work_and_keep_the_lines_of_what_they_name() {
    let loaded = read_text(
        "x-base: &base\n  num_retries: many\nrouter:\n  <<: *base\n  cooldown_s: 7\n",
        &[],
    );
    assert_eq!(loaded.config.router.cooldown_s, 7);
    let mistakes = told(&loaded.report.mistakes);
    assert_eq!(
        mistakes,
        ["2: router.num_retries is a text: it should be a whole number from 0 to 255"]
    );
    assert_eq!(loaded.report.ignored[0].path, "x-base");
}

#[test]
fn what_is_no_yaml_is_told_with_its_line_and_not_shown() {
    let loaded = read_text("a: 1\nmaster_key: [sk-very-private\nb: 2\n", &[]);
    let mistakes = told(&loaded.report.mistakes);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with("3: "), "{mistakes:?}");
    assert!(!mistakes[0].contains("very-private"), "{mistakes:?}");
}

#[test]
fn a_key_that_stands_twice_counts_as_its_last_with_a_warning() {
    let loaded = read_text("server:\n  port: 1\n  port: 2\n", &[]);
    assert_eq!(loaded.config.server.port, 2);
    let warnings = told(&loaded.report.warnings);
    assert_eq!(
        warnings,
        ["3: duplicate mapping key: port: the last one holds"]
    );
}

#[test]
fn values_are_looked_up_wherever_they_stand() {
    let secret = file_of(" sk-from-a-file\n");
    let text = format!(
        "server:\n  host: \"${{HOST:-localhost}}\"\n  port: ${{PORT}}\n  master_key: file:{}\n\
         formats_dir: ${{ROOT}}/formats\nenvironment_variables:\n  ROOT: /srv\n  PORT: \"1\"\n  ALSO: ${{ROOT}}/x\n",
        secret.path().display()
    );
    let loaded = read_text(&text, &[("PORT", "4321")]);
    assert_eq!(told(&loaded.report.mistakes), [""; 0]);
    assert_eq!(loaded.config.server.host, "localhost");
    // What the process has goes before the file's environment_variables.
    assert_eq!(loaded.config.server.port, 4321);
    let key = loaded.config.server.master_key.unwrap().secret();
    assert_eq!(key.expose(), "sk-from-a-file");
    let formats = loaded.config.formats_dir.unwrap();
    assert_eq!(formats, PathBuf::from("/srv/formats"));
    assert_eq!(loaded.variables["ALSO"], "/srv/x");
    assert!(std::env::var("ALSO").is_err(), "the process has its own");
    assert!(loaded.files.contains(&secret.path().to_owned()));
}

#[cfg(unix)]
#[test]
fn a_file_that_never_ends_is_no_secret() {
    let long = file_of(&"x".repeat((1 << 20) + 1));
    for path in ["/dev/zero", long.path().to_str().unwrap()] {
        let loaded = read_text(&format!("server:\n  master_key: file:{path}\n"), &[]);
        let help = format!(
            "2: server.master_key: {path} is too long to be a secret: at most 1048576 bytes are read"
        );
        assert_eq!(told(&loaded.report.mistakes), [help]);
    }
}

#[test]
fn a_share_beyond_the_whole_is_refused_with_its_range() {
    for wrong in ["7", "-0.5", "1.01"] {
        let loaded = read_text(&format!("observe:\n  sample_ratio: {wrong}\n"), &[]);
        let mistakes = told(&loaded.report.mistakes);
        assert_eq!(
            mistakes,
            ["2: observe.sample_ratio cannot be read: it should be a number from 0 to 1"]
        );
    }
    for (right, read) in [("1", Some(1.0)), ("0.25", Some(0.25)), ("null", None)] {
        let loaded = read_text(&format!("observe:\n  sample_ratio: {right}\n"), &[]);
        assert_eq!(told(&loaded.report.mistakes), [""; 0]);
        assert_eq!(loaded.config.observe.sample_ratio, read);
    }
}

#[test]
fn a_variable_that_is_missing_in_a_setting_of_ours_is_a_mistake() {
    let loaded = read_text(
        "server:\n  port: ${NO_PORT}\nllm:\n  providers_dir: os.environ/NOWHERE\nlog: {filter: \"${OPEN\"}\n",
        &[],
    );
    assert_eq!(
        told(&loaded.report.mistakes),
        [
            "2: server.port: the variable NO_PORT is not set",
            "4: llm.providers_dir: the variable NOWHERE is not set",
            "5: log.filter: a \"${\" has no \"}\"",
        ]
    );
}

#[test]
fn included_files_continue_lists_and_join_sections() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write(
        "config.yaml",
        "include: [models.yaml, more/server.yaml]\nserver: {port: 1}\nmodel_list:\n- model_name: a\n  \
         litellm_params: {model: openai/a}\n",
    );
    write(
        "models.yaml",
        "model_list:\n- model_name: b\n  litellm_params: {model: openai/b}\n",
    );
    std::fs::create_dir(home.path().join("more")).unwrap();
    write(
        "more/server.yaml",
        "server:\n  host: localhost\n  prot: 2\n",
    );
    let loaded = read(
        Some(&home.path().join("config.yaml")),
        &environment_of(&[]),
        Overrides::default(),
    );
    let groups = loaded.config.models.entries.iter();
    let groups: Vec<&str> = groups.map(|it| &*it.deployment.group).collect();
    assert_eq!(groups, ["a", "b"]);
    assert_eq!(loaded.config.server.host, "localhost");
    assert_eq!(loaded.config.server.port, 1);
    assert_eq!(loaded.files.len(), 3);
    // A mistake in an included file has that file's name and line.
    let mistake = &loaded.report.mistakes[0];
    assert!(mistake.file.ends_with("more/server.yaml"), "{mistake}");
    assert_eq!(mistake.line, Some(3));
}

#[test]
fn a_file_that_includes_itself_or_one_that_is_missing_is_a_mistake() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.yaml");
    std::fs::write(&file, "include:\n- config.yaml\n- gone.yaml\n").unwrap();
    let loaded = read(Some(&file), &environment_of(&[]), Overrides::default());
    let mistakes = told(&loaded.report.mistakes);
    assert!(mistakes[0].contains("includes itself"), "{mistakes:?}");
    assert!(
        mistakes[1].starts_with("3: ") && mistakes[1].contains("gone.yaml cannot be read"),
        "{mistakes:?}"
    );
}

#[test]
fn a_database_that_is_not_sqlite_is_told_and_not_used() {
    for (text, pairs) in [
        (
            "general_settings: {database_url: \"postgresql://u:very-private@db/litellm\"}\n",
            &[][..],
        ),
        (
            "",
            &[("DATABASE_URL", "postgresql://u:very-private@db/x")][..],
        ),
    ] {
        let loaded = read_text(text, pairs);
        assert_eq!(loaded.config.database_url, DatabaseUrl::default());
        let warnings = told(&loaded.report.warnings);
        assert!(warnings[0].contains("come later"), "{warnings:?}");
        assert!(!warnings[0].contains("very-private"), "{warnings:?}");
    }
}

#[test]
fn the_master_key_is_ours_then_the_files_then_litellms_variable() {
    let file = "general_settings: {master_key: sk-of-the-file}\n";
    let key = |text: &str, pairs: &[(&str, &str)]| {
        let loaded = read_text(text, pairs);
        let key = loaded.config.server.master_key.map(|key| key.secret());
        key.map(|key| key.expose().to_owned()).unwrap_or_default()
    };
    let theirs = ("LITELLM_MASTER_KEY", "sk-of-litellm");
    let ours = ("AGON_MASTER_KEY", "sk-of-agon");
    assert_eq!(key(file, &[theirs, ours]), "sk-of-agon");
    assert_eq!(key(file, &[theirs]), "sk-of-the-file");
    assert_eq!(key("", &[theirs]), "sk-of-litellm");
    let missing = read_text("general_settings:\n  master_key: os.environ/GONE\n", &[]);
    assert_eq!(
        told(&missing.report.mistakes),
        ["2: general_settings.master_key: the variable GONE is not set"]
    );
}

#[test]
fn litellms_own_example_key_is_warned_of_and_ours_has_to_be_longer() {
    let loaded = read_text("general_settings: {master_key: sk-1234}\n", &[]);
    assert_eq!(told(&loaded.report.mistakes), [""; 0]);
    assert!(told(&loaded.report.warnings)[0].contains("can be guessed"));
    let ours = read_text("server: {master_key: sk-1234}\n", &[]);
    assert!(told(&ours.report.mistakes)[0].contains("too short"));
}
