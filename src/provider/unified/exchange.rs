//! Posting what is prepared, and reading what a refusal means.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::Instant;

use super::MAX_ERROR_BYTES;
use super::UnifiedClient;
use super::Way;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::provider::auth;
use crate::provider::auth::SideCall;
use crate::provider::failure::Failure;
use crate::provider::local::LocalCall;
use crate::provider::opened::Opened;
use crate::provider::prepared;
use crate::provider::prepared::Prepared;
use crate::provider::prepared::Spoken;
use crate::provider::reply::Reply;
use crate::provider::reply::header_text;
use crate::provider::transport::Outgoing;
use crate::provider::waits::Waits;
use crate::types::Wire;
use crate::wire;
use crate::wire::ErrorParts;

impl UnifiedClient {
    /// Posts what is prepared and hands back the reply once its status is a success. Where a fetched token is
    /// refused, a new one is tried, once.
    pub(super) async fn exchange(
        &self,
        way: &Way<'_>,
        prepared: &Prepared,
        spoken: Spoken,
    ) -> Result<Opened, LlmError> {
        let waits = Waits::start(way.timeouts, way.call);
        let mut opened = self.post(way, prepared, spoken, waits).await?;
        let tokens = &self.parts.tokens;
        if opened.reply.status == StatusCode::UNAUTHORIZED
            && prepared.credential.forget(tokens, opened.hidden.as_ref())
        {
            let Opened { spoken, waits, .. } = opened;
            opened = self.post(way, prepared, spoken, waits).await?;
        }
        match opened.reply.status.is_success() {
            true => Ok(opened),
            false => Err(Box::pin(self.refused(opened)).await),
        }
    }

    async fn post(
        &self,
        way: &Way<'_>,
        prepared: &Prepared,
        spoken: Spoken,
        waits: Waits,
    ) -> Result<Opened, LlmError> {
        let mut outgoing = prepared.outgoing.clone();
        let passed = &way.call.passed_headers;
        if spoken.wire == Wire::Anthropic && !passed.is_empty() {
            let headers = Arc::make_mut(&mut outgoing.headers);
            for (name, value) in passed {
                headers.append(name, value.clone());
            }
        }
        if let Some(traceparent) = prepared::traceparent(way.call) {
            Arc::make_mut(&mut outgoing.headers).insert("traceparent", traceparent);
        }
        let callee = Arc::clone(way.callee);
        let side = SideCall {
            provider: &self.spec.id,
            transport: &self.parts.transport,
            waits: &waits,
            now_ms: self.parts.clock.now_ms(),
        };
        let hidden = prepared
            .credential
            .apply(&mut outgoing, &self.parts.tokens, &side)
            .await?;
        let asked = (spoken.wire == Wire::Replicate).then(|| outgoing.clone());
        let sent = self.send(outgoing, way, &waits).await;
        Ok(Opened {
            reply: sent.map_err(|failure| callee.before_answer(failure))?,
            spoken,
            callee,
            waits,
            hidden,
            asked,
            passed: false,
        })
    }

    /// Posts the request. What is asked seldom has a place of its own, here and elsewhere on this way: a future is as
    /// large as the largest that it may wait for, and is moved.
    async fn send(
        &self,
        outgoing: Outgoing,
        way: &Way<'_>,
        waits: &Waits,
    ) -> Result<Reply, Failure> {
        // A whole answer begins when it is finished, so only the end of the whole bounds its beginning.
        let due = match way.stream {
            true => (waits.first_token_at(), TimeoutPhase::FirstToken),
            false => (waits.total_at(), TimeoutPhase::Total),
        };
        match way.local {
            Some(local) => Box::pin(self.send_to_local(local, outgoing, waits, due)).await,
            None => self.parts.transport.post(outgoing, waits, due).await,
        }
    }

    /// Posts it again when a local server was not there yet because it was loading its model.
    async fn send_to_local(
        &self,
        local: &LocalCall<'_>,
        outgoing: Outgoing,
        waits: &Waits,
        due: (Instant, TimeoutPhase),
    ) -> Result<Reply, Failure> {
        loop {
            let sending = self.parts.transport.post(outgoing.clone(), waits, due);
            let reply = local.telling(sending).await?;
            let not_yet = reply.status == StatusCode::SERVICE_UNAVAILABLE;
            if !not_yet || !local.comes_up(due.0).await {
                return Ok(reply);
            }
        }
    }

    /// Says what a reply that is no success means.
    pub(in crate::provider) async fn refused(&self, opened: Opened) -> LlmError {
        let Opened {
            mut reply,
            spoken,
            callee,
            waits,
            hidden,
            asked: _,
            passed: _,
        } = opened;
        let status = reply.status;
        if status.is_redirection() {
            let message = format!(
                "{} answers with a redirect, which is not followed: set the base URL to the final address",
                callee.host
            );
            return callee
                .error(LlmErrorKind::InvalidRequest, message)
                .with_status(status.as_u16());
        }
        let due = Instant::now() + self.timeouts.connect;
        let body = reply.body.read_some(MAX_ERROR_BYTES, &waits, due).await;
        let body = auth::without_key(&body, hidden.as_ref());
        let parts = ErrorParts {
            status: status.as_u16(),
            header: &|name| header_text(&reply.headers, name),
            body: &body,
            now_ms: self.parts.clock.now_ms(),
        };
        wire::decode_error(spoken.wire, &self.spec.id, &parts)
    }
}
