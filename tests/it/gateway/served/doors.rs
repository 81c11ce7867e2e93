//! Who comes in, and with which header.

use agon::http::GatewayConfig;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Gateway;
use super::MASTER;
use super::bearer;
use super::hear;
use crate::support::http_client;

#[tokio::test]
async fn the_key_may_come_in_every_header_that_litellm_takes() {
    let gateway = Gateway::with_list(Vec::new()).await;
    let key = bearer();
    for (name, value) in [
        ("x-litellm-api-key", MASTER),
        ("x-litellm-api-key", &key),
        ("authorization", &key),
        ("authorization", MASTER),
        ("api-key", MASTER),
        ("x-api-key", MASTER),
        ("x-goog-api-key", MASTER),
        ("ocp-apim-subscription-key", MASTER),
    ] {
        let request = http_client().get(gateway.url("/v1/models"));
        let heard = hear(request.header(name, value)).await;
        assert_eq!(heard.status, 200, "{name}: {}", heard.text);
    }
    let google = http_client().post(gateway.url(&format!(
        "/v1beta/models/demo/echo:generateContent?key={MASTER}"
    )));
    let heard = hear(google.body(r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#)).await;
    assert_ne!(heard.status, 401, "{}", heard.text);
    // The first header of the order counts, whatever the others hold.
    let request = http_client().get(gateway.url("/v1/models"));
    let request = request
        .header("x-litellm-api-key", "wrong")
        .header("authorization", &key);
    assert_eq!(hear(request).await.status, 401);
}

#[tokio::test]
async fn a_header_of_the_operators_own_takes_the_place_of_the_others() {
    let gateway = Gateway::with_list(Vec::new()).await;
    gateway.set(&GatewayConfig {
        key_header: Some("X-Team-Key".to_owned()),
        ..GatewayConfig::default()
    });
    let get = |name: &'static str| {
        http_client()
            .get(gateway.url("/v1/models"))
            .header(name, bearer())
    };
    assert_eq!(hear(get("x-team-key")).await.status, 200);
    assert_eq!(hear(get("authorization")).await.status, 401);
}

#[tokio::test]
async fn without_the_key_only_health_is_told_and_no_error_repeats_a_key() {
    let gateway = Gateway::with_list(Vec::new()).await;
    for path in [
        "/health",
        "/health/liveliness",
        "/health/liveness",
        "/health/readiness",
        "/api/version",
        "/",
    ] {
        let heard = hear(http_client().get(gateway.url(path))).await;
        assert_eq!(heard.status, 200, "{path}: {}", heard.text);
    }
    for path in [
        "/v1/models",
        "/models",
        "/model/info",
        "/v1/model/info",
        "/model_group/info",
        "/routes",
        "/metrics",
        "/llm/models",
        "/api/v1/llm/models",
        "/api/v1/models",
        "/api/tags",
        "/api/ps",
        "/v1beta/models",
        "/api/v1/route/x",
    ] {
        for key in [None, Some("sk-wrong-0000")] {
            let mut request = http_client().get(gateway.url(path));
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let heard = hear(request).await;
            assert_eq!(heard.status, 401, "{path}: {}", heard.text);
            assert!(!heard.text.contains("sk-wrong"), "{}", heard.text);
            assert_eq!(heard.header("www-authenticate"), Some("Bearer"));
        }
    }
    gateway.set(&GatewayConfig {
        open_metrics: true,
        ..GatewayConfig::default()
    });
    let heard = hear(http_client().get(gateway.url("/metrics"))).await;
    assert_eq!(heard.status, 200);
}

#[tokio::test]
async fn who_is_refused_may_finish_sending_and_then_reads_why() {
    let gateway = Gateway::with_list(Vec::new()).await;
    let address = gateway.base.trim_start_matches("http://").to_owned();
    let length = 12 << 20;
    for (path, key, wanted) in [
        ("/v1/chat/completions", "wrong", "HTTP/1.1 401"),
        ("/v1/audio/transcriptions", MASTER, "HTTP/1.1 404"),
        ("/api/v1/debates", "wrong", "HTTP/1.1 401"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: agon\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let body = vec![b'x'; length];
        socket.write_all(&body).await.expect(path);
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.expect(path);
        assert_eq!(std::str::from_utf8(&answer).unwrap(), wanted, "{path}");
    }
}
