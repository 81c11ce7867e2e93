//! Where a call goes and how it proves who pays: the provider's file, the environment, and the request's endpoint.

mod aws;
mod azure;
mod google;
mod side_call;
mod token;

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::USER_AGENT;

use super::connect::Reach;
use super::environment::Environment;
use super::transport::Outgoing;
use crate::catalog::AuthScheme;
use crate::catalog::MissingVariable;
use crate::catalog::ProviderSpec;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Endpoint;
use crate::types::Secret;
use crate::types::Target as DeploymentTarget;
use aws::AccessKey;
use aws::Signable;
use azure::EntraApp;
use google::GoogleLogin;
pub(super) use side_call::SideCall;
use token::Token;
pub(super) use token::Tokens;

/// The variable whose presence means that calls are signed.
const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The variable whose presence means that an application logs in.
const AZURE_CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";

/// One address with its credential, ready to be called.
#[derive(Debug)]
pub(super) struct Target {
    /// Without a slash at the end.
    pub(super) base_url: String,
    /// Which addresses that one may lead to.
    pub(super) reach: Reach,
    /// How the call proves who pays.
    pub(super) credential: Credential,
}

/// How one call proves who pays.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    /// Not at all.
    None,
    /// By a key in a header.
    Key(Key),
    /// By a signature.
    Signature(Box<AccessKey>),
    /// By a token that has to be fetched.
    Token(Login),
}

/// A key, and the header that carries it.
#[derive(Debug, Clone)]
pub(super) struct Key {
    header: HeaderName,
    prefix: &'static str,
    secret: Secret,
    /// The variables that it may have come from.
    variables: String,
}

/// Where a token is fetched.
#[derive(Debug, Clone)]
pub(super) enum Login {
    /// From Google.
    Google(GoogleLogin),
    /// From Microsoft Entra.
    Entra(EntraApp),
}

/// The variables that hold at an entry of the model list: its own, its key under the provider's name for it, and
/// the process's behind them.
pub(super) fn environment_of(
    spec: &ProviderSpec,
    environment: &Environment,
    target: &DeploymentTarget,
) -> Environment {
    let mut own: Vec<(String, String)> = target
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect();
    if let Some(key) = &target.api_key {
        let is_login = |name: &str| {
            [AWS_ACCESS_KEY_ID, AZURE_CLIENT_SECRET].contains(&name) || name.ends_with("_AD_TOKEN")
        };
        let names = &spec.auth.key_env;
        let plain = names.iter().find(|name| !is_login(name));
        // Every other name is blanked, so that the process's key cannot go before the entry's own.
        own.extend(names.iter().map(|name| (name.clone(), String::new())));
        if let Some(name) = plain.or(names.first()) {
            own.push((name.clone(), key.expose().to_owned()));
        }
    }
    environment.with(own)
}

/// Returns where the provider is called and as whom; a request's endpoint goes before the entry of the model list,
/// and that before the provider's own.
///
/// # Errors
/// `Authentication` when a key is needed and not set, `InvalidRequest` when a part of the address is; the message
/// names the variables to set.
pub(super) fn target(
    spec: &ProviderSpec,
    environment: &Environment,
    endpoint: Option<&Endpoint>,
    entry: Option<&DeploymentTarget>,
) -> Result<Target, LlmError> {
    let given = endpoint.and_then(|endpoint| endpoint.api_base.as_deref());
    let own = entry.and_then(|entry| entry.api_base.as_deref());
    if let Some(variable) = entry.and_then(|entry| entry.unset_key.as_deref())
        && !spec.keyless
    {
        let remedy = format!("no key: set {variable}");
        return Err(LlmError::new(
            LlmErrorKind::Authentication,
            &spec.id,
            remedy,
        ));
    }
    // An operator's own server may need no key, whatever its wire's usual provider does.
    let credential = match credential(spec, environment, endpoint) {
        Err(_) if given.is_none() && own.is_some() => Credential::None,
        found => found?,
    };
    let (base_url, reach) = match (given, own) {
        (Some(given), _) => (spec.completed(given), Reach::NotLinkLocal),
        (None, Some(own)) => (spec.completed(own), Reach::Anywhere),
        (None, None) => (
            spec.address(|name| environment.get(name).map(str::to_owned))
                .map_err(|missing| no_address(spec, &missing))?,
            Reach::Anywhere,
        ),
    };
    Ok(Target {
        base_url,
        reach,
        credential,
    })
}

/// The error of an address with a place that no variable fills.
pub(super) fn no_address(spec: &ProviderSpec, missing: &MissingVariable) -> LlmError {
    let whole = match spec.base_url_env.first() {
        Some(variable) => format!(", or the whole address in {variable}"),
        None => String::new(),
    };
    let message = format!("its address is not known: {missing}{whole}");
    LlmError::new(LlmErrorKind::InvalidRequest, &spec.id, message)
}

