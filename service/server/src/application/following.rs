//! Clients that follow something until it is finished.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use praman_store::error::StoreError;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::{Application, Fault, Told};

/// How many changes are sent ahead to a client that reads slowly.
pub(super) const AHEAD: usize = 4;

/// Something that goes from state to state.
pub(super) trait Followed {
    /// Its states.
    type State: Copy + PartialEq + Send;

    /// Returns the current state.
    fn state(&self) -> Self::State;

    /// Returns whether it will not change any more while a client follows it.
    fn is_over(&self) -> bool;
}

impl Application {
    /// Sends to a client, which may read slowly, but not for ever; returns whether it was sent.
    pub(super) async fn tell<T>(&self, told: &mpsc::Sender<T>, one: T, end: Instant) -> bool {
        tokio::select! {
            biased;
            sent = told.send(one) => sent.is_ok(),
            () = self.stopped() => false,
            () = tokio::time::sleep_until(end) => false,
        }
    }

    /// Streams something now and at each change, until it is finished, the client has gone or has followed long
    /// enough, or the service stops. `changed` waits for another state than the last, or for a time.
    pub(super) fn follow<T, F>(
        self: &Arc<Self>,
        missing: impl Into<Told> + Clone + Send + 'static,
        changed: impl Fn(Arc<Self>, Option<T::State>, Duration) -> F + Send + 'static,
    ) -> Result<ReceiverStream<Result<T, Fault>>, Fault>
    where
        T: Followed + Send + 'static,
        F: Future<Output = Result<Option<T>, StoreError>> + Send,
    {
        let place = self.watcher()?;
        let (told, stream) = mpsc::channel(AHEAD);
        let application = self.clone();
        tokio::spawn(async move {
            let _place = place;
            let end = Instant::now() + application.limits.watch_max;
            let mut last = None;
            while Instant::now() < end {
                let next = tokio::select! {
                    next = changed(application.clone(), last, application.limits.wait_max) => next,
                    () = told.closed() => return,
                    () = application.stopped() => return,
                };
                let found = match next {
                    Ok(found) => found.ok_or_else(|| Fault::not_found(missing.clone())),
                    Err(error) => Err(error.into()),
                };
                let state = found.as_ref().ok().map(T::state);
                let is_over = found.as_ref().map_or(true, T::is_over);
                if state.is_some() && state == last {
                    continue;
                }
                last = state;
                if !application.tell(&told, found, end).await || is_over {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(stream))
    }
}
