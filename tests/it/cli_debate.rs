//! Debates on the command line: with a person at the terminal, with texts of one's own, forked and compared.

use std::process::Output;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;

use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::command::PATIENCE;
use crate::support::command::agon;
use crate::support::command::run;
use crate::support::command::text;

/// The events that a command writes with `--json`.
fn events(output: &Output) -> Vec<Value> {
    let lines = text(&output.stdout);
    let events = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    events.collect()
}

/// Somebody at a terminal: reads what is shown, and types.
struct Terminal {
    child: Child,
    out: ChildStdout,
    typing: ChildStdin,
    shown: String,
}

impl Terminal {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        Self {
            out: child.stdout.take().unwrap(),
            typing: child.stdin.take().unwrap(),
            child,
            shown: String::new(),
        }
    }

    /// Reads on; `false` at the end.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.out.read(&mut bytes)).await;
        let count = read.expect("it goes on").unwrap();
        self.shown
            .push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }

    /// Answers whenever it is asked, until the program ends; gives how often that was.
    async fn answer(&mut self, words: &str) -> usize {
        let mut answered = 0;
        loop {
            let asked = self
                .shown
                .matches("End your answer with an empty line.")
                .count();
            if asked > answered {
                let line = format!("{words} {asked}.\n\n");
                self.typing.write_all(line.as_bytes()).await.unwrap();
                answered += 1;
                continue;
            }
            if !self.read().await {
                return answered;
            }
        }
    }

    /// How it ended, and what it said beside.
    async fn end(self) -> (Option<i32>, String) {
        drop(self.typing);
        let ended = tokio::time::timeout(PATIENCE, self.child.wait_with_output()).await;
        let ended = ended.expect("it ends by itself").unwrap();
        (ended.status.code(), text(&ended.stderr))
    }
}

const OXFORD: [&str; 9] = [
    "debate",
    "Is tea better?",
    "--agent",
    "pro=demo/optimist",
    "--agent",
    "con=demo/skeptic",
    "--judge",
    "demo/judge",
    "--seed=3",
];

#[tokio::test]
async fn a_person_at_the_terminal_speaks_for_a_side() {
    let home = tempfile::tempdir().unwrap();
    let args = [&OXFORD[..], &["--human", "pro", "--deadline", "60"]].concat();
    let mut terminal = Terminal::of(agon(home.path(), &args));
    let answered = terminal.answer("Tea calms, part").await;
    let shown = terminal.shown.clone();
    let (code, beside) = terminal.end().await;
    assert_eq!(code, Some(0), "{shown}\n{beside}");
    assert!(answered >= 3, "asked {answered} times: {shown}");
    assert!(shown.contains("it is your turn: you have 60 s"), "{shown}");
    // What a model would be asked is shown, and the judge rules on the person's words.
    assert!(shown.contains("Is tea better?"), "{shown}");
    assert!(shown.contains("verdict:"), "{shown}");
    assert!(!shown.contains("stood in"), "{shown}");
}

#[tokio::test]
async fn a_stand_in_speaks_where_nobody_types_and_a_wrong_seat_is_told() {
    let home = tempfile::tempdir().unwrap();
    let late = [
        &OXFORD[..],
        &["--human", "pro", "--deadline", "1", "--json"],
    ]
    .concat();
    let ended = run(&home, &late).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let events = events(&ended);
    let last = events.last().unwrap();
    assert!(
        last["data"]["degraded"].to_string().contains("stood in"),
        "{last}"
    );
    let nobody = [&OXFORD[..], &["--human", "zoe"]].concat();
    let refused = run(&home, &nobody).await;
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("--human zoe: there is no agent or role"),
        "{told}"
    );
}

#[tokio::test]
async fn a_seat_on_a_server_is_held_at_the_terminal() {
    let server = Agon::start_with(Options {
        env: vec![("AGON_DEMO_PACE", "fast".to_owned())],
        ..Options::default()
    })
    .await;
    let order = json!({
        "topic": "Should short tests be preferred to long ones?",
        "format": "oxford",
        "agents": [
            {"name": "Ada", "role": "pro", "human": {"identity": "u-1", "deadline_s": 60}},
            {"name": "Boole", "role": "con", "model": "demo/skeptic"},
        ],
        "judges": [{"name": "Curie", "model": "demo/judge"}],
        "seed": 7,
    });
    let debate = server.create_debate(&order).await;
    let home = tempfile::tempdir().unwrap();
    let args = [
        "watch",
        &debate,
        "--server",
        server.base(),
        "--seat",
        "Ada",
        "--identity",
        "u-1",
    ];
    let mut terminal = Terminal::of(agon(home.path(), &args));
    let answered = terminal.answer("Short ones, part").await;
    let shown = terminal.shown.clone();
    let (code, beside) = terminal.end().await;
    assert_eq!(code, Some(0), "{shown}\n{beside}");
    let detail = server.get(&format!("/api/v1/debates/{debate}")).await.body;
    assert_eq!(detail["outcome"], "complete", "{detail}");
    let said = detail["turns"].to_string();
    assert!(answered >= 3, "asked {answered} times: {shown}");
    for part in 1..=answered {
        assert!(
            said.contains(&format!("Short ones, part {part}.")),
            "{said}"
        );
    }
    // Somebody else's seat is nobody's to take.
    let args = [
        "watch",
        "d_nothing",
        "--server",
        server.base(),
        "--seat",
        "Ada",
    ];
    let unknown = run(&home, &args).await;
    let told = text(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(1), "{told}");
    assert!(told.contains("there is no debate d_nothing"), "{told}");
}

