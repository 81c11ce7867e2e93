//! From what somebody asks for to a debate's spec: every mistake is found at once, and nothing is half-created.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::format::FormatLibrary;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::debate::CastMember;
use crate::types::debate::Family;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Spec;

/// Longest topic, in characters.
pub(super) const MAX_TOPIC_CHARS: usize = 20_000;
/// Longest persona, in characters.
const MAX_PERSONA_CHARS: usize = 8_000;
/// Longest title, in characters; also where a topic is cut to make one.
const MAX_TITLE_CHARS: usize = 200;
/// Longest agent name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// A debate as somebody asks for it.
#[derive(Debug, Clone, Default)]
pub struct DebateOrder {
    /// The question.
    pub topic: String,
    /// A short name.
    pub title: Option<String>,
    /// The format's id.
    pub format: String,
    /// Who debates; may hold judges and moderators too, by role.
    pub agents: Vec<AgentOrder>,
    /// Who judges or moderates.
    pub judges: Vec<AgentOrder>,
    /// For every shuffle and tie-break; drawn when not given.
    pub seed: Option<u64>,
    /// Caps.
    pub limits: Limits,
}

/// An agent as somebody asks for it.
#[derive(Debug, Clone)]
pub struct AgentOrder {
    /// Its name; made from its role when not given.
    pub name: Option<String>,
    /// Its role; the next free seat when not given.
    pub role: Option<String>,
    /// Who speaks.
    pub model: ModelName,
    /// Who speaks when that one cannot.
    pub substitute: Option<ModelName>,
    /// Instructions of its own.
    pub persona: Option<String>,
    /// 0.0 to 2.0.
    pub temperature: Option<f32>,
    /// Tokens of each answer, at most.
    pub max_tokens: Option<u32>,
    /// Another address or credential.
    pub endpoint: Option<Endpoint>,
}

impl AgentOrder {
    /// An agent of this model, and nothing else said about it.
    pub fn of(model: ModelName) -> Self {
        Self {
            name: None,
            role: None,
            model,
            substitute: None,
            persona: None,
            temperature: None,
            max_tokens: None,
            endpoint: None,
        }
    }
}

/// One mistake in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderProblem {
    /// Where, as a path into the order: `agents[1].model`.
    pub field: String,
    /// A stable name for programs.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why a debate cannot be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect::<Vec<_>>().join("; "))]
pub struct OrderError(pub Vec<OrderProblem>);

/// Knows which models can be called, and under which rules.
pub trait Roster: Send + Sync {
    /// Checks that a model may be called this way. Returns what the caller should know all the same.
    ///
    /// # Errors
    /// A problem whose `field` is relative to the agent: `model`, `api_base`, `api_key_env_var`.
    fn check(
        &self,
        model: &ModelName,
        endpoint: Option<&Endpoint>,
    ) -> Result<Option<String>, OrderProblem>;

    /// What the model charges; `None` when nobody knows.
    fn prices(&self, model: &ModelName) -> Option<Prices>;

    /// The model that judges when nobody names a judge; `None` leaves it to the first debater's.
    fn default_judge(&self) -> Option<ModelName>;
}

/// Makes the spec, and the warnings that go with it.
///
/// # Errors
/// All mistakes at once.
pub(super) fn spec(
    order: &DebateOrder,
    formats: &FormatLibrary,
    roster: &dyn Roster,
    seed: u64,
) -> Result<(Spec, Vec<String>), OrderError> {
    let mut check = Check {
        roster,
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    check.texts(order);
    check.limits(&order.limits);
    let Some(format) = formats.get(&order.format) else {
        check.unknown_format(order, formats);
        return Err(OrderError(check.problems));
    };
    let cast = check.cast(order, format);
    if !check.problems.is_empty() {
        return Err(OrderError(check.problems));
    }
    check.families(format, &cast);
    let title = order
        .title
        .clone()
        .unwrap_or_else(|| shortened(order.topic.trim(), 80));
    let limits = format.limits.stricter(order.limits);
    let spec = Spec {
        topic: order.topic.trim().to_owned(),
        title,
        format: (**format).clone(),
        cast,
        limits,
        seed,
    };
    Ok((spec, check.warnings))
}

fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", line[..cut].trim_end()),
        None => line.to_owned(),
    }
}

