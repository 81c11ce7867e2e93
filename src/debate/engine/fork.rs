//! A debate that begins as another one did, and goes on otherwise.

use super::Engine;
use super::label;
use crate::debate::call::Origin;
use crate::debate::state::CommandRefused;
use crate::debate::state::Input;
use crate::debate::state::ReplayError;
use crate::debate::state::State;
use crate::events::Command;
use crate::events::Draft;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::store::CreateOutcome;
use crate::store::NewDebate;
use crate::store::StoreError;
use crate::types::DebateId;
use crate::types::debate::Parent;
use crate::types::debate::Spec;
use crate::types::debate::Status;

/// Most changes of one fork.
const MAX_CHANGES: usize = 50;
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 200;
/// Characters of a change that are told in its line.
const CHANGE_CHARS: usize = 120;

/// A fork as somebody asks for it.
#[derive(Debug, Clone, Default)]
pub struct ForkOrder {
    /// The last event of the parent that both shall share. What led to it and what it led to belong together, so the
    /// fork is made behind the last whole step up to here.
    pub from_seq: u64,
    /// What is told to the new debate before it goes on.
    pub changes: Vec<Command>,
    /// A short name; the parent's when not given.
    pub title: Option<String>,
}

/// What became of a fork's order.
#[derive(Debug, Clone)]
pub struct ForkOutcome {
    /// The new debate.
    pub id: DebateId,
    /// `false` when the same idempotency key made it before.
    pub created: bool,
    /// The last event of the parent that both share.
    pub shared_seq: u64,
}

/// Why a debate was not forked. Nothing was created.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// There is no such event.
    #[error("the debate has events 1 to {head}: there is no event {asked} to fork from")]
    NoSuchEvent {
        /// The number that was asked for.
        asked: u64,
        /// The number of its last event.
        head: u64,
    },
    /// The debate is over there.
    #[error("the debate is over at event {0}: fork from an earlier one")]
    Over(u64),
    /// The order is wrong.
    #[error("{0}")]
    Bad(String),
    /// A change is not taken.
    #[error("changes[{at}]: {refused}")]
    Refused {
        /// Which, counted from 0.
        at: usize,
        /// Why.
        refused: CommandRefused,
    },
    /// The parent's log is not one that this version can follow.
    #[error("the debate's log cannot be followed: {0}")]
    Unreadable(#[from] ReplayError),
    /// Too many debates run.
    #[error(
        "{0} debates are running, which is the most: wait for one to end, or raise debate.max_running"
    )]
    Busy(usize),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Starts a debate whose log begins with that of another one.
    ///
    /// # Errors
    /// [`ForkError`]; then nothing was created.
    pub async fn fork(
        &self,
        parent: &DebateId,
        order: ForkOrder,
        idempotency: Option<(String, String)>,
    ) -> Result<ForkOutcome, ForkError> {
        let running = self.running();
        if running >= self.0.parts.config.max_running {
            return Err(ForkError::Busy(running));
        }
        let log = self.0.whole_log(parent).await?;
        let mut prefix = cut(log, order.from_seq)?;
        let shared_seq = prefix.len() as u64;
        rename(&mut prefix, parent, &order)?;
        let mut state = State::replay(&prefix)?;
        if state.status().is_over() {
            return Err(ForkError::Over(shared_seq));
        }
        let mut events: Vec<Draft> = prefix.into_iter().map(draft).collect();
        events.extend(self.change(&mut state, order.changes)?);
        let new = self.new_debate(state.spec(), events, idempotency);
        match self.0.parts.debates.create(new).await? {
            CreateOutcome::Existing(id) => Ok(ForkOutcome {
                id,
                created: false,
                shared_seq,
            }),
            CreateOutcome::Created(lease, log) => {
                let id = lease.debate.clone();
                self.0.parts.live.stored(&id, log.clone().into());
                self.0.caller.origins.set(&id, Origin::default());
                let first = match state.status() {
                    Status::Queued => Input::Started,
                    _ => Input::Recovered { epoch: lease.epoch },
                };
                self.spawn(lease, state, &log, first);
                Ok(ForkOutcome {
                    id,
                    created: true,
                    shared_seq,
                })
            }
        }
    }

    /// Tells the new debate what shall be otherwise. What would have to be done for it is done when it goes on.
    fn change(&self, state: &mut State, changes: Vec<Command>) -> Result<Vec<Draft>, ForkError> {
        let mut events = Vec::new();
        for (at, command) in changes.into_iter().enumerate() {
            let refused = |refused| ForkError::Refused { at, refused };
            let command = self.complete(command).map_err(refused)?;
            let step = state.step(Input::Command {
                // A fork of a fork has the ids of both in its log.
                id: format!("fork-{}", uuid::Uuid::now_v7().simple()),
                by: None,
                command,
            });
            if let Some(why) = step.refused {
                return Err(refused(why));
            }
            events.extend(step.events);
        }
        Ok(events)
    }

    fn new_debate(
        &self,
        spec: &Spec,
        events: Vec<Draft>,
        idempotency: Option<(String, String)>,
    ) -> NewDebate {
        let parts = &self.0.parts;
        NewDebate {
            id: DebateId::new(format!("d_{}", uuid::Uuid::now_v7().simple())),
            title: spec.title.clone(),
            topic: spec.topic.clone(),
            format: spec.format.id.clone(),
            cast: spec.cast.iter().map(label).collect(),
            at_ms: parts.clock.now_ms(),
            owner: parts.owner.clone(),
            events,
            idempotency,
        }
    }
}

