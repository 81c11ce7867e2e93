//! Access tokens of Microsoft Entra by an application's own secret (client credentials).

use super::side_call::SideCall;
use super::token::Token;
use crate::client::LlmError;
use crate::provider::environment::Environment;
use crate::types::Secret;

const AUTHORITY: &str = "https://login.microsoftonline.com";
/// What the token is for (Azure OpenAI's own documentation, read 2026-11-24).
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// An application that is registered with Entra.
#[derive(Debug, Clone)]
pub(in crate::provider) struct EntraApp {
    authority: String,
    tenant: String,
    client_id: String,
    secret: Secret,
    scope: String,
}

impl EntraApp {
    /// Reads the names that Azure's SDKs and LiteLLM read.
    ///
    /// # Errors
    /// The variable that is missing beside the secret.
    pub(super) fn from_environment(
        environment: &Environment,
        secret: &str,
    ) -> Result<Self, &'static str> {
        let needed = |name: &'static str| environment.get(name).map(str::to_owned).ok_or(name);
        let or = |name, usual: &str| environment.get(name).unwrap_or(usual).to_owned();
        Ok(Self {
            authority: or("AZURE_AUTHORITY_HOST", AUTHORITY),
            tenant: needed("AZURE_TENANT_ID")?,
            client_id: needed("AZURE_CLIENT_ID")?,
            secret: Secret::new(secret),
            scope: or("AZURE_SCOPE", SCOPE),
        })
    }

    /// What the token is kept under.
    pub(super) fn login(&self) -> String {
        format!("entra {} {} {}", self.tenant, self.client_id, self.scope)
    }

    /// Gets a token.
    ///
    /// # Errors
    /// As [`SideCall::token_for_form`].
    pub(super) async fn token(&self, side: &SideCall<'_>) -> Result<Token, LlmError> {
        let authority = self.authority.trim_end_matches('/');
        let url = format!("{authority}/{}/oauth2/v2.0/token", self.tenant);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.secret.expose()),
            ("scope", &self.scope),
        ];
        side.token_for_form(&url, &form).await
    }
}