struct Check<'a> {
    roster: &'a dyn Roster,
    problems: Vec<OrderProblem>,
    warnings: Vec<String>,
}

impl Check<'_> {
    fn problem(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.problems.push(OrderProblem {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    fn texts(&mut self, order: &DebateOrder) {
        let length = order.topic.chars().count();
        if order.topic.trim().is_empty() {
            self.problem(
                "topic",
                "empty_topic",
                "write the question that is to be debated",
            );
        } else if length > MAX_TOPIC_CHARS {
            let message =
                format!("the topic has {length} characters; {MAX_TOPIC_CHARS} is the most");
            self.problem("topic", "topic_too_long", message);
        }
        if order
            .title
            .as_ref()
            .is_some_and(|title| title.chars().count() > MAX_TITLE_CHARS)
        {
            self.problem(
                "title",
                "title_too_long",
                format!("{MAX_TITLE_CHARS} characters is the most"),
            );
        }
    }

    fn limits(&mut self, limits: &Limits) {
        let zero = [
            ("limits.rounds", limits.rounds == Some(0)),
            ("limits.calls", limits.calls == Some(0)),
            ("limits.tokens", limits.tokens == Some(0)),
            ("limits.wall_s", limits.wall_s == Some(0)),
            (
                "limits.cost_usd",
                limits
                    .cost_usd
                    .is_some_and(|usd| !usd.is_finite() || usd < 0.0),
            ),
        ];
        for (field, bad) in zero {
            if bad {
                self.problem(
                    field,
                    "bad_limit",
                    "a limit must be above zero; leave it out for no limit",
                );
            }
        }
    }

    fn unknown_format(&mut self, order: &DebateOrder, formats: &FormatLibrary) {
        let known: Vec<&str> = formats.iter().map(|format| format.id.as_str()).collect();
        let hint = match formats.nearest(&order.format) {
            Some(nearest) => format!("did you mean \"{nearest}\"? "),
            None => String::new(),
        };
        let message = format!(
            "there is no format \"{}\": {hint}known are {}",
            order.format,
            known.join(", ")
        );
        self.problem("format", "unknown_format", message);
    }

    fn cast(&mut self, order: &DebateOrder, format: &Format) -> Vec<CastMember> {
        let mut seats = Seats::new(format);
        let known_problems = self.problems.len();
        let agents = order
            .agents
            .iter()
            .enumerate()
            .map(|(at, agent)| (format!("agents[{at}]"), agent, false));
        let judges = order
            .judges
            .iter()
            .enumerate()
            .map(|(at, agent)| (format!("judges[{at}]"), agent, true));
        let all: Vec<(String, &AgentOrder, bool)> = agents.chain(judges).collect();
        for (field, agent, _) in all.iter().filter(|(_, agent, _)| agent.role.is_some()) {
            let role = agent.role.as_deref().unwrap_or_default();
            if format.role(role).is_none() {
                let known: Vec<&str> = format.roles.iter().map(|role| role.id.as_str()).collect();
                let message = format!(
                    "{} has no role \"{role}\": its roles are {}",
                    format.id,
                    known.join(", ")
                );
                self.problem(format!("{field}.role"), "unknown_role", message);
            } else {
                seats.take(role, field, agent);
            }
        }
        for (field, agent, judges) in all.iter().filter(|(_, agent, _)| agent.role.is_none()) {
            match seats.free(*judges) {
                Some(role) => seats.take(&role, field, agent),
                None => self.no_seat(field, format, *judges),
            }
        }
        self.fill_judges(&mut seats, format);
        // Whoever has no seat is missing from the counts too, so one mistake would be told twice.
        if self.problems.len() == known_problems {
            self.count(&seats, format, order);
        }
        let cast = self.members(&seats, format);
        self.names(&cast, &seats);
        cast
    }

    fn no_seat(&mut self, field: &str, format: &Format, judges: bool) {
        let who = if judges { "judge" } else { "agent" };
        let seats: Vec<String> = format.roles.iter().map(seats_of).collect();
        let message = format!(
            "there is no seat left for this {who}: {} has {}",
            format.id,
            seats.join(", ")
        );
        self.problem(field, "too_many_agents", message);
    }

    /// Fills a judge's or moderator's seat that nobody was named for.
    fn fill_judges(&mut self, seats: &mut Seats<'_>, format: &Format) {
        for role in format
            .roles
            .iter()
            .filter(|role| role.kind != RoleKind::Debater)
        {
            if role.count.min == 0 || seats.holders(&role.id) > 0 {
                continue;
            }
            let first = seats
                .taken
                .first()
                .map(|seat| (seat.agent.model.clone(), seat.agent.endpoint.clone()));
            let configured = self.roster.default_judge().map(|model| (model, None));
            let Some((model, endpoint)) = configured.or(first) else {
                continue;
            };
            self.warnings.push(format!(
                "nobody was named as {}: {model} takes the seat",
                role.id
            ));
            let agent = AgentOrder {
                endpoint,
                name: Some(role.id.clone()),
                ..AgentOrder::of(model)
            };
            seats.taken.push(Seat {
                role: role.id.clone(),
                field: role.id.clone(),
                agent,
                defaulted: true,
            });
        }
    }

    fn count(&mut self, seats: &Seats<'_>, format: &Format, order: &DebateOrder) {
        for role in &format.roles {
            let holders = seats.holders(&role.id);
            if holders < role.count.min || holders > role.count.max {
                let (code, field) = match holders < role.count.min {
                    true => (
                        "too_few_agents",
                        if order.agents.is_empty() {
                            "agents"
                        } else {
                            &role.id
                        },
                    ),
                    false => ("too_many_agents", role.id.as_str()),
                };
                let field = if format.role(field).is_some() {
                    "agents"
                } else {
                    field
                };
                let message = format!(
                    "{} needs {}, and {holders} were given",
                    format.id,
                    seats_of(role)
                );
                self.problem(field, code, message);
            }
        }
    }

    fn members(&mut self, seats: &Seats<'_>, format: &Format) -> Vec<CastMember> {
        let mut cast = Vec::new();
        for role in &format.roles {
            let holders: Vec<&Seat> = seats
                .taken
                .iter()
                .filter(|seat| seat.role == role.id)
                .collect();
            for (at, seat) in holders.iter().enumerate() {
                self.agent(seat);
                let made = if holders.len() == 1 {
                    role.id.clone()
                } else {
                    format!("{}-{}", role.id, at + 1)
                };
                cast.push(CastMember {
                    name: seat
                        .agent
                        .name
                        .clone()
                        .map_or(made, |name| name.trim().to_owned()),
                    role: role.id.clone(),
                    side: role.side.clone(),
                    model: seat.agent.model.clone(),
                    substitute: seat.agent.substitute.clone(),
                    persona: seat.agent.persona.clone(),
                    temperature: seat.agent.temperature,
                    max_tokens: seat.agent.max_tokens,
                    endpoint: seat.agent.endpoint.clone(),
                    prices: self.roster.prices(&seat.agent.model),
                    defaulted: seat.defaulted,
                });
            }
        }
        cast
    }

    fn agent(&mut self, seat: &Seat) {
        let (field, agent) = (&seat.field, &seat.agent);
        match self.roster.check(&agent.model, agent.endpoint.as_ref()) {
            Ok(warning) => self
                .warnings
                .extend(warning.filter(|it| !self.warnings.contains(it))),
            Err(problem) => {
                let inner = problem.field.clone();
                self.problems.push(OrderProblem {
                    field: format!("{field}.{inner}"),
                    ..problem
                });
            }
        }
        if let Some(stand_in) = &agent.substitute
            && let Err(problem) = self.roster.check(stand_in, None)
        {
            self.problems.push(OrderProblem {
                field: format!("{field}.substitute"),
                ..problem
            });
        }
        if agent
            .temperature
            .is_some_and(|it| !(0.0..=2.0).contains(&it))
        {
            self.problem(
                format!("{field}.temperature"),
                "bad_temperature",
                "temperature is between 0 and 2",
            );
        }
        if agent.max_tokens == Some(0) {
            self.problem(
                format!("{field}.max_tokens"),
                "bad_max_tokens",
                "max_tokens must be above zero",
            );
        }
        if agent
            .persona
            .as_ref()
            .is_some_and(|it| it.chars().count() > MAX_PERSONA_CHARS)
        {
            let message = format!("{MAX_PERSONA_CHARS} characters is the most");
            self.problem(format!("{field}.persona"), "persona_too_long", message);
        }
        if let Some(name) = &agent.name {
            let bad = name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS;
            if bad || name.chars().any(char::is_control) {
                let message = format!("a name has 1 to {MAX_NAME_CHARS} printable characters");
                self.problem(format!("{field}.name"), "bad_name", message);
            }
        }
    }

    fn names(&mut self, cast: &[CastMember], seats: &Seats<'_>) {
        let mut seen = BTreeSet::new();
        let fields: BTreeMap<&str, &str> = (seats.taken.iter())
            .filter_map(|seat| Some((seat.agent.name.as_deref()?.trim(), seat.field.as_str())))
            .collect();
        for member in cast {
            if !seen.insert(member.name.as_str()) {
                let field = fields
                    .get(member.name.as_str())
                    .map_or("agents", |field| field);
                let message = format!(
                    "the name \"{}\" is used twice: give each agent its own",
                    member.name
                );
                self.problem(format!("{field}.name"), "duplicate_name", message);
            }
        }
    }

    /// A cast that breaks a format's wish runs all the same: people debate with the models they have.
    fn families(&mut self, format: &Format, cast: &[CastMember]) {
        for role in &format.roles {
            let of_role: Vec<&CastMember> = cast
                .iter()
                .filter(|member| member.role == role.id)
                .collect();
            let distinct: BTreeSet<&ModelName> =
                of_role.iter().map(|member| &member.model).collect();
            if role.family == Family::Distinct
                && of_role.len() > 1
                && distinct.len() < of_role.len()
            {
                self.warnings.push(format!(
                    "several {}s share a model: different models find more",
                    role.id
                ));
            }
        }
    }
}

fn seats_of(role: &RoleDef) -> String {
    match (role.count.min, role.count.max) {
        (1, 1) => format!("1 {}", role.id),
        (min, max) if min == max => format!("{min} of role {}", role.id),
        (min, max) => format!("{min} to {max} of role {}", role.id),
    }
}

struct Seat {
    role: String,
    field: String,
    agent: AgentOrder,
    defaulted: bool,
}

struct Seats<'a> {
    format: &'a Format,
    taken: Vec<Seat>,
}

impl<'a> Seats<'a> {
    fn new(format: &'a Format) -> Self {
        Self {
            format,
            taken: Vec::new(),
        }
    }

    fn holders(&self, role: &str) -> u32 {
        self.taken.iter().filter(|seat| seat.role == role).count() as u32
    }

    fn take(&mut self, role: &str, field: &str, agent: &AgentOrder) {
        let (role, field) = (role.to_owned(), field.to_owned());
        self.taken.push(Seat {
            role,
            field,
            agent: agent.clone(),
            defaulted: false,
        });
    }

    /// The next seat for an agent without a role: first those that must be filled, in the format's order, then
    /// those that may be.
    fn free(&self, judges: bool) -> Option<String> {
        let fits = |role: &&RoleDef| (role.kind == RoleKind::Debater) != judges;
        let roles = || self.format.roles.iter().filter(fits);
        let needed = roles().find(|role| self.holders(&role.id) < role.count.min);
        needed
            .or_else(|| roles().find(|role| self.holders(&role.id) < role.count.max))
            .map(|role| role.id.clone())
    }
}
