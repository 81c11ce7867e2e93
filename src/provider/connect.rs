//! How connections to providers are opened: TLS, the time limit, and the addresses that are never called.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http::Uri;
use hyper_rustls::ConfigBuilderExt;
use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::dns::Name;
use rustls::ClientConfig;
use rustls::RootCertStore;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Which addresses a call may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// Any: the operator wrote the address.
    Anywhere,
    /// Any but link-local and metadata ones: a caller wrote the address.
    NotLinkLocal,
}

/// Why no connection could be opened, where the cause is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConnectRefused {
    /// It took too long.
    TimedOut,
    /// The name leads only to addresses that this call may not reach.
    Forbidden,
}

impl fmt::Display for ConnectRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "connecting took too long",
            Self::Forbidden => "link-local and metadata addresses are not called",
        })
    }
}

impl std::error::Error for ConnectRefused {}

/// Opens connections with a limit on the whole of resolving, connecting and TLS.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    limit: Duration,
    reach: Reach,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, limit: Duration, reach: Reach) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver {
            system: GaiResolver::new(),
            reach,
        });
        http.set_nodelay(true);
        http.enforce_http(false);
        http.set_keepalive(Some(Duration::from_secs(60)));
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        Self {
            inner,
            limit,
            reach,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector<Resolver>> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        // The resolver is not asked about a host that is an address already.
        let literal = to.host().and_then(literal_address);
        if self.reach == Reach::NotLinkLocal && literal.is_some_and(is_link_local) {
            return Box::pin(async { Err(ConnectRefused::Forbidden.into()) });
        }
        let opening = self.inner.call(to);
        let limit = self.limit;
        Box::pin(async move {
            match tokio::time::timeout(limit, opening).await {
                Ok(opened) => opened,
                Err(_) => Err(ConnectRefused::TimedOut.into()),
            }
        })
    }
}

/// Resolves names, leaving out the addresses that the call may not reach.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    reach: Reach,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<Self::Response, io::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.system.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.system.call(name);
        let reach = self.reach;
        Box::pin(async move { reachable(resolving.await?.collect(), reach) })
    }
}

fn reachable(
    found: Vec<SocketAddr>,
    reach: Reach,
) -> Result<std::vec::IntoIter<SocketAddr>, io::Error> {
    let had_any = !found.is_empty();
    let kept: Vec<_> = match reach {
        Reach::Anywhere => found,
        Reach::NotLinkLocal => found
            .into_iter()
            .filter(|address| !is_link_local(address.ip()))
            .collect(),
    };
    if kept.is_empty() && had_any {
        return Err(io::Error::other(ConnectRefused::Forbidden));
    }
    Ok(kept.into_iter())
}

fn literal_address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// `true` for link-local addresses and for those at which clouds hand out credentials.
///
/// AWS, Azure and Google use 169.254.169.254, AWS also `fd00:ec2::254`, Alibaba 100.100.100.200 (their
/// documentation, read 2026-11-20). An IPv4 address in IPv6 clothes is what it is inside.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    const AWS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4 == ALIBABA,
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6 == AWS_V6 || nat64(v6).is_some_and(is_link_local)
        }
    }
}

/// The IPv4 address behind the well-known NAT64 prefix, `64:ff9b::/96`.
fn nat64(v6: Ipv6Addr) -> Option<IpAddr> {
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let prefixed = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let bits = u32::from(high) << 16 | u32::from(low);
    prefixed.then(|| IpAddr::V4(Ipv4Addr::from(bits)))
}

/// Returns the TLS settings with the machine's own root certificates.
///
/// Without any, plain HTTP to local servers still works, so that is a warning and not a failure.
///
/// # Errors
/// When the crypto provider supports none of the protocol versions.
pub fn tls_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versioned = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
    };
    let config = match versioned()?.with_native_roots() {
        Ok(rooted) => rooted.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "no root certificates found, so https calls will fail: install ca-certificates");
            versioned()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_link_local_addresses_are_known_in_every_spelling() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "fe80::1",
            "100.100.100.200",
        ] {
            assert!(is_link_local(text.parse().unwrap()), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.0.0.7",
            "192.168.1.4",
            "::1",
            "8.8.8.8",
            "fd00::1",
        ] {
            assert!(!is_link_local(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_name_that_leads_only_to_forbidden_addresses_is_refused() {
        let metadata: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let public: SocketAddr = "93.184.216.34:80".parse().unwrap();
        let refused = reachable(vec![metadata], Reach::NotLinkLocal).unwrap_err();
        assert!(refused.to_string().contains("metadata"));
        let kept: Vec<_> = reachable(vec![metadata, public], Reach::NotLinkLocal)
            .unwrap()
            .collect();
        assert_eq!(kept, [public]);
        assert_eq!(reachable(vec![metadata], Reach::Anywhere).unwrap().len(), 1);
    }
}