fn credential(
    spec: &ProviderSpec,
    environment: &Environment,
    endpoint: Option<&Endpoint>,
) -> Result<Credential, LlmError> {
    let missing = |remedy: String| LlmError::new(LlmErrorKind::Authentication, &spec.id, remedy);
    let asked = endpoint.and_then(|endpoint| endpoint.api_key_env_var.as_deref());
    let found = match asked {
        Some(variable) => match environment.get(variable) {
            Some(value) => Some((variable, value)),
            None => return Err(missing(format!("no key: set {variable}"))),
        },
        None => environment.first_of(&spec.auth.key_env),
    };
    let Some((variable, value)) = found else {
        return match spec.auth.scheme {
            AuthScheme::Google => Ok(Credential::Token(Login::Google(GoogleLogin::found(
                environment,
            )))),
            AuthScheme::None => Ok(Credential::None),
            _ if spec.keyless => Ok(Credential::None),
            AuthScheme::Bearer | AuthScheme::Header(_) | AuthScheme::Aws | AuthScheme::Azure => {
                let names = spec.auth.key_env.join(" or ");
                Err(missing(format!("no key: set {names}")))
            }
        };
    };
    let key = |header, prefix| {
        Credential::Key(Key {
            header,
            prefix,
            secret: Secret::new(value),
            variables: spec.auth.key_env.join(" or "),
        })
    };
    Ok(match &spec.auth.scheme {
        AuthScheme::None => Credential::None,
        AuthScheme::Bearer => key(AUTHORIZATION, "Bearer "),
        AuthScheme::Header(name) => key(header_name(spec, name)?, ""),
        AuthScheme::Aws if variable == AWS_ACCESS_KEY_ID => {
            let access_key = access_key(environment, value);
            let access_key = access_key.map_err(|name| missing(format!("set {name}")))?;
            Credential::Signature(Box::new(access_key))
        }
        AuthScheme::Aws => key(AUTHORIZATION, "Bearer "),
        AuthScheme::Google if is_login(variable, value) => {
            Credential::Token(Login::Google(GoogleLogin::of(value)))
        }
        AuthScheme::Google => key(AUTHORIZATION, "Bearer "),
        AuthScheme::Azure if variable == AZURE_CLIENT_SECRET => {
            let app = EntraApp::from_environment(environment, value);
            let app = app.map_err(|name| missing(format!("set {name}")))?;
            Credential::Token(Login::Entra(app))
        }
        AuthScheme::Azure if variable.ends_with("_AD_TOKEN") => key(AUTHORIZATION, "Bearer "),
        AuthScheme::Azure => key(HeaderName::from_static("api-key"), ""),
    })
}

/// Google's variables hold a login (its JSON, or a file's path) or, by their name, a token.
fn is_login(variable: &str, value: &str) -> bool {
    value.starts_with('{') || !variable.ends_with("_TOKEN")
}

fn access_key(environment: &Environment, id: &str) -> Result<AccessKey, &'static str> {
    let secret = environment.get("AWS_SECRET_ACCESS_KEY");
    let regions = ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"];
    let region = regions.iter().find_map(|name| environment.get(name));
    Ok(AccessKey {
        id: id.to_owned(),
        secret: Secret::new(secret.ok_or("AWS_SECRET_ACCESS_KEY")?),
        session_token: environment.get("AWS_SESSION_TOKEN").map(Secret::new),
        region: region.ok_or("AWS_REGION")?.to_owned(),
        service: "bedrock",
    })
}

/// Returns the headers of a call, but for those of its credential.
///
/// # Errors
/// `InvalidRequest` when a header of the provider's file is none.
pub(super) fn headers(
    spec: &ProviderSpec,
    entry: Option<&DeploymentTarget>,
) -> Result<HeaderMap, LlmError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("agon/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &spec.headers {
        headers.insert(header_name(spec, name)?, header_value(spec, name, value)?);
    }
    for (name, value) in entry.iter().flat_map(|entry| &entry.headers) {
        let value = sensitive(value.expose()).ok_or_else(|| bad_header(spec, name))?;
        headers.insert(header_name(spec, name)?, value);
    }
    Ok(headers)
}

impl Key {
    /// What its header says; `None` when the key holds a character that no header may.
    fn value(&self) -> Option<HeaderValue> {
        sensitive(&format!("{}{}", self.prefix, self.secret.expose()))
    }

    /// `true` when a header says it.
    fn is_in(&self, value: &HeaderValue) -> bool {
        let rest = value.as_bytes().strip_prefix(self.prefix.as_bytes());
        rest == Some(self.secret.expose().as_bytes())
    }
}

impl Credential {
    /// Puts a key into the headers of all calls to a place, so that no call has to. Another credential, and a key
    /// that cannot be sent, are left to [`Self::apply`].
    pub(super) fn settle(&self, headers: &mut HeaderMap) {
        if let Self::Key(key) = self
            && let Some(value) = key.value()
        {
            headers.insert(key.header.clone(), value);
        }
    }

