//! Every fault of an upstream × a deployment alone, one of two, or before a fallback × whole answer or stream, over
//! real sockets on both sides. The snapshot says for each what the client saw, how often each upstream was asked, and
//! who rests afterwards; the rules below hold for all of them.

use std::sync::Arc;
use std::time::Duration;

use agon::router::RouterConfig;
use agon::router::Strategy;
use agon::types::Deployment;
use agon::types::Target;
use agon::types::TargetTimeouts;
use futures::future::join_all;
use serde_json::Value;
use serde_json::json;

use super::super::OPENAI;
use super::super::ms;
use super::Gateway;
use super::Heard;
use super::ask;
use super::completion;
use super::deployment;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// How long the faulty one may be silent: long enough for a busy machine.
const SILENCE: Duration = Duration::from_millis(1500);
/// Longer than three silences.
const LONGEST: Duration = Duration::from_secs(30);
/// More than any call here makes.
const MOST_ATTEMPTS: usize = 6;

const HI: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const THERE: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" there\"}}]}\n\n";
const END: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Fine,
    Refused,
    Status(u16),
    RateLimited { after_s: u8 },
    StallBefore,
    StallAfter,
    Cut,
    NoHttp,
    NoJson,
    SlowDrip,
}

const FAULTS: [(&str, Fault); 17] = [
    ("fine", Fault::Fine),
    ("refused", Fault::Refused),
    ("401", Fault::Status(401)),
    ("404", Fault::Status(404)),
    ("408", Fault::Status(408)),
    ("429", Fault::Status(429)),
    ("429, in 1 s", Fault::RateLimited { after_s: 1 }),
    ("429, in 90 s", Fault::RateLimited { after_s: 90 }),
    ("500", Fault::Status(500)),
    ("503", Fault::Status(503)),
    ("529", Fault::Status(529)),
    ("stall before", Fault::StallBefore),
    ("stall after", Fault::StallAfter),
    ("cut", Fault::Cut),
    ("no HTTP", Fault::NoHttp),
    ("no JSON", Fault::NoJson),
    ("slow drip", Fault::SlowDrip),
];

impl Fault {
    fn reply(self, stream: bool) -> Reply {
        let whole = completion("Hi there").to_string();
        let (begin, rest) = whole.split_at(whole.len() / 2);
        let head = |reply: Reply| reply.header("content-type", "application/json");
        let begun = || match stream {
            true => Reply::sse([HI]),
            false => head(Reply::status(200)).send(begin),
        };
        match self {
            Self::Fine | Self::Refused if stream => Reply::sse([HI, THERE, END, DONE]),
            Self::Fine | Self::Refused => head(Reply::status(200)).send(whole),
            Self::Status(status) => head(Reply::status(status)).send(error().to_string()),
            Self::RateLimited { after_s } => head(Reply::status(429))
                .header("retry-after", &after_s.to_string())
                .send(error().to_string()),
            Self::StallBefore => Reply::silence(),
            Self::StallAfter => begun().stall(),
            Self::Cut => begun().cut(),
            Self::NoHttp => Reply::garbage("220 mail.example ESMTP\r\n"),
            Self::NoJson if stream => Reply::sse(["data: <html>oops</html>\n\n"]),
            Self::NoJson => head(Reply::status(200)).send("<html>oops</html>"),
            Self::SlowDrip => {
                let text = match stream {
                    true => [HI, THERE, END, DONE].concat(),
                    false => [begin, rest].concat(),
                };
                let pieces = text.as_bytes().chunks(text.len() / 9 + 1);
                let kind = match stream {
                    true => Reply::sse([""; 0]),
                    false => head(Reply::status(200)),
                };
                pieces.fold(kind, |reply, piece| reply.send(piece).pause(ms(250)))
            }
        }
    }
}

fn error() -> Value {
    json!({"error": {"message": "as the script says", "type": "scripted", "code": null}})
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Alone,
    Pair,
    Chain,
}

