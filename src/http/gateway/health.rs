//! Whether the models answer: each entry of the model list is asked for a word.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::response::Response;
use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::endpoint::Asked;
use super::failure::Failure;
use super::models;
use super::names;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::EmbeddingPurpose;
use crate::client::EmbeddingRequest;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::http::HttpState;
use crate::types::Chat;
use crate::types::Deployment;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::Role;

/// Entries that are asked at the same time.
const AT_ONCE: usize = 8;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which models.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    model: Option<String>,
}

/// Asks every entry that names one model, and reports who answers.
pub(super) async fn report(asked: &Asked<'_>) -> Result<Response, Failure> {
    let state = asked.exchange.state;
    let filter = Query::<Filter>::try_from_uri(&asked.parts.uri);
    let filter = filter.map(|Query(filter)| filter).unwrap_or_default();
    let listed = state.router.listed().into_iter();
    let wanted = listed
        .filter(|group| filter.model.as_ref().is_none_or(|it| *it == *group.name))
        .flat_map(|group| group.deployments)
        .filter(|deployment| !deployment.model.contains('*'));
    let mut asking: Vec<Arc<Deployment>> = Vec::new();
    for deployment in wanted {
        // An alias lists the entries of its group again.
        if asking.iter().all(|known| known.id != deployment.id) {
            asking.push(deployment);
        }
    }
    let answers = stream::iter(asking)
        .map(|deployment| async move {
            let answer = ask(state, &deployment).await;
            (deployment, answer)
        })
        .buffered(AT_ONCE);
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for (deployment, answer) in answers.collect::<Vec<_>>().await {
        match answer {
            Ok(()) => healthy.push(entry(&deployment, None)),
            Err(error) => unhealthy.push(entry(&deployment, Some(&error))),
        }
    }
    let report = json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
    });
    Ok(models::signed(asked, &report))
}

fn entry(deployment: &Deployment, error: Option<&LlmError>) -> Value {
    let mut entry = json!({
        "model": deployment.model.as_ref(),
        "model_name": deployment.group.as_ref(),
        "model_id": deployment.id.as_ref(),
    });
    if let Some(base) = &deployment.target.api_base {
        entry["api_base"] = json!(base);
    }
    if let Some(error) = error {
        entry["error"] = json!(error.to_string());
        entry["error_code"] = json!(error.kind.code());
    }
    entry
}

async fn ask(state: &HttpState, deployment: &Deployment) -> Result<(), LlmError> {
    let model: ModelName = deployment
        .model
        .parse()
        .map_err(|error| LlmError::new(LlmErrorKind::ModelNotFound, "agon", format!("{error}")))?;
    let call = CallContext {
        target: Some(Arc::clone(&deployment.target)),
        ..CallContext::default()
    };
    let card = names::described(deployment).and_then(|it| state.catalog.card(&it).cloned());
    let has_only_vectors =
        card.is_some_and(|it| it.capabilities.embedding && !it.capabilities.chat);
    let mode = deployment.info.mode.as_deref();
    let asking = async {
        if mode == Some("embedding") || mode.is_none() && has_only_vectors {
            let request = EmbeddingRequest {
                model: model.clone(),
                texts: vec!["hi".to_owned()],
                dimensions: None,
                purpose: EmbeddingPurpose::Document,
                call,
            };
            let embedder = state.embedders.embedder(&model)?;
            return embedder.embed(&request).await.map(drop);
        }
        let mut chat = Chat {
            messages: vec![Message::text(Role::User, "hi")],
            ..Chat::default()
        };
        // Some models refuse fewer.
        chat.sampling.max_output_tokens = Some(16);
        let request = ChatRequest::new(model.clone(), chat).with_call(call);
        let client = state.callers.client(&model)?;
        client.send_message(&request).await.map(drop)
    };
    let late = |_| {
        let phase = TimeoutPhase::Total;
        let message = format!("no answer within {} s", PATIENCE.as_secs());
        LlmError::new(LlmErrorKind::Timeout { phase }, model.provider(), message)
    };
    tokio::time::timeout(PATIENCE, asking).await.map_err(late)?
}
