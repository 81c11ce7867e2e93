//! Every mistake of an order, at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::AgentOrder;
use super::DebateOrder;
use super::OrderProblem;
use super::Roster;
use super::seats::Seat;
use super::seats::Seats;
use super::seats::seats_of;
use crate::debate::format::FormatLibrary;
use crate::types::debate::CastMember;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::RoleKind;

/// Longest topic, in characters.
const MAX_TOPIC_CHARS: usize = 20_000;
/// Longest persona, in characters.
const MAX_PERSONA_CHARS: usize = 8_000;
/// Longest title, in characters; also where a topic is cut to make one.
const MAX_TITLE_CHARS: usize = 200;
/// Longest agent name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Seconds that a person may have to answer in: below that nobody reads the question.
const MIN_DEADLINE_S: u32 = 1;
/// A week.
const MAX_DEADLINE_S: u32 = 604_800;

/// The largest rating.
const MAX_RATING: f64 = 1_000_000.0;

/// Finds every mistake of an order.
pub(super) struct Check<'a> {
    pub(super) roster: &'a dyn Roster,
    pub(super) problems: Vec<OrderProblem>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Check<'a> {
    pub(super) fn new(roster: &'a dyn Roster) -> Self {
        Self {
            roster,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn problem(
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

    pub(super) fn texts(&mut self, order: &DebateOrder) {
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

    pub(super) fn limits(&mut self, limits: &Limits) {
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

    pub(super) fn unknown_format(&mut self, order: &DebateOrder, formats: &FormatLibrary) {
        let known: Vec<&str> = formats.iter().map(|format| format.id.as_str()).collect();
        let hint = match formats.nearest(&order.format) {
            Some(nearest) => format!("did you mean \"{nearest}\"? "),
            None => String::new(),
        };
        let known = known.join(", ");
        let message = match formats.mistakes_of(&order.format).next() {
            Some(mistake) => format!("this format has mistakes: {mistake}"),
            None => format!(
                "there is no format \"{}\": {hint}known are {known}",
                order.format
            ),
        };
        self.problem("format", "unknown_format", message);
    }

    pub(super) fn cast(&mut self, order: &DebateOrder, format: &Format) -> Vec<CastMember> {
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
                    human: seat.agent.human.clone(),
                    window_tokens: self.roster.window_tokens(&seat.agent.model),
                    rating: seat.agent.rating,
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
        if let Some(seat) = &agent.human
            && !(MIN_DEADLINE_S..=MAX_DEADLINE_S).contains(&seat.deadline_s)
        {
            let message =
                format!("a person has {MIN_DEADLINE_S} to {MAX_DEADLINE_S} seconds to answer in");
            self.problem(format!("{field}.human.deadline_s"), "bad_deadline", message);
        }
        let owner = agent.human.as_ref().and_then(|seat| seat.identity.as_ref());
        if owner.is_some_and(|it| it.trim().is_empty() || it.chars().count() > MAX_NAME_CHARS * 4) {
            let message = format!(
                "an identity has 1 to {} characters; leave it out for a seat that anybody may take",
                MAX_NAME_CHARS * 4
            );
            self.problem(format!("{field}.human.identity"), "bad_identity", message);
        }
        if agent
            .rating
            .is_some_and(|it| !it.is_finite() || it <= 0.0 || it > MAX_RATING)
        {
            let message = format!("a rating is above 0 and at most {MAX_RATING}");
            self.problem(format!("{field}.rating"), "bad_rating", message);
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
}
