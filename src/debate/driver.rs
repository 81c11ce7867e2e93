//! Drives one debate: feeds the state machine, stores what it says before anything is sent or done, and
//! performs its actions.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::call::Caller;
use super::call::FromCall;
use super::evidence::QuoteScanner;
use super::evidence::Sources;
use super::plan::CallPlan;
use super::schedule::Schedule;
use super::state::Action;
use super::state::CommandRefused;
use super::state::Input;
use super::state::State;
use super::wall::RunningTime;
use crate::events::Command;
use crate::events::Draft;
use crate::events::Envelope;
use crate::events::LiveLane;
use crate::events::TimerId;
use crate::events::WaitingFor;
use crate::store::Debates;
use crate::store::EventLog;
use crate::store::Lease;
use crate::store::StoreError;
use crate::types::Clock;
use crate::types::TurnId;
use crate::types::debate::Outcome;

/// How often a lease is renewed; three times within its length.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How long the driver waits before it tries to store again.
const STORE_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long it tries: a full disk may be cleared. Then the debate rests until a process claims it.
const STORE_PATIENCE: Duration = Duration::from_secs(300);

/// A command on its way to a driver, and where the answer goes.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) by: Option<String>,
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result<(), CommandRefused>>,
}

/// What a driver works with.
pub(super) struct DriverParts {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) debates: Arc<dyn Debates>,
    pub(super) live: Arc<dyn LiveLane>,
    pub(super) caller: Arc<Caller>,
    pub(super) clock: Clock,
    pub(super) lease: Lease,
    pub(super) told: mpsc::Receiver<Told>,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// Why a driver ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DriverEnd {
    /// The debate is over.
    Over(Option<Outcome>),
    /// The process is stopping; another may go on with it.
    Shutdown,
    /// Another process owns it now.
    Lost,
    /// Nothing could be stored for too long.
    StoreFailed,
}

/// What a driver waits for.
enum Woken {
    Shutdown,
    Told(Told),
    Call(FromCall),
    Timer(TimerId),
    Renew,
}

/// Drives one debate.
pub(super) struct Driver {
    parts: DriverParts,
    state: State,
    time: RunningTime,
    calls: HashMap<TurnId, JoinHandle<()>>,
    /// When each timer runs out. The state ignores one that it no longer waits for.
    timers: HashMap<TimerId, Instant>,
    schedule: Schedule,
    from_calls: (mpsc::Sender<FromCall>, mpsc::Receiver<FromCall>),
}

impl Driver {
    /// A driver of a state, whose log so far is `log`.
    pub(super) fn new(parts: DriverParts, state: State, log: &[Envelope]) -> Self {
        let mut time = RunningTime::default();
        log.iter().for_each(|event| time.take(event));
        Self {
            parts,
            state,
            time,
            calls: HashMap::new(),
            timers: HashMap::new(),
            schedule: Schedule::default(),
            from_calls: mpsc::channel(64),
        }
    }

    /// Runs the debate from an input on, until it is over or another process has to go on with it.
    pub(super) async fn run(mut self, first: Input) -> DriverEnd {
        let end = self.drive(first).await;
        for (_, call) in self.calls.drain() {
            call.abort();
        }
        if matches!(end, DriverEnd::Shutdown | DriverEnd::StoreFailed)
            && let Err(error) = self.parts.debates.release(&self.parts.lease).await
        {
            tracing::warn!(debate = %self.parts.lease.debate, %error, "the lease could not be given up; it ends by itself");
        }
        end
    }

    async fn drive(&mut self, first: Input) -> DriverEnd {
        if let Err(end) = self.take(first).await {
            return end;
        }
        let mut renew = tokio::time::interval(RENEW_EVERY);
        renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.state.status().is_over() {
            let (wall, next) = (self.wall_deadline(), self.next_timer());
            let woken = tokio::select! {
                biased;
                _ = self.parts.shutdown.wait_for(|stop| *stop) => Woken::Shutdown,
                Some(told) = self.parts.told.recv() => Woken::Told(told),
                Some(news) = self.from_calls.1.recv() => Woken::Call(news),
                () = sleep_until(wall) => Woken::Timer(TimerId::Wall),
                () = sleep_until(next.as_ref().map(|(_, at)| *at)) => match next {
                    Some((id, _)) => Woken::Timer(id),
                    None => continue,
                },
                _ = renew.tick() => Woken::Renew,
            };
            if let Err(end) = self.handle(woken).await {
                return end;
            }
        }
        DriverEnd::Over(self.state.progress().outcome)
    }

    async fn handle(&mut self, woken: Woken) -> Result<(), DriverEnd> {
        match woken {
            Woken::Shutdown => Err(DriverEnd::Shutdown),
            Woken::Told(told) => self.obey(told).await,
            Woken::Call(news) => {
                let input = self.input_of(news);
                self.take(input).await
            }
            Woken::Timer(id) => {
                self.timers.remove(&id);
                self.take(Input::Timer(id)).await
            }
            Woken::Renew => self.renew().await,
        }
    }

    fn input_of(&mut self, news: FromCall) -> Input {
        match news {
            FromCall::Waiting(turn, cause) => Input::Waiting { turn, cause },
            FromCall::Finished(finished) => {
                self.calls.remove(&finished.turn);
                self.schedule.forget(&finished.turn);
                Input::CallFinished(finished)
            }
        }
    }

