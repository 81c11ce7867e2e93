//! What tests of the whole program share: the running server, a real upstream, a watcher of debates.

pub(crate) mod agon;
pub(crate) mod command;
pub(crate) mod llama;
pub(crate) mod process;
pub(crate) mod upstream;
pub(crate) mod ws;

/// A client for calls to servers on this machine.
pub(crate) fn http_client() -> reqwest::Client {
    // An error means that another test has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .expect("the settings above are valid")
}
