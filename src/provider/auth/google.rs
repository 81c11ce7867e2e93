//! Google's access tokens: from a service account, from a person's login, or from the metadata server of a
//! machine in Google's cloud ("Using OAuth 2.0 for server to server applications", read 2026-11-24).

use std::io::ErrorKind;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;

use super::side_call::SideCall;
use super::token::Token;
use crate::client::LlmError;
use crate::provider::environment::Environment;
use crate::types::Secret;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const METADATA_HOST: &str = "metadata.google.internal";

/// Where a login is.
#[derive(Debug, Clone)]
pub(in crate::provider) enum GoogleLogin {
    /// Its JSON itself.
    Text(Secret),
    /// A file with it.
    File(PathBuf),
    /// Where gcloud keeps one, and else this metadata server.
    Found {
        gcloud: Option<PathBuf>,
        metadata: String,
    },
}

/// What a login's JSON says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Account {
    ServiceAccount {
        client_email: String,
        private_key: String,
        #[serde(default)]
        private_key_id: Option<String>,
        #[serde(default)]
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        #[serde(default)]
        token_uri: Option<String>,
    },
}

impl GoogleLogin {
    /// The login in a variable: its JSON, or the path of a file with it.
    pub(super) fn of(value: &str) -> Self {
        match value.starts_with('{') {
            true => Self::Text(Secret::new(value)),
            false => Self::File(PathBuf::from(value)),
        }
    }

    /// The login of a machine on which no variable names one.
    pub(super) fn found(environment: &Environment) -> Self {
        let config = environment.get("CLOUDSDK_CONFIG").map(PathBuf::from);
        let home = || Some(PathBuf::from(environment.get("HOME")?).join(".config/gcloud"));
        let gcloud = config.or_else(home);
        Self::Found {
            gcloud: gcloud.map(|dir| dir.join("application_default_credentials.json")),
            metadata: environment
                .get("GCE_METADATA_HOST")
                .unwrap_or(METADATA_HOST)
                .to_owned(),
        }
    }

    /// What the token is kept under.
    pub(super) fn login(&self) -> String {
        match self {
            Self::Text(text) => format!("google {}", blake3::hash(text.expose().as_bytes())),
            Self::File(path) => format!("google {}", path.display()),
            Self::Found { metadata, .. } => format!("google at {metadata}"),
        }
    }

    /// Gets a token.
    ///
    /// # Errors
    /// `Authentication` when there is no login, or it is refused; as [`SideCall::token`].
    pub(super) async fn token(&self, side: &SideCall<'_>) -> Result<Token, LlmError> {
        match self {
            Self::Text(text) => token_of(text.expose(), side).await,
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    side.refused(format!("{} cannot be read: {error}", path.display()))
                })?;
                token_of(&text, side).await
            }
            Self::Found { gcloud, metadata } => {
                let text = match gcloud {
                    Some(path) => tokio::fs::read_to_string(path).await,
                    None => Err(ErrorKind::NotFound.into()),
                };
                match text {
                    Ok(text) => token_of(&text, side).await,
                    Err(_) => metadata_token(metadata, side).await,
                }
            }
        }
    }
}

async fn token_of(text: &str, side: &SideCall<'_>) -> Result<Token, LlmError> {
    let account: Account = serde_json::from_str(text).map_err(|_| {
        side.refused(
            "the Google login is neither a service account nor an authorized_user: make a key of a service account",
        )
    })?;
    match account {
        Account::ServiceAccount {
            client_email,
            private_key,
            private_key_id,
            token_uri,
        } => {
            let url = token_uri.as_deref().unwrap_or(TOKEN_URL);
            let header = json!({"alg": "RS256", "typ": "JWT", "kid": private_key_id});
            let now = side.now_ms / 1000;
            let claims = json!({
                "iss": client_email, "scope": SCOPE, "aud": url, "iat": now, "exp": now + 3600,
            });
            let assertion = signed(&header.to_string(), &claims.to_string(), &private_key)
                .ok_or_else(|| {
                    side.refused("the service account's private_key is no RSA key in PEM (PKCS #8)")
                })?;
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ];
            side.token_for_form(url, &form).await
        }
        Account::AuthorizedUser {
            client_id,
            client_secret,
            refresh_token,
            token_uri,
        } => {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", client_id.as_str()),
                ("client_secret", &client_secret),
                ("refresh_token", &refresh_token),
            ];
            let url = token_uri.as_deref().unwrap_or(TOKEN_URL);
            side.token_for_form(url, &form).await
        }
    }
}

async fn metadata_token(host: &str, side: &SideCall<'_>) -> Result<Token, LlmError> {
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let path = "computeMetadata/v1/instance/service-accounts/default/token";
    let mut headers = HeaderMap::new();
    headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
    let url = format!("http://{host}/{path}");
    let token = side.token(Method::GET, &url, headers, Bytes::new()).await;
    token.map_err(|error| {
        side.refused(format!(
            "no Google login: set GOOGLE_APPLICATION_CREDENTIALS to a service account's file ({})",
            error.message
        ))
    })
}

/// A signed JSON web token (RS256).
fn signed(header: &str, claims: &str, private_key: &str) -> Option<String> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes()).ok()?;
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()?;
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .ok()?;
    Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
