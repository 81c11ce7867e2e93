//! Access tokens that are fetched, kept, and fetched anew before they expire.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::LlmError;
use crate::types::Secret;

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(300);
/// Most logins that are remembered; operators have a handful.
const MAX_LOGINS: usize = 256;

/// A token, and until when it is good.
#[derive(Debug, Clone)]
pub(in crate::provider) struct Token {
    pub(super) secret: Secret,
    pub(super) expires_at: Instant,
}

/// The tokens of all logins of this process.
#[derive(Debug, Default)]
pub(in crate::provider) struct Tokens {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The token of one login.
#[derive(Debug, Default)]
struct Slot {
    token: Mutex<Option<Token>>,
    /// Whose turn it is to fetch: one at a time, the others wait or go on with the old token.
    turn: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// Returns the login's token, fetched by `fetch` when there is none or it ends within five minutes. While
    /// one caller fetches, others use the old token as long as it is good, else wait.
    ///
    /// # Errors
    /// What `fetch` says, when there is no good token either.
    pub(super) async fn get(
        &self,
        login: &str,
        fetch: impl AsyncFnOnce() -> Result<Token, LlmError>,
    ) -> Result<Secret, LlmError> {
        let slot = self.slot(login);
        let held = slot.held();
        if let Some(token) = held.as_ref().filter(|token| token.lasts(EARLY)) {
            return Ok(token.secret.clone());
        }
        let good = held.filter(|token| token.lasts(Duration::ZERO));
        let _turn = match (slot.turn.try_lock(), &good) {
            (Ok(turn), _) => turn,
            (Err(_), Some(token)) => return Ok(token.secret.clone()),
            (Err(_), None) => slot.turn.lock().await,
        };
        // Another caller may have fetched while this one waited for its turn.
        if let Some(token) = slot.held().filter(|token| token.lasts(EARLY)) {
            return Ok(token.secret);
        }
        match (fetch().await, good) {
            (Ok(token), _) => {
                *slot.lock() = Some(token.clone());
                Ok(token.secret)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(target: "agon::llm", %error, "a token could not be renewed yet; the old one is used");
                Ok(old.secret)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Forgets a token that a provider refused, unless it has been replaced already.
    pub(super) fn forget(&self, login: &str, refused: &Secret) {
        let slot = self.slot(login);
        let mut held = slot.lock();
        if held
            .as_ref()
            .is_some_and(|token| token.secret.expose() == refused.expose())
        {
            *held = None;
        }
    }

    fn slot(&self, login: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_LOGINS && !slots.contains_key(login) {
            slots.clear();
        }
        Arc::clone(slots.entry(login.to_owned()).or_default())
    }
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> Option<Token> {
        self.lock().clone()
    }
}

impl Token {
    /// A token that is good for so many seconds from now.
    pub(super) fn lasting(secret: &str, seconds: u64) -> Self {
        Self {
            secret: Secret::new(secret),
            expires_at: Instant::now() + Duration::from_secs(seconds),
        }
    }

    fn lasts(&self, span: Duration) -> bool {
        self.expires_at > Instant::now() + span
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::client::LlmErrorKind;

    /// A token endpoint that counts.
    #[derive(Default)]
    struct Endpoint(AtomicU32);

    impl Endpoint {
        async fn token(&self) -> Result<Token, LlmError> {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Token::lasting(&format!("token-{number}"), 3600))
        }
    }

    async fn get(tokens: &Tokens, endpoint: &Endpoint) -> String {
        let token = tokens.get("login", async || endpoint.token().await).await;
        token.unwrap().expose().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_and_replaced_five_minutes_before_its_end() {
        let (tokens, endpoint) = (Tokens::default(), Endpoint::default());
        assert_eq!(get(&tokens, &endpoint).await, "token-1");
        tokio::time::advance(Duration::from_secs(3600 - 310)).await;
        assert_eq!(get(&tokens, &endpoint).await, "token-1");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(get(&tokens, &endpoint).await, "token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_fetch_once() {
        let (tokens, endpoint) = (Tokens::default(), Endpoint::default());
        let all = (0..20).map(|_| get(&tokens, &endpoint));
        let got = futures::future::join_all(all).await;
        assert!(got.iter().all(|token| token == "token-1"), "{got:?}");
        assert_eq!(endpoint.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_renews_the_others_go_on_with_the_old_token() {
        let (tokens, endpoint) = (Tokens::default(), Endpoint::default());
        get(&tokens, &endpoint).await;
        tokio::time::advance(Duration::from_secs(3500)).await;
        let both = tokio::join!(get(&tokens, &endpoint), get(&tokens, &endpoint));
        assert_eq!(both, ("token-2".to_owned(), "token-1".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_leaves_the_old_token_until_its_end() {
        let (tokens, endpoint) = (Tokens::default(), Endpoint::default());
        get(&tokens, &endpoint).await;
        let down = async || Err(LlmError::new(LlmErrorKind::ConnectionFailed, "x", "down"));
        tokio::time::advance(Duration::from_secs(3500)).await;
        assert_eq!(tokens.get("login", down).await.unwrap().expose(), "token-1");
        tokio::time::advance(Duration::from_secs(200)).await;
        assert!(tokens.get("login", down).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_forgotten_once() {
        let (tokens, endpoint) = (Tokens::default(), Endpoint::default());
        let first = Secret::new(get(&tokens, &endpoint).await);
        tokens.forget("login", &first);
        assert_eq!(get(&tokens, &endpoint).await, "token-2");
        tokens.forget("login", &first);
        assert_eq!(get(&tokens, &endpoint).await, "token-2");
    }
}