/// The events up to `from_seq`, without the beginning of a step that ends behind it.
fn cut(mut log: Vec<Envelope>, from_seq: u64) -> Result<Vec<Envelope>, ForkError> {
    let head = log.len() as u64;
    if from_seq == 0 || from_seq > head {
        let asked = from_seq;
        return Err(ForkError::NoSuchEvent { asked, head });
    }
    let begins_a_step = |at: usize| log.get(at).is_none_or(|next| next.body.is_input());
    let wanted = usize::try_from(from_seq).unwrap_or(usize::MAX);
    let end = (1..=wanted).rev().find(|end| begins_a_step(*end));
    log.truncate(end.unwrap_or(1));
    Ok(log)
}

/// Writes into the first event where the debate comes from.
fn rename(prefix: &mut [Envelope], parent: &DebateId, order: &ForkOrder) -> Result<(), ForkError> {
    let seq = prefix.len() as u64;
    let title = order.title.as_deref().map(str::trim);
    if title.is_some_and(|it| it.is_empty() || it.chars().count() > MAX_TITLE_CHARS) {
        let help = format!("title: it has 1 to {MAX_TITLE_CHARS} characters");
        return Err(ForkError::Bad(help));
    }
    if order.changes.len() > MAX_CHANGES {
        let help = format!("changes: {MAX_CHANGES} is the most");
        return Err(ForkError::Bad(help));
    }
    let Some(EventBody::Created(created)) = prefix.first_mut().map(|it| &mut it.body) else {
        return Err(ReplayError::NoBeginning.into());
    };
    if let Some(title) = title {
        title.clone_into(&mut created.spec.title);
    }
    created.spec.parent = Some(Parent {
        debate: parent.clone(),
        seq,
        changes: order.changes.iter().map(in_words).collect(),
    });
    Ok(())
}

fn draft(event: Envelope) -> Draft {
    Draft {
        phase: event.phase,
        round: event.round,
        turn: event.turn,
        body: event.body,
    }
}

/// A change in one line.
fn in_words(command: &Command) -> String {
    let line = match command {
        Command::SwapModel { agent, model, .. } => format!("{agent} speaks through {model}"),
        Command::Interject {
            text, to: Some(to), ..
        } => format!("to {to}: {text}"),
        Command::Interject { text, to: None, .. } => format!("to all: {text}"),
        Command::Speak { turn, .. } => format!("a person speaks in {turn}"),
        Command::Vote { poll, choice, .. } => format!("a vote in {poll}: {choice}"),
        Command::EndPhase {} => "the phase ends".to_owned(),
        Command::Extend { rounds } => format!("the phase goes on for {rounds} more"),
        Command::RetryTurn { turn } => format!("{turn} is asked again"),
        Command::SkipTurn { turn } => format!("{turn} is skipped"),
        Command::RaiseLimit { .. } => "limits are raised".to_owned(),
        Command::Pause { .. } => "it is held".to_owned(),
        Command::Resume {} => "it goes on".to_owned(),
        Command::Stop { .. } => "it stops".to_owned(),
    };
    line.replace(['\n', '\r'], " ")
        .chars()
        .take(CHANGE_CHARS)
        .collect()
}
