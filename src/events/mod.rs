//! What happens, as values, and how it travels: durable events and live deltas.

mod body;
mod call;
mod envelope;
mod live;
mod turn;

pub use body::CallFinished;
pub use body::CallOutcome;
pub use body::Command;
pub use body::Created;
pub use body::Ending;
pub use body::EventBody;
pub use body::PauseAt;
pub use body::Purpose;
pub use body::TimerId;
pub use body::WaitingFor;
pub use call::CallRecord;
pub use call::Observer;
pub use call::Observers;
pub use envelope::Draft;
pub use envelope::Envelope;
pub use envelope::rfc3339;
pub use live::LiveBus;
pub use live::LiveEvent;
pub use live::LiveLane;
pub use live::LiveSubscription;
pub use live::SpeechChannel;
pub use live::TurnText;
pub use live::Words;
pub use turn::TurnAction;
pub use turn::TurnCompleted;
pub use turn::TurnReset;
pub use turn::TurnStarted;
