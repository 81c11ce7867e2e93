//! Addresses of servers as people write them.

/// Completes a server's address as people write it, such as `OLLAMA_HOST=0.0.0.0:11434`.
///
/// What `raw` leaves out comes from `usual`, the provider's own base URL. Without a scheme, that is
/// the scheme, the port and the path; with a scheme, `raw` is a whole address and keeps the scheme's
/// own port. An address to listen at (`0.0.0.0`, `[::]`, none) becomes the loopback one, because
/// nobody can call it. There is no slash at the end.
pub fn normalise_base_url(raw: &str, usual: &str) -> String {
    // Some readers of .env files leave the quotes in.
    let raw = raw.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let usual = Address::split(usual);
    let given = Address::split(raw);
    let whole = given.scheme.is_some();
    let scheme = given.scheme.or(usual.scheme).unwrap_or("http");
    let port = match given.port {
        None if !whole => usual.port,
        port => port,
    };
    let path = match given.path {
        "" if !whole => usual.path,
        path => path,
    };
    let host = match given.host {
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        bare if bare.contains(':') && !bare.starts_with('[') => format!("[{bare}]"),
        host => host.to_owned(),
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}{path}")
}

/// The parts of an address; a part that is not there is `None` or empty.
struct Address<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
}

impl<'a> Address<'a> {
    fn split(text: &'a str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority);
        Self {
            scheme,
            host,
            port,
            path: path.trim_end_matches('/'),
        }
    }
}

/// Splits `host:port`; an IPv6 address keeps its colons.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let bare_ipv6 = !authority.starts_with('[') && authority.matches(':').count() > 1;
    match authority.rsplit_once(':') {
        Some((host, port)) if !bare_ipv6 && !port.contains(']') => {
            (host, (!port.is_empty()).then_some(port))
        }
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLLAMA: &str = "http://127.0.0.1:11434";
    const VLLM: &str = "http://127.0.0.1:8000/v1";

    #[test]
    fn what_is_left_out_comes_from_the_usual_address() {
        for (raw, usual, wanted) in [
            ("gpu-box", OLLAMA, "http://gpu-box:11434"),
            ("gpu-box:9999", OLLAMA, "http://gpu-box:9999"),
            ("gpu-box:9999/", VLLM, "http://gpu-box:9999/v1"),
            ("gpu-box/llm", VLLM, "http://gpu-box:8000/llm"),
            (":9999", OLLAMA, "http://127.0.0.1:9999"),
        ] {
            assert_eq!(normalise_base_url(raw, usual), wanted, "{raw}");
        }
    }

    #[test]
    fn a_whole_address_stays_as_it_is_but_for_the_slash() {
        for (raw, wanted) in [
            ("https://llm.example.com", "https://llm.example.com"),
            ("http://gpu-box:11434/", "http://gpu-box:11434"),
            ("https://example.com/ollama/", "https://example.com/ollama"),
            (" \"http://gpu-box:1\" ", "http://gpu-box:1"),
        ] {
            assert_eq!(normalise_base_url(raw, OLLAMA), wanted, "{raw}");
        }
    }

    #[test]
    fn an_address_to_listen_at_becomes_one_to_call() {
        for (raw, wanted) in [
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"),
            ("::", "http://[::1]:11434"),
            ("fe80::1", "http://[fe80::1]:11434"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(normalise_base_url(raw, OLLAMA), wanted, "{raw}");
        }
    }
}
