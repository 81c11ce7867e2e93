//! All debates of this process: ordering, telling, recovering, and an orderly end.

mod adopt;
mod answer;
mod fork;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use answer::CommandError;
pub use answer::CreateError;
pub use answer::DebateConfig;
pub use answer::OrderOutcome;
pub use fork::ForkError;
pub use fork::ForkOrder;
pub use fork::ForkOutcome;

use super::call::Caller;
use super::call::Origin;
use super::call::Origins;
use super::driver::Driver;
use super::driver::DriverEnd;
use super::driver::DriverParts;
use super::driver::Told;
use super::format::FormatLibrary;
use super::format::estimate;
use super::order;
use super::order::DebateOrder;
use super::order::OrderError;
use super::order::Roster;
use super::state::CommandRefused;
use super::state::Input;
use super::state::State;
use crate::catalog::Catalog;
use crate::client::ClientSource;
use crate::events::Command;
use crate::events::Created;
use crate::events::Envelope;
use crate::events::LiveLane;
use crate::events::Observers;
use crate::store::CreateOutcome;
use crate::store::Debates;
use crate::store::EventLog;
use crate::store::Lease;
use crate::store::NewDebate;
use crate::store::OwnerId;
use crate::types::Clock;
use crate::types::DebateId;
use crate::types::debate::CastMember;
use crate::types::debate::Estimate;

/// What the engine works with.
pub struct EngineParts {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The list of debates and their owners.
    pub debates: Arc<dyn Debates>,
    /// Who calls models.
    pub clients: Arc<dyn ClientSource>,
    /// Where words go as they come.
    pub live: Arc<dyn LiveLane>,
    /// What models are and charge.
    pub catalog: Arc<Catalog>,
    /// The formats.
    pub formats: Arc<FormatLibrary>,
    /// Which models may be called.
    pub roster: Arc<dyn Roster>,
    /// Time.
    pub clock: Clock,
    /// This process.
    pub owner: OwnerId,
    /// Who is told when a debate begins and ends.
    pub observers: Observers,
    /// Settings.
    pub config: DebateConfig,
}

impl fmt::Debug for EngineParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineParts")
            .field("owner", &self.owner)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Runs debates.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    parts: EngineParts,
    caller: Arc<Caller>,
    drivers: Mutex<HashMap<DebateId, mpsc::Sender<Told>>>,
    tasks: Mutex<JoinSet<()>>,
    shutdown: watch::Sender<bool>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "engine of {} debates", self.running())
    }
}

impl Engine {
    /// An engine that runs nothing yet.
    pub fn new(parts: EngineParts) -> Self {
        let caller = Arc::new(Caller {
            origins: Origins::default(),
            clients: Arc::clone(&parts.clients),
            live: Arc::clone(&parts.live),
            catalog: Arc::clone(&parts.catalog),
        });
        let (drivers, tasks) = (Mutex::new(HashMap::new()), Mutex::new(JoinSet::new()));
        Self(Arc::new(Inner {
            parts,
            caller,
            drivers,
            tasks,
            shutdown: watch::Sender::new(false),
        }))
    }

    /// Checks an order and says what it can use at most. Nothing is created.
    ///
    /// # Errors
    /// All mistakes of the order at once.
    pub fn estimate(&self, order: &DebateOrder) -> Result<(Estimate, Vec<String>), OrderError> {
        let created = self.0.draw_up(order)?;
        Ok((created.estimate, created.warnings))
    }

    /// Creates a debate and starts it.
    ///
    /// # Errors
    /// [`CreateError`]; then nothing was created.
    pub async fn create(
        &self,
        order: &DebateOrder,
        idempotency: Option<(String, String)>,
    ) -> Result<OrderOutcome, CreateError> {
        self.create_for(order, idempotency, Origin::default()).await
    }

    /// Creates a debate and starts it on somebody's behalf.
    ///
    /// # Errors
    /// [`CreateError`]; then nothing was created.
    pub async fn create_for(
        &self,
        order: &DebateOrder,
        idempotency: Option<(String, String)>,
        origin: Origin,
    ) -> Result<OrderOutcome, CreateError> {
        let inner = &self.0;
        let created = inner.draw_up(order)?;
        let running = self.running();
        if running >= inner.parts.config.max_running {
            return Err(CreateError::Busy(running));
        }
        let warnings = created.warnings.clone();
        let id = DebateId::new(format!("d_{}", uuid::Uuid::now_v7().simple()));
        let spec = created.spec.clone();
        let (state, first) = State::create(created);
        let new = NewDebate {
            id,
            title: spec.title,
            topic: spec.topic,
            format: spec.format.id,
            cast: spec.cast.iter().map(label).collect(),
            at_ms: inner.parts.clock.now_ms(),
            owner: inner.parts.owner.clone(),
            events: vec![first],
            idempotency,
        };
        match inner.parts.debates.create(new).await? {
            CreateOutcome::Existing(id) => Ok(OrderOutcome {
                id,
                created: false,
                warnings,
            }),
            CreateOutcome::Created(lease, log) => {
                let id = lease.debate.clone();
                inner.parts.live.stored(&id, log.clone().into());
                inner.caller.origins.set(&id, origin);
                self.spawn(lease, state, &log, Input::Started);
                Ok(OrderOutcome {
                    id,
                    created: true,
                    warnings,
                })
            }
        }
    }

