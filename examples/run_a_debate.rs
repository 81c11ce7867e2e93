//! Runs a debate of demo models in memory and prints its verdict. Runs offline: `cargo run --example run_a_debate`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use agon::app::App;
use agon::config::Config;
use agon::config::DatabaseUrl;
use agon::debate::AgentOrder;
use agon::debate::DebateOrder;
use agon::events::EventBody;
use agon::events::LiveEvent;
use agon::events::LiveLane;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config {
        database_url: DatabaseUrl("sqlite::memory:".to_owned()),
        demo_pace: Some("fast".to_owned()),
        ..Config::default()
    };
    let app = App::build(&config, &BTreeMap::new()).await?;
    let order = DebateOrder {
        topic: "Is a monolith the right start for a small team?".to_owned(),
        format: "oxford".to_owned(),
        agents: vec![
            AgentOrder::of("demo/optimist".parse()?),
            AgentOrder::of("demo/skeptic".parse()?),
        ],
        judges: vec![AgentOrder::of("demo/judge".parse()?)],
        seed: Some(7),
        ..DebateOrder::default()
    };
    let debate = app.engine.create(&order, None).await?.id;
    let mut live = app.live.subscribe(&debate).receiver;
    let mut out = std::io::stdout();
    'debate: while let Ok(event) = live.recv().await {
        let LiveEvent::Stored(events) = event else {
            continue;
        };
        for event in events.iter() {
            match &event.body {
                EventBody::TurnCompleted(turn) => writeln!(out, "{}: {}\n", turn.agent, turn.text)?,
                EventBody::VerdictFinal(verdict) => {
                    writeln!(out, "verdict: {:?}, {}", verdict.winner, verdict.reason)?
                }
                body if body.ends_debate() => break 'debate,
                _ => {}
            }
        }
    }
    app.shutdown().await;
    Ok(())
}
