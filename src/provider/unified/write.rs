//! The body of a request, and where it goes.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::UnifiedClient;
use crate::client::ChatRequest;
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::provider::lane::Lane;
use crate::provider::prepared;
use crate::provider::prepared::Prepared;
use crate::provider::prepared::Spoken;
use crate::types::TopLevel;
use crate::wire;

/// The body of a request.
pub(super) struct Written {
    body: Bytes,
    /// Where it goes; `None` for the usual place.
    path: Option<String>,
    /// `true` when it is the caller's own, so that the answer may be the upstream's own.
    pub(super) passed: bool,
}

impl UnifiedClient {
    /// Writes the body of a request: the caller's own with a few edits where the model speaks the same wire, else a
    /// translation.
    pub(super) fn write(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        spoken: &Spoken,
        stream: bool,
    ) -> Result<Written, LlmError> {
        if let Some(body) = self.pass(lane, request, stream)? {
            return Ok(Written {
                body,
                path: None,
                passed: true,
            });
        }
        if let Content::Text(text) = &request.content
            && request.head.stream == stream
            && lane.completes_text()
        {
            let body = self.completion(lane, &text.body, stream)?;
            return Ok(Written {
                body,
                path: Some("/completions".to_owned()),
                passed: true,
            });
        }
        let encoded = prepared::encode(&self.spec, &self.parts, request, (lane, spoken), stream)?;
        Ok(Written {
            body: encoded.body,
            path: Some(encoded.path),
            passed: false,
        })
    }

    /// The caller's body with a few edits; `None` where it has to be translated.
    fn pass(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        stream: bool,
    ) -> Result<Option<Bytes>, LlmError> {
        let Content::Raw {
            wire,
            body,
            members,
        } = &request.content
        else {
            return Ok(None);
        };
        if !lane.passes(*wire) || request.head.stream != stream {
            return Ok(None);
        }
        let read;
        let members = match members {
            Some(members) => members.as_ref(),
            None => {
                read = self.members(body)?;
                &read
            }
        };
        if lane.wants_translation(body, members) {
            return Ok(None);
        }
        let mut edits = Cow::Borrowed(lane.edits(stream));
        let mut dropped = Vec::new();
        for name in lane.refused() {
            if members.place(body, name).is_some() {
                edits.to_mut().remove.push(name);
                dropped.push(name.to_owned());
            }
        }
        if !dropped.is_empty() {
            let asked = (&request.call, request.head.wishes.drop_params);
            prepared::note_dropped(&self.parts, asked, &request.head.model, &dropped)?;
        }
        Ok(Some(wire::verbatim::edited(body, members, &edits)))
    }

    /// The caller's text to complete, with the edits that its body shares with a chat's.
    fn completion(&self, lane: &Lane, body: &Bytes, stream: bool) -> Result<Bytes, LlmError> {
        let members = self.members(body)?;
        let mut edits = lane.edits(stream).clone();
        // A completion has the older names.
        edits.rename.clear();
        Ok(wire::verbatim::edited(body, &members, &edits))
    }

    fn members(&self, body: &[u8]) -> Result<TopLevel, LlmError> {
        let kind = LlmErrorKind::InvalidRequest;
        TopLevel::read(body).map_err(|error| LlmError::new(kind, &self.spec.id, error.to_string()))
    }

    pub(super) fn prepared(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        written: Written,
        stream: bool,
    ) -> Result<Prepared, LlmError> {
        let usual = match &written.path {
            None => Some(lane.outgoing_usual(written.body.clone(), stream)),
            Some(path) => lane.outgoing(path, written.body.clone(), stream),
        };
        if let Some(outgoing) = usual {
            return Ok(Prepared {
                outgoing,
                credential: Arc::clone(&lane.credential),
            });
        }
        let encoded = wire::Encoded {
            path: written.path.unwrap_or_default(),
            body: written.body,
            dropped: Vec::new(),
        };
        // A provider's own path is one for chats.
        let model = (!written.passed).then_some((&request.head.model, stream));
        let address = self.address(&lane.environment, &request.call)?;
        prepared::prepare(
            &self.place(&lane.environment, &request.call),
            address,
            encoded,
            model,
        )
    }
}
