//! Bodies of requests and answers, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a body may take in addition to its bytes at the least rate.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes a second: less than the slowest mobile network delivers.
const LEAST_RATE: u32 = 512;

/// A request's body came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body arrived too slowly")]
pub(crate) struct TooSlow;

/// A request's body that must come at a least rate, so that no client keeps a place with a byte now and then.
pub(super) struct Paced {
    body: Body,
    begun: Instant,
    bytes: u64,
    deadline: Pin<Box<Sleep>>,
}

impl Paced {
    pub(super) fn new(body: Body) -> Self {
        let begun = Instant::now();
        Self { body, begun, bytes: 0, deadline: Box::pin(sleep_until(begun + PATIENCE)) }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                let earned = Duration::from_secs(this.bytes) / LEAST_RATE;
                this.deadline.as_mut().reset(this.begun + PATIENCE + earned);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match this.deadline.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(TooSlow.into()))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body with its client's place, until the body ends.
pub(super) struct Placed<P> {
    pub(super) body: Body,
    pub(super) _place: P,
    /// When it is ended, complete or not.
    pub(super) end: Option<Pin<Box<Sleep>>>,
}

impl<P: Unpin> HttpBody for Placed<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let placed = self.get_mut();
        if placed.end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready()) {
            return Poll::Ready(None);
        }
        Pin::new(&mut placed.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::time::sleep;

    use super::*;

    /// Returns whether a body arrives complete that sends a part of so many bytes every so many seconds.
    async fn comes_whole(parts: usize, bytes: usize, seconds: u64) -> bool {
        let stream = futures_util::stream::iter(0..parts).then(move |_| async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok::<_, std::convert::Infallible>(vec![0; bytes])
        });
        let paced = Body::new(Paced::new(Body::from_stream(stream)));
        axum::body::to_bytes(paced, usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn body_slower_than_the_minimum_rate_is_cut_off() {
        assert!(comes_whole(100, 1_024, 2).await, "a slow network");
        assert!(comes_whole(1, 0, 4).await, "one that is slow to begin");
        assert!(!comes_whole(60, 1, 1).await, "a byte now and then");
        assert!(!comes_whole(1, 1_024, 6).await);
        assert!(!comes_whole(100, 1_024, 3).await);
    }
}