const SHAPES: [(&str, Shape); 3] = [
    ("alone", Shape::Alone),
    ("pair", Shape::Pair),
    ("chain", Shape::Chain),
];

/// One cell of the table.
struct Cell {
    title: String,
    fault: Fault,
    shape: Shape,
    stream: bool,
    group: String,
    faulty: Option<Upstream>,
    good: Upstream,
}

impl Cell {
    async fn new((name, fault): (&str, Fault), (form, shape): (&str, Shape), stream: bool) -> Self {
        let mode = if stream { "stream" } else { "whole" };
        let replies = vec![fault.reply(stream); MOST_ATTEMPTS];
        Self {
            title: format!("{name:<12} {form:<5} {mode:<6}"),
            fault,
            shape,
            stream,
            group: format!("{name}-{form}-{mode}"),
            faulty: match fault {
                Fault::Refused => None,
                _ => Some(Upstream::start(replies).await),
            },
            good: Upstream::start([Fault::Fine.reply(stream)]).await,
        }
    }

    fn spare(&self) -> String {
        format!("spare of {}", self.group)
    }

    fn deployments(&self) -> Vec<Deployment> {
        // Nobody listens at port 1.
        let nobody = "http://127.0.0.1:1".to_owned();
        let base = self.faulty.as_ref().map_or(nobody, Upstream::base_url);
        let mut a = deployment(&self.group, OPENAI, Some(format!("{base}/v1")));
        a.id = "a".into();
        let target = Target::clone(&a.target);
        a.target = Arc::new(Target {
            timeouts: TargetTimeouts {
                first_token: Some(SILENCE),
                idle: Some(SILENCE),
                // A whole answer begins when it is finished: this is all that bounds its beginning.
                total: Some(3 * SILENCE),
                ..TargetTimeouts::default()
            },
            ..target
        });
        let group = match self.shape {
            Shape::Alone => return vec![numbered(a, self)],
            Shape::Pair => self.group.clone(),
            Shape::Chain => self.spare(),
        };
        let good = Some(format!("{}/v1", self.good.base_url()));
        let b = Deployment {
            id: "b".into(),
            ..deployment(&group, OPENAI, good)
        };
        vec![numbered(a, self), numbered(b, self)]
    }

    /// Asks once and says what came of it.
    async fn play(&self, gateway: &Gateway) -> String {
        let mut body = ask(&self.group);
        body["stream"] = json!(self.stream);
        let asking = gateway.post("/v1/chat/completions", &body);
        let heard = tokio::time::timeout(LONGEST, asking).await;
        let heard = heard.unwrap_or_else(|_| panic!("{} waits without end", self.title));
        let saw = saw(&heard, self.stream);
        let asked_b = self.good.requests().len();
        let retries = heard.header("x-litellm-attempted-retries").unwrap();
        let attempts = retries.parse::<usize>().unwrap() + 1;
        let asked_a = match &self.faulty {
            Some(faulty) => faulty.requests().len(),
            None => attempts - asked_b,
        };
        assert_eq!(attempts, asked_a + asked_b, "{}: {saw}", self.title);
        self.holds(&saw, (asked_a, asked_b));
        let rests = match self.fault {
            // What it names is over when it is looked at.
            Fault::RateLimited { after_s: 1 } => "for 1 s".to_owned(),
            _ => self.rests(gateway).await,
        };
        format!(
            "{} {saw:<52} a {asked_a}, b {asked_b}; rests: {rests}\n",
            self.title
        )
    }

    /// What holds in every cell.
    fn holds(&self, saw: &str, (asked_a, asked_b): (usize, usize)) {
        let title = &self.title;
        assert!((1..=3).contains(&asked_a), "{title}: one retry owner");
        assert!(asked_b <= 1, "{title}: who answers is asked once");
        let has_begun = self.stream && matches!(self.fault, Fault::StallAfter | Fault::Cut);
        if self.shape == Shape::Chain && !has_begun {
            assert_eq!(saw, "200 \"Hi there\"", "{title}: another group helps");
        }
        if has_begun {
            assert_eq!((asked_a, asked_b), (1, 0), "{title}: nothing is said twice");
            let code = match self.fault {
                Fault::StallAfter => "timeout_error/408",
                _ => "stream_interrupted/500",
            };
            let wanted = format!("200 \"Hi\", then {code} and the end");
            assert_eq!(saw, wanted, "{title}");
        }
    }