    /// The key, where it is one.
    pub(super) fn key(&self) -> Option<&Secret> {
        match self {
            Self::Key(key) => Some(&key.secret),
            Self::None | Self::Signature(_) | Self::Token(_) => None,
        }
    }

    /// Puts the credential into the headers of what is sent, marked sensitive, so that no log shows it. Gives
    /// back what has to be hidden in the provider's words.
    ///
    /// # Errors
    /// `Authentication` when the key holds a character that no header may, or a login gives no token.
    pub(super) async fn apply(
        &self,
        outgoing: &mut Outgoing,
        tokens: &Tokens,
        side: &SideCall<'_>,
    ) -> Result<Option<Secret>, LlmError> {
        match self {
            Self::None => Ok(None),
            Self::Key(key) => {
                // A lane's headers have it already.
                if !outgoing
                    .headers
                    .get(&key.header)
                    .is_some_and(|it| key.is_in(it))
                {
                    let value = key.value().ok_or_else(|| {
                        side.refused(format!(
                            "the key in {} holds a character that cannot be sent: copy it again",
                            key.variables
                        ))
                    })?;
                    Arc::make_mut(&mut outgoing.headers).insert(key.header.clone(), value);
                }
                Ok(Some(key.secret.clone()))
            }
            Self::Signature(access_key) => {
                let request = Signable {
                    method: &Method::POST,
                    url: &outgoing.url,
                    body: &outgoing.body,
                };
                let headers = Arc::make_mut(&mut outgoing.headers);
                let signed = access_key.sign(&request, side.now_ms, headers);
                signed.ok_or_else(|| {
                    side.refused("the AWS access key holds a character that cannot be sent")
                })?;
                Ok(access_key.session_token.clone())
            }
            Self::Token(login) => {
                let name = login.name();
                let token = tokens.get(&name, async || login.token(side).await).await?;
                let value = sensitive(&format!("Bearer {}", token.expose()))
                    .ok_or_else(|| side.refused("the access token cannot be sent"))?;
                Arc::make_mut(&mut outgoing.headers).insert(AUTHORIZATION, value);
                Ok(Some(token))
            }
        }
    }

    /// Forgets the token that a provider refused; `true` when it is worth another try with a new one.
    pub(super) fn forget(&self, tokens: &Tokens, refused: Option<&Secret>) -> bool {
        match (self, refused) {
            (Self::Token(login), Some(refused)) => {
                tokens.forget(&login.name(), refused);
                true
            }
            (Self::None | Self::Key(_) | Self::Signature(_) | Self::Token(_), _) => false,
        }
    }

    /// Names the headers that it fills, with `***` for their values: for people who want to see what is sent.
    pub(super) fn masked(&self, headers: &mut HeaderMap) {
        let mask = HeaderValue::from_static("***");
        match self {
            Self::None => {}
            Self::Key(key) => {
                let value = HeaderValue::from_str(&format!("{}***", key.prefix));
                headers.insert(key.header.clone(), value.unwrap_or(mask));
            }
            Self::Token(_) => {
                headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer ***"));
            }
            Self::Signature(access_key) => {
                let value = HeaderValue::from_static("AWS4-HMAC-SHA256 ***");
                headers.insert(AUTHORIZATION, value);
                headers.insert("x-amz-date", mask.clone());
                if access_key.session_token.is_some() {
                    headers.insert("x-amz-security-token", mask);
                }
            }
        }
    }
}

impl Login {
    fn name(&self) -> String {
        match self {
            Self::Google(login) => login.login(),
            Self::Entra(app) => app.login(),
        }
    }

    async fn token(&self, side: &SideCall<'_>) -> Result<Token, LlmError> {
        match self {
            Self::Google(login) => login.token(side).await,
            Self::Entra(app) => app.token(side).await,
        }
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn header_name(spec: &ProviderSpec, name: &str) -> Result<HeaderName, LlmError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_header(spec, name))
}

fn header_value(spec: &ProviderSpec, name: &str, value: &str) -> Result<HeaderValue, LlmError> {
    HeaderValue::from_str(value).map_err(|_| bad_header(spec, name))
}

fn bad_header(spec: &ProviderSpec, name: &str) -> LlmError {
    let message =
        format!("the header \"{name}\" of the provider's file or the model list cannot be sent");
    LlmError::new(LlmErrorKind::InvalidRequest, &spec.id, message)
}

/// The text without the key, wherever a provider repeats it.
pub(super) fn without_key(text: &[u8], key: Option<&Secret>) -> Vec<u8> {
    let hidden = key.map(Secret::expose).unwrap_or_default();
    // A key of a few letters is a placeholder such as "x" or "ollama": hiding it would only garble words.
    if hidden.len() < 8 {
        return text.to_vec();
    }
    String::from_utf8_lossy(text)
        .replace(hidden, "***")
        .into_bytes()
}

#[cfg(test)]
mod tests;
