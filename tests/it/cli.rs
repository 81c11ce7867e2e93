//! The program's commands, as people and scripts use them.

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::command::agon;
use crate::support::command::run;
use crate::support::command::text;

#[tokio::test]
async fn help_names_every_command() {
    let home = tempfile::tempdir().unwrap();
    let help = text(&run(&home, &["--help"]).await.stdout);
    for command in [
        "serve",
        "ask",
        "debate",
        "resume",
        "fork",
        "compare",
        "replay",
        "eval",
        "watch",
        "models",
        "formats",
        "ollama",
        "providers",
        "check-config",
    ] {
        assert!(
            help.contains(&format!("  {command}")),
            "{command} is missing in {help}"
        );
    }
}

#[tokio::test]
async fn lists_are_for_programs_too() {
    let home = tempfile::tempdir().unwrap();
    for (args, id) in [
        (["models", "--json"], "ollama/llama2:13b"),
        (["formats", "--json"], "oxford"),
    ] {
        let listed: Value = serde_json::from_slice(&run(&home, &args).await.stdout).unwrap();
        assert!(
            listed["data"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["id"] == id),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_debate_runs_without_a_server() {
    let home = tempfile::tempdir().unwrap();
    let args = [
        "debate",
        "Is tea better?",
        "--agent",
        "pro=demo/optimist",
        "--agent",
        "con=demo/skeptic",
        "--judge",
        "demo/judge",
        "--seed",
        "3",
    ];
    let people = run(&home, &args).await;
    let told = text(&people.stdout);
    assert!(
        people.status.success() && told.contains("verdict:") && told.contains("complete: 11 calls"),
        "{told}"
    );
    assert!(
        !told.contains('\u{1b}'),
        "no colours where there is no terminal"
    );
    let programs = run(&home, &[&args[..], &["--json"]].concat()).await;
    let last: Value = serde_json::from_str(text(&programs.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["data"]["outcome"]),
        (&"debate.finished".into(), &"complete".into())
    );
}

#[tokio::test]
async fn an_interrupt_pauses_and_resume_finishes() {
    let home = tempfile::tempdir().unwrap();
    let mut running = agon(home.path(), &["debate", "Is tea better?"])
        .env("AGON_DEMO_PACE", "40")
        .spawn()
        .unwrap();
    let mut out = tokio::io::BufReader::new(running.stdout.take().unwrap());
    let mut first = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut out, &mut first)
        .await
        .unwrap();
    let pid = running.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    let reading =
        tokio::spawn(async move { tokio::io::copy(&mut out, &mut tokio::io::sink()).await });
    let ended = running.wait_with_output().await.unwrap();
    reading.await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let told = text(&ended.stderr);
    let id = told
        .split("agon resume ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("it says how to go on");
    let resumed = run(&home, &["resume", id, "--json"]).await;
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stdout).contains("debate.finished"));
    let again = run(&home, &["resume", id]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stderr).contains("is finished already"),
        "{}",
        text(&again.stderr)
    );
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_one_clear_line() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    std::fs::write(home.path().join("bad.yaml"), "server: {hots: x}\n").unwrap();
    let cases: [(&[&str], &str); 5] = [
        (
            &["serve", "--port", &port],
            "is taken: choose another with --port",
        ),
        (
            &[
                "serve",
                "--port",
                "0",
                "--database-url",
                "sqlite:/nowhere/at/all/agon.db",
            ],
            "does not exist: create it",
        ),
        (
            &["serve", "--port", "0", "--host", "0.0.0.0"],
            "set AGON_MASTER_KEY",
        ),
        (
            &["check-config", "--config", "bad.yaml"],
            "did you mean \"host\"?",
        ),
        (
            &[
                "debate",
                "x",
                "--agent",
                "pro=nobody/x",
                "--agent",
                "con=demo/skeptic",
            ],
            "there is no provider \"nobody\"",
        ),
    ];
    for (args, words) in cases {
        let output = run(&home, args).await;
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        let lines: Vec<&str> = told
            .lines()
            .filter(|line| line.starts_with("agon: "))
            .collect();
        assert!(
            lines.len() == 1 && lines[0].contains(words),
            "{args:?}: {told}"
        );
    }
}

