//! Tells a task that it shall end.

use tokio::sync::watch;

/// The end that tells. Dropping it tells too, so that no task outlives its owner.
#[derive(Debug)]
pub(super) struct Stopper(watch::Sender<bool>);

/// The end that is told.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

/// Makes a pair.
pub(super) fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    pub(super) fn stop(&self) {
        // An error means that the task has ended.
        let _ = self.0.send(true);
    }
}

impl Stop {
    /// `true` from then on.
    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for it.
    pub(super) async fn set(&mut self) {
        // An error means that the other end is gone.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