    /// Tells a debate something; returns when it is stored, or refused. `by` is who says it, where that is known:
    /// seats and polls go by it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn tell(
        &self,
        debate: &DebateId,
        id: String,
        by: Option<String>,
        command: Command,
    ) -> Result<(), CommandError> {
        let command = self.complete(command)?;
        let driver = self.0.drivers().get(debate).cloned();
        let Some(driver) = driver else {
            let summary = self.0.parts.debates.summary(debate).await?;
            return Err(match summary.progress.status {
                over if over.is_over() => CommandRefused::Over(over).into(),
                _ => CommandError::Elsewhere,
            });
        };
        let (answer, answered) = oneshot::channel();
        let told = driver
            .send(Told {
                id,
                by,
                command,
                answer,
            })
            .await;
        match (told, answered.await) {
            (Ok(()), Ok(answer)) => Ok(answer?),
            _ => {
                // It ended between the look-up and the answer.
                let summary = self.0.parts.debates.summary(debate).await?;
                Err(match summary.progress.status {
                    over if over.is_over() => CommandRefused::Over(over).into(),
                    _ => CommandError::Unavailable,
                })
            }
        }
    }

    /// A command as it is stored: with the prices and the window of a model that it names, so that replay needs no
    /// catalog. For whoever steps a state without a driver, as a fork does.
    ///
    /// # Errors
    /// When the model cannot be called.
    pub fn complete(&self, command: Command) -> Result<Command, CommandRefused> {
        let Command::SwapModel { agent, model, .. } = command else {
            return Ok(command);
        };
        let roster = &self.0.parts.roster;
        if let Err(problem) = roster.check(&model, None) {
            return Err(CommandRefused::BadModel(problem.message));
        }
        Ok(Command::SwapModel {
            prices: roster.prices(&model).map(Box::new),
            window_tokens: roster.window_tokens(&model),
            agent,
            model,
        })
    }

    /// Ends all drivers; their debates rest until a process goes on with them.
    pub async fn shutdown(&self) {
        self.0.shutdown.send_replace(true);
        let mut tasks =
            std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }

    /// How many debates this process runs.
    pub fn running(&self) -> usize {
        self.0.drivers().len()
    }

    fn spawn(&self, lease: Lease, state: State, log: &[Envelope], first: Input) {
        let inner = Arc::clone(&self.0);
        let (tell, told) = mpsc::channel(32);
        let debate = lease.debate.clone();
        inner.drivers().insert(debate.clone(), tell);
        let parts = DriverParts {
            log: Arc::clone(&inner.parts.log),
            debates: Arc::clone(&inner.parts.debates),
            live: Arc::clone(&inner.parts.live),
            caller: Arc::clone(&inner.caller),
            clock: inner.parts.clock,
            lease,
            told,
            shutdown: inner.shutdown.subscribe(),
        };
        let driver = Driver::new(parts, state, log);
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            inner.parts.observers.debate_began();
            let end = driver.run(first).await;
            inner.drivers().remove(&debate);
            inner.caller.origins.forget(&debate);
            let outcome = match end {
                DriverEnd::Over(outcome) => outcome,
                DriverEnd::Shutdown | DriverEnd::Lost | DriverEnd::StoreFailed => None,
            };
            inner.parts.observers.debate_left(outcome);
            if !matches!(end, DriverEnd::Over(_)) {
                tracing::info!(%debate, ?end, "this process no longer runs the debate");
            }
        });
    }
}

impl Inner {
    fn drivers(&self) -> std::sync::MutexGuard<'_, HashMap<DebateId, mpsc::Sender<Told>>> {
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw_up(&self, order: &DebateOrder) -> Result<Created, OrderError> {
        // 2^53 keeps a drawn seed exact in every JSON reader.
        let seed = order.seed.unwrap_or_else(|| rand::random::<u64>() >> 11);
        let (spec, mut warnings) =
            order::spec(order, &self.parts.formats, self.parts.roster.as_ref(), seed)?;
        let estimate = estimate(&spec);
        if spec
            .limits
            .calls
            .is_some_and(|cap| cap < estimate.expected_calls)
        {
            let expected = estimate.expected_calls;
            warnings.push(format!(
                "this debate makes {expected} calls, more than its cap: it will end early"
            ));
        }
        Ok(Created {
            spec,
            estimate,
            warnings,
        })
    }
}

fn label(member: &CastMember) -> String {
    format!("{} ({})", member.name, member.model)
}