/// The ids that a list command gives.
async fn listed(home: &TempDir, args: &[&str]) -> Vec<String> {
    let out = run(home, &[&["models", "--json"], args].concat()).await;
    let listed: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{out:?}"));
    let data = listed["data"].as_array().unwrap().iter();
    data.map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn models_are_found_by_what_they_are_and_can() {
    let home = tempfile::tempdir().unwrap();
    let has = |list: &[String], id: &str| list.iter().any(|it| it == id);
    let google = listed(&home, &["--provider", "google", "--can", "vision,tools"]).await;
    assert!(has(&google, "gemini/gemini-2.5-pro") && !has(&google, "gemini/gemini-embedding-001"));
    assert!(google.iter().all(|id| id.starts_with("gemini/")));
    let local = listed(&home, &["--local", "--can", "embedding"]).await;
    assert!(has(&local, "ollama/bge-m3") && !has(&local, "openai/text-embedding-3-small"));
    let retired = listed(&home, &["--deprecated", "--search", "CLAUDE-3-opus"]).await;
    assert!(
        has(&retired, "anthropic/claude-3-opus-20240229"),
        "{retired:?}"
    );
    let dear = listed(&home, &["--tier", "premium", "--provider", "xai"]).await;
    assert_eq!(dear, Vec::<String>::new());
    // No key is set and no server runs here: only what needs neither is there.
    let there = listed(&home, &["--available", "--provider", "openai"]).await;
    assert_eq!(there, Vec::<String>::new());
    let unknown = run(&home, &["models", "--provider", "opnai"]).await;
    let told = text(&unknown.stderr);
    assert!(
        !unknown.status.success() && told.contains("openai"),
        "{told}"
    );
}

#[tokio::test]
async fn models_are_a_table_for_people() {
    let home = tempfile::tempdir().unwrap();
    let out = text(
        &run(&home, &["models", "--provider", "deepseek"])
            .await
            .stdout,
    );
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("MODEL "), "{out}");
    let at = lines[0].find("TIER").unwrap();
    for line in &lines[1..] {
        assert_eq!(line.find("budget"), Some(at), "{out}");
    }
    assert!(
        out.contains("retired 2026-07-24, use deepseek/deepseek-v4-flash"),
        "{out}"
    );
}

#[tokio::test]
async fn a_model_is_shown_by_any_of_its_names() {
    let home = tempfile::tempdir().unwrap();
    let shown = text(
        &run(&home, &["models", "show", "claude-3-haiku"])
            .await
            .stdout,
    );
    for line in [
        "name           anthropic/claude-3-haiku-20240307",
        "USD / M tokens 0.25 in, 1.25 out",
        "use anthropic/claude-haiku-4-5",
        "checked        2026-11-20",
    ] {
        assert!(shown.contains(line), "{line} is missing in {shown}");
    }
    let out = run(&home, &["models", "show", "gpt-5.4", "--json"]).await;
    let shown: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(shown["name"], "openai/gpt-5.4");
    let tier = &shown["card"]["usd_per_million"]["long_prompts"][0];
    assert_eq!(
        (&tier["above_tokens"], &tier["output"]),
        (&272_000.into(), &22.5.into())
    );
    let unknown = run(&home, &["models", "show", "gpt-4o-mimi"]).await;
    assert!(text(&unknown.stderr).contains("openai/gpt-4o-mini"));
}

#[tokio::test]
async fn a_price_map_becomes_catalog_files_that_are_used_and_not_written_twice() {
    let home = tempfile::tempdir().unwrap();
    let map = serde_json::json!({
        "sample_spec": {"litellm_provider": "one of many"},
        "gpt-4o-mini": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.6e-07, "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08},
        "gpt-next": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06, "max_input_tokens": 100000},
        "dall-e": {"litellm_provider": "openai", "mode": "image_generation"},
    });
    std::fs::write(home.path().join("map.json"), map.to_string()).unwrap();
    let import = ["models", "import", "map.json", "--out", "mine"];
    let first = run(&home, &import).await;
    let told = text(&first.stdout);
    assert!(first.status.success(), "{first:?}");
    for words in [
        "3 entries: 2 taken (1 new, 1 changed), 0 as the catalog has them, 1 skipped",
        "openai/gpt-4o-mini  0.15 / 0.60 -> 0.16 / 0.60",
        "no chat and no embedding: image_generation: dall-e",
        "1 files in mine, 1 of them written anew",
    ] {
        assert!(told.contains(words), "{words} is missing in {told}");
    }
    let file = home.path().join("mine/openai.toml");
    let before = std::fs::read(&file).unwrap();
    let again = text(&run(&home, &import).await.stdout);
    assert!(again.contains("0 of them written anew"), "{again}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let shown = agon(home.path(), &["models", "show", "gpt-next", "--json"])
        .env("AGON_CATALOG_DIR", home.path().join("mine"))
        .output()
        .await
        .unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["card"]["context_tokens"], 100_000);
    assert_eq!(shown["card"]["usd_per_million"]["output"], 4.0);
}