#[tokio::test]
async fn facts_secrets_and_options_come_from_files_and_words() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, words: &str| std::fs::write(home.path().join(name), words).unwrap();
    write("ports.md", "The port of Alexandria had two harbors.");
    write("story.txt", "The lamp was red. Nobody lit it.");
    let facts = [
        &OXFORD[..],
        &["--fact", "ports.md", "--title", "Tea", "--json"],
    ]
    .concat();
    let ended = run(&home, &facts).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let spec = &events(&ended)[0]["data"]["spec"];
    assert_eq!(spec["title"], "Tea");
    assert_eq!(
        spec["facts"],
        json!([{"title": "ports.md", "text": "The port of Alexandria had two harbors."}])
    );
    let hidden = [
        "debate",
        "Which colour had the lamp?",
        "--format",
        "debate-with-secret",
        "--option",
        "red",
        "--option",
        "green",
        "--secret",
        "story=story.txt",
        "--seed=3",
        "--json",
    ];
    let ended = run(&home, &hidden).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let events = events(&ended);
    let spec = &events[0]["data"]["spec"];
    assert_eq!(spec["options"], json!(["red", "green"]));
    assert_eq!(spec["secrets"]["story"]["title"], "story.txt");
    assert_eq!(
        spec["secrets"]["story"]["text"],
        "The lamp was red. Nobody lit it."
    );
    for (wrong, help) in [
        (["--secret", "story"], "--secret story: write NAME=FILE"),
        (["--fact", "nowhere.md"], "nowhere.md cannot be read"),
    ] {
        let refused = run(&home, &[&OXFORD[..], &wrong].concat()).await;
        let told = text(&refused.stderr);
        assert!(
            refused.status.code() == Some(1) && told.contains(help),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_debate_is_forked_with_changes_and_compared_with_its_parent() {
    let home = tempfile::tempdir().unwrap();
    let parent = run(&home, &[&OXFORD[..], &["--json"]].concat()).await;
    let parent = events(&parent);
    let id = parent[0]["debate"].as_str().unwrap();
    let con = parent[0]["data"]["spec"]["cast"][1]["name"]
        .as_str()
        .unwrap();
    let spoken = parent
        .iter()
        .find(|event| event["type"] == "turn.completed");
    let from = spoken.unwrap()["seq"].as_u64().unwrap().to_string();
    let swap = format!("{con}=demo/analyst");
    let args = [
        "fork",
        id,
        "--from",
        &from,
        "--swap",
        &swap,
        "--say",
        "Mind the cost.",
        "--title",
        "Other",
    ];
    let forked = run(&home, &args).await;
    let beside = text(&forked.stderr);
    assert!(forked.status.success(), "{beside}");
    assert!(text(&forked.stdout).contains("verdict:"), "{forked:?}");
    let line = beside
        .lines()
        .find(|line| line.contains(" shares the first "));
    let line = line.unwrap_or_else(|| panic!("it names the fork: {beside}"));
    let fork = line.split(' ').nth(1).unwrap();
    let shared: u64 = line.split(' ').nth(5).unwrap().parse().unwrap();
    assert!(shared >= from.parse().unwrap(), "{line}");

    let compared = run(&home, &["compare", id, fork, "--json"]).await;
    let compared: Value = serde_json::from_str(&text(&compared.stdout)).unwrap();
    assert_eq!(compared["a"]["debate"], id, "{compared}");
    assert_eq!(compared["b"]["title"], "Other", "{compared}");
    let changes = compared["b"]["parent"]["changes"].to_string();
    assert!(
        changes.contains("demo/analyst") && changes.contains("Mind the cost."),
        "{changes}"
    );
    let people = run(&home, &["compare", id, fork]).await;
    let told = text(&people.stdout);
    for part in [
        "both begin with the same",
        "verdict",
        "con speaks through demo/analyst",
        "that differs",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    let replayed = run(&home, &["replay", fork]).await;
    assert!(
        text(&replayed.stdout).starts_with("identical: "),
        "{replayed:?}"
    );
    for (wrong, help) in [
        (
            vec!["fork", id, "--from", "1", "--swap", "demo/analyst"],
            "write AGENT=provider/model",
        ),
        (vec!["fork", id, "--from", "999999"], "999999"),
        (vec!["fork", "d_nothing", "--from", "1"], "d_nothing"),
    ] {
        let refused = run(&home, &wrong).await;
        let told = text(&refused.stderr);
        assert!(
            refused.status.code() == Some(1) && told.contains(help),
            "{wrong:?}: {told}"
        );
    }
}
