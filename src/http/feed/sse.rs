//! The feed as server-sent events.

use std::convert::Infallible;

use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use axum::response::sse::Sse;

use super::Feed;
use super::Frame;
use crate::http::HttpState;
use crate::http::pass::Role;
use crate::store::StoreError;
use crate::types::DebateId;

/// The feed as server-sent events: `id` is the event's number, so that a browser resumes by itself.
pub(in crate::http) async fn sse(
    state: HttpState,
    debate: DebateId,
    after: u64,
    role: Role,
) -> Result<Response, StoreError> {
    let feed = Feed::open(state, debate, after, role).await?;
    let events = futures::stream::unfold(feed, |mut feed| async move {
        let event = match feed.next().await {
            Ok(Frame::End) => return None,
            Ok(frame) => {
                let event = Event::default().data(frame.json());
                match &frame {
                    Frame::Durable(envelope, _) => event.id(envelope.seq.to_string()),
                    Frame::Transient(_) | Frame::End => event,
                }
            }
            Err(error) => {
                tracing::error!(%error, "a watcher's events cannot be read");
                return None;
            }
        };
        Some((Ok::<_, Infallible>(event), feed))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}