    /// The deployments that cannot be asked now.
    async fn rests(&self, gateway: &Gateway) -> String {
        let mut resting = Vec::new();
        for group in [self.group.clone(), self.spare()] {
            let told = gateway.post("/api/v1/route/explain", &ask(&group)).await;
            for deployment in told.json()["deployments"].as_array().into_iter().flatten() {
                if deployment["verdict"] == "excluded" {
                    let id = deployment["id"].as_str().unwrap();
                    resting.push(id.rsplit(' ').next().unwrap().to_owned());
                }
            }
        }
        match resting.is_empty() {
            true => "-".to_owned(),
            false => resting.join(", "),
        }
    }
}

fn numbered(deployment: Deployment, cell: &Cell) -> Deployment {
    Deployment {
        id: format!("{} {}", cell.group, deployment.id).into(),
        ..deployment
    }
}

/// What a client saw, in one line.
fn saw(heard: &Heard, stream: bool) -> String {
    let status = heard.status;
    let error = |body: &Value| {
        let error = &body["error"];
        let said = error["message"].as_str().unwrap();
        assert!(!said.is_empty(), "{body}");
        let (class, code) = (error["type"].as_str(), error["code"].as_str());
        format!("{}/{}", class.unwrap(), code.unwrap())
    };
    if status != 200 {
        let wait = heard.header("retry-after");
        let wait = wait.map_or(String::new(), |wait| format!(", retry after {wait}"));
        return format!("{status} {}{wait}", error(&heard.json()));
    }
    if !stream {
        let body = heard.json();
        return format!("200 {}", body["choices"][0]["message"]["content"]);
    }
    let (mut text, mut failed, mut ended) = (String::new(), String::new(), false);
    for event in heard.text.split_terminator("\n\n") {
        let event = event.strip_prefix("data: ").expect("an event of data");
        if event == "[DONE]" {
            ended = true;
            continue;
        }
        assert!(!ended, "nothing follows the end: {}", heard.text);
        let body: Value = serde_json::from_str(event).unwrap();
        match body.get("error") {
            Some(_) => failed = format!(", then {}", error(&body)),
            None => {
                text += body["choices"][0]["delta"]["content"]
                    .as_str()
                    .unwrap_or("")
            }
        }
    }
    assert!(ended, "a stream never ends in silence: {}", heard.text);
    let end = if failed.is_empty() {
        ""
    } else {
        " and the end"
    };
    format!("200 \"{text}\"{failed}{end}")
}

fn set(router: &mut RouterConfig, cells: &[Cell]) {
    router.num_retries = 2;
    router.base_delay_ms = 10;
    router.max_delay_ms = 10;
    // Longer than the test, so that who rests is still seen at its end.
    router.cooldown_s = 600;
    router.strategy = Strategy::Ordered;
    router.fallbacks = cells
        .iter()
        .filter(|cell| cell.shape == Shape::Chain)
        .map(|cell| (cell.group.clone(), vec![cell.spare()]))
        .collect();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_has_its_answer_on_the_wire() {
    let mut cells = Vec::new();
    for fault in FAULTS {
        for shape in SHAPES {
            for stream in [false, true] {
                cells.push(Cell::new(fault, shape, stream).await);
            }
        }
    }
    let list = cells.iter().flat_map(Cell::deployments).collect();
    let gateway = Gateway::with_router(list, |router| set(router, &cells)).await;
    let played = join_all(cells.iter().map(|cell| cell.play(&gateway))).await;
    insta::assert_snapshot!(played.concat());
}
