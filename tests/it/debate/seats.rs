//! People who take part: they speak in seats, vote in polls, and tell a running debate what to do.

use serde_json::Value;
use serde_json::json;

use super::at_pace;
use crate::support::agon::Agon;
use crate::support::ws::Watcher;

/// A debate with a person in the seat of Ada.
fn order(deadline_s: u32) -> Value {
    json!({
        "topic": "Should short tests be preferred to long ones?",
        "format": "oxford",
        "agents": [
            {"name": "Ada", "role": "pro", "human": {"identity": "u-1", "deadline_s": deadline_s}},
            {"name": "Boole", "role": "con", "model": "demo/skeptic"},
        ],
        "judges": [{"name": "Curie", "model": "demo/judge"}],
        "seed": 7,
    })
}

/// Answers for a seat until the debate is over; gives how often it was asked.
async fn answer(seat: &mut Watcher) -> usize {
    let mut asked = 0;
    while !seat.seen.is_over() {
        let frame = seat.next().await.expect("the debate goes on");
        if frame["type"] != "human.requested" || frame["data"]["agent"] != "Ada" {
            continue;
        }
        asked += 1;
        let prompt = frame["data"]["prompt"].as_str().unwrap();
        assert!(prompt.contains("short tests"), "{prompt}");
        let data = json!({"turn": frame["turn"], "text": format!("My case, part {asked}.")});
        let said = seat.command("speak", data).await;
        assert_eq!(said["data"]["ok"], true, "{said}");
    }
    asked
}

#[tokio::test]
async fn a_person_speaks_for_their_seat_and_nobody_else_does() {
    let agon = Agon::start_with(at_pace("1")).await;
    let debate = agon.create_debate(&order(60)).await;
    let whom = "role=human&seat=Ada&identity=u-1";
    let mut seat = agon.watch_as(&debate, whom).await;
    let mut other = agon
        .watch_as(&debate, "role=human&seat=Boole&identity=u-2")
        .await;
    let hello = other.until("hello").await;
    assert_eq!(hello["data"]["seat"], "Boole");
    let asked = other.until("human.requested").await;
    assert_eq!(asked["data"]["prompt"], "", "what Ada is asked is Ada's");
    let turn = &asked["turn"];
    let stolen = other
        .command("speak", json!({"turn": turn, "text": "Mine."}))
        .await;
    assert_eq!(stolen["data"]["code"], "not_allowed", "{stolen}");
    let path = format!("/api/v1/debates/{debate}/commands");
    let speak = |by: Value, text: &str| json!({"cmd": "speak", "by": by, "data": {"turn": turn, "text": text}});
    for (body, status, code) in [
        (speak(json!("u-2"), "Mine."), 403, "not_your_seat"),
        (speak(Value::Null, "Mine."), 403, "not_your_seat"),
        (speak(json!("u-1"), " "), 422, "bad_speech"),
        (speak(json!(""), "Mine."), 422, "bad_by"),
    ] {
        let refused = agon.post(&path, &body).await;
        let told = (refused.status, refused.body["code"].as_str());
        assert_eq!(told, (status, Some(code)), "{body}");
    }
    let asked = answer(&mut seat).await;
    seat.seen.assert_kept();
    let said = seat.seen.events_of("turn.completed");
    let own = said.filter(|event| event["data"]["human"] == true).count();
    assert!(asked >= 3 && own == asked, "{own} of {asked}");
    let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
    assert_eq!(detail["status"], "finished", "{detail}");
    let text = detail["turns"].to_string();
    assert!(text.contains("My case, part 1."), "{text}");
}

#[tokio::test]
async fn a_model_stands_in_for_a_person_who_is_late_and_that_is_told() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let debate = agon.create_debate(&order(1)).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let ended = watcher.seen.events_of("debate.finished").next().unwrap();
    let degraded = ended["data"]["degraded"].to_string();
    assert!(
        degraded.contains("Ada") && degraded.contains("stood in"),
        "{degraded}"
    );
    assert_eq!(ended["data"]["outcome"], "degraded");
}