    async fn obey(&mut self, told: Told) -> Result<(), DriverEnd> {
        let step = self.state.step(Input::Command {
            id: told.id,
            by: told.by,
            command: told.command,
        });
        let answer = step.refused.map_or(Ok(()), Err);
        let done = self.perform(step.events, step.actions).await;
        if done.is_ok() {
            // An error means that the sender has gone; the command stands all the same.
            let _ = told.answer.send(answer);
        }
        done
    }

    async fn take(&mut self, input: Input) -> Result<(), DriverEnd> {
        let step = self.state.step(input);
        self.perform(step.events, step.actions).await
    }

    /// Closes what is to be closed, stores the events, tells of them, and then asks models.
    async fn perform(&mut self, events: Vec<Draft>, actions: Vec<Action>) -> Result<(), DriverEnd> {
        let (mut plans, mut timers) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Cancel(turn) => self.cancel(&turn).await,
                Action::Call(plan) => plans.push(*plan),
                Action::Timer { id, after } => timers.push((id, after)),
            }
        }
        if !events.is_empty() {
            let stored = self.store(events).await?;
            self.tell(stored);
        }
        for (id, after) in timers {
            self.timers.insert(id, Instant::now() + after);
        }
        let caller = &self.parts.caller;
        let placed = plans.into_iter().map(|plan| (caller.server(&plan), plan));
        let held: HashSet<TurnId> = self
            .schedule
            .held()
            .into_iter()
            .map(|(turn, _)| turn)
            .collect();
        let due = self.schedule.due(placed.collect(), self.state.spec().seed);
        for plan in due {
            self.call(plan);
        }
        for (turn, behind) in self.schedule.held() {
            if !held.contains(&turn) {
                // Where there is no room for it, what is lost is only why a turn is silent.
                let told = FromCall::Waiting(turn, WaitingFor::Queued { behind });
                let _ = self.from_calls.0.try_send(told);
            }
        }
        Ok(())
    }

    /// Ends a call and waits until it has let go of its upstream, so that none of its words comes later.
    async fn cancel(&mut self, turn: &TurnId) {
        self.schedule.forget(turn);
        if let Some(call) = self.calls.remove(turn) {
            call.abort();
            // The error says that it was aborted, which is what was wanted.
            let _ = call.await;
        }
        self.parts.live.forget(&self.parts.lease.debate, turn);
    }

    fn call(&mut self, plan: CallPlan) {
        let (caller, debate) = (
            Arc::clone(&self.parts.caller),
            self.parts.lease.debate.clone(),
        );
        let (driver, turn) = (self.from_calls.0.clone(), plan.turn.clone());
        let planned = (plan, self.quotes_of(&turn));
        let task = tokio::spawn(async move { caller.perform(&debate, planned, &driver).await });
        self.calls.insert(turn, task);
    }

    /// Looks up what a turn quotes, where its contract has quotes looked up.
    fn quotes_of(&self, turn: &TurnId) -> Option<QuoteScanner> {
        let spec = self.state.spec();
        let turn = self.state.turns().iter().rev().find(|it| it.id == *turn)?;
        let contract = &spec.format.phase(&turn.phase)?.contract;
        let rule = spec.format.contracts.get(contract)?.quotes.as_ref()?;
        Some(QuoteScanner::new(Sources::of(spec, turn.member, rule)))
    }

    /// Stores events. A store that cannot write for a while, for example because the disk is full, is waited for:
    /// nothing has been told or done yet, so nothing is lost.
    async fn store(&self, events: Vec<Draft>) -> Result<Vec<Envelope>, DriverEnd> {
        let give_up = Instant::now() + STORE_PATIENCE;
        let progress = self.state.progress();
        let debate = &self.parts.lease.debate;
        loop {
            let at_ms = self.parts.clock.now_ms();
            let error = match self
                .parts
                .log
                .append(&self.parts.lease, at_ms, events.clone(), &progress)
                .await
            {
                Ok(stored) => return Ok(stored),
                Err(error) => error,
            };
            match error {
                StoreError::Fenced(_) | StoreError::NotFound(_) => {
                    tracing::warn!(%debate, %error, "another process goes on with this debate");
                    return Err(DriverEnd::Lost);
                }
                _ if Instant::now() >= give_up => {
                    tracing::error!(%debate, %error, "the debate rests: nothing could be stored for too long");
                    return Err(DriverEnd::StoreFailed);
                }
                _ => tracing::error!(%debate, %error, "events could not be stored; trying again"),
            }
            tokio::time::sleep(STORE_AGAIN_AFTER).await;
        }
    }

    fn tell(&mut self, stored: Vec<Envelope>) {
        stored.iter().for_each(|event| self.time.take(event));
        self.parts
            .live
            .stored(&self.parts.lease.debate, stored.into());
    }

    /// The timer that runs out first.
    fn next_timer(&self) -> Option<(TimerId, Instant)> {
        let first = self.timers.iter().min_by_key(|(_, at)| **at);
        first.map(|(id, at)| (id.clone(), *at))
    }

    fn wall_deadline(&self) -> Option<Instant> {
        let cap = Duration::from_secs(self.state.limits().wall_s?);
        self.time
            .ends_at_ms(cap)
            .map(|ms| self.parts.clock.instant_at(ms))
    }

    async fn renew(&self) -> Result<(), DriverEnd> {
        match self
            .parts
            .debates
            .renew(&self.parts.lease, self.parts.clock.now_ms())
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(DriverEnd::Lost),
            Err(error) => {
                tracing::warn!(debate = %self.parts.lease.debate, %error, "the lease could not be renewed");
                Ok(())
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
