//! Another address or credential than a provider's own.

use serde::Deserialize;
use serde::Serialize;

/// Where to call instead of the provider's usual address, and with which key. Checked against the
/// operator's rules when it enters; the layers below trust it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base: Option<String>,
    /// The environment variable that holds the key; one of those that the provider declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env_var: Option<String>,
}