#[tokio::test]
async fn the_audience_votes_once_each_and_hidden_tallies_stay_hidden() {
    let agon = Agon::start_with(at_pace("1")).await;
    let mut body = super::demo();
    body["audience"] = json!(true);
    let debate = agon.create_debate(&body).await;
    let mut first = agon.watch_as(&debate, "role=audience&identity=a").await;
    let mut second = agon.watch_as(&debate, "role=audience&identity=b").await;
    let opened = first.until("poll.opened").await;
    let (poll, choice) = (&opened["phase"], &opened["data"]["choices"][0]);
    let vote = json!({"poll": poll, "choice": choice, "conviction": 7});
    for (who, data, code) in [
        (&mut first, vote.clone(), Value::Null),
        (&mut second, vote.clone(), Value::Null),
    ] {
        let told = who.command("vote", data).await;
        assert_eq!(told["data"]["code"], code, "{told}");
    }
    // Oxford takes remarks while there are speeches, and none during a poll.
    let early = first.command("interject", json!({"text": "And the cost?"}));
    assert_eq!(early.await["data"]["code"], "no_remarks");
    // The same identity again replaces its ballot.
    let again = first.command("vote", vote.clone()).await;
    assert_eq!(again["data"]["ok"], true, "{again}");
    let wrong = json!({"poll": poll, "choice": "neither of those"});
    let refused = first.command("vote", wrong).await;
    assert_eq!(refused["data"]["code"], "bad_choice");
    let path = format!("/api/v1/debates/{debate}/commands");
    let nobody = agon
        .post(&path, &json!({"cmd": "vote", "data": vote}))
        .await;
    assert_eq!(
        (nobody.status, nobody.body["code"].as_str()),
        (422, Some("identity_needed"))
    );
    let ended = agon.post(&path, &json!({"cmd": "end_phase"})).await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    let closed = second.until("poll.closed").await;
    assert_eq!(closed["data"]["ballots"], 2);
    assert_eq!(closed["data"].get("tally"), None, "hidden until the end");
    let accepted = second.seen.events_of("command.accepted");
    for event in accepted.filter(|event| event["data"]["cmd"] == "vote") {
        assert_eq!(event["data"]["data"]["choice"], "", "ballots are secret");
        assert_eq!(event["data"].get("by"), None);
    }
    let stop = second.command("stop", json!({})).await;
    assert_eq!(stop["data"]["code"], "not_allowed");
}

#[tokio::test]
async fn a_running_debate_gets_other_models_and_higher_limits() {
    let agon = Agon::start_with(at_pace("10")).await;
    let mut body = super::demo();
    body["limits"] = json!({"calls": 60});
    let debate = agon.create_debate(&body).await;
    let path = format!("/api/v1/debates/{debate}/commands");
    for (body, status, code) in [
        (
            json!({"cmd": "swap_model", "data": {"agent": "Nobody", "model": "demo/analyst"}}),
            422,
            "no_such_agent",
        ),
        (
            json!({"cmd": "swap_model", "data": {"agent": "Curie", "model": "demo/nobody"}}),
            422,
            "bad_model",
        ),
        (
            json!({"cmd": "raise_limit", "data": {"limits": {"calls": 10}}}),
            409,
            "limit_not_raised",
        ),
        (
            json!({"cmd": "extend", "data": {"rounds": 0}}),
            422,
            "bad_rounds",
        ),
        (
            json!({"cmd": "skip_turn", "data": {"turn": "t_none"}}),
            422,
            "no_such_turn",
        ),
        (json!({"cmd": "swap_model", "data": {}}), 422, "bad_data"),
    ] {
        let refused = agon.post(&path, &body).await;
        let told = (refused.status, refused.body["code"].as_str());
        assert_eq!(told, (status, Some(code)), "{body} {}", refused.body);
    }
    let swap = json!({"id": "swap-1", "cmd": "swap_model", "data": {"agent": "Curie", "model": "demo/analyst"}});
    for _ in 0..2 {
        // The same id a second time changes nothing.
        let taken = agon.post(&path, &swap).await;
        assert_eq!((taken.status, &taken.body["id"]), (200, &json!("swap-1")));
    }
    let raise = json!({"cmd": "raise_limit", "data": {"limits": {"calls": 70}}});
    assert_eq!(agon.post(&path, &raise).await.status, 200);
    let mut watcher = agon.watch(&debate).await;
    watcher.until("limits.raised").await;
    assert_eq!(watcher.seen.events_of("model.swapped").count(), 1);
    let stopped = agon.post(&path, &json!({"cmd": "stop"})).await;
    assert_eq!(stopped.status, 200);
    watcher.until_over().await;
    watcher.seen.assert_kept();
}
