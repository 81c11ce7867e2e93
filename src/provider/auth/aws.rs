//! Amazon's Signature Version 4, as its documentation has it ("Create a signed AWS API request", read 2026-11-24).
//!
//! The aws-sigv4 crate brings twenty others for what is four keyed hashes; the hashes come from ring, which TLS
//! uses already.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::header::AUTHORIZATION;
use ring::digest;
use ring::hmac;

use crate::types::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// An access key, and what it signs for.
#[derive(Debug, Clone)]
pub(in crate::provider) struct AccessKey {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// Of a temporary key.
    pub(super) session_token: Option<Secret>,
    pub(super) region: String,
    pub(super) service: &'static str,
}

/// What is signed.
pub(super) struct Signable<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Uri,
    pub(super) body: &'a [u8],
}

impl AccessKey {
    /// Adds the date, the session's token and the signature to the headers; all that are there already are
    /// signed with them, but for those that intermediaries change. `None` when something cannot be a header.
    pub(super) fn sign(
        &self,
        request: &Signable<'_>,
        now_ms: u64,
        headers: &mut HeaderMap,
    ) -> Option<()> {
        let now = time_stamp(now_ms)?;
        headers.insert(DATE, HeaderValue::from_str(&now).ok()?);
        if let Some(token) = &self.session_token {
            headers.insert(TOKEN, sensitive(token.expose())?);
        }
        let (names, canonical) = canonical(request, headers)?;
        let day = &now[..8];
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!(
            "{ALGORITHM}\n{now}\n{scope}\n{}",
            sha256(canonical.as_bytes())
        );
        let signature = hex(hmac::sign(&self.signing_key(day), to_sign.as_bytes()).as_ref());
        let header = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.id
        );
        headers.insert(AUTHORIZATION, sensitive(&header)?);
        Some(())
    }

    fn signing_key(&self, day: &str) -> hmac::Key {
        let secret = format!("AWS4{}", self.secret.expose());
        let first = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let parts = [day, &self.region, self.service, "aws4_request"];
        parts.iter().fold(first, |key, part| {
            let next = hmac::sign(&key, part.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, next.as_ref())
        })
    }
}

/// The names of the signed headers, and the canonical request.
fn canonical(request: &Signable<'_>, headers: &HeaderMap) -> Option<(String, String)> {
    let host = request.url.authority()?.as_str().to_owned();
    let mut signed = BTreeMap::from([("host", host)]);
    for (name, value) in headers {
        if !matches!(name.as_str(), "authorization" | "user-agent") {
            let value = value.to_str().ok()?;
            let words: Vec<&str> = value.split_whitespace().collect();
            signed.insert(name.as_str(), words.join(" "));
        }
    }
    let names = Vec::from_iter(signed.keys().copied()).join(";");
    let lines = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"));
    let lines: String = lines.collect();
    let mut query: Vec<&str> = request.url.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        request.method,
        canonical_path(request.url.path()),
        query.join("&"),
        sha256(request.body)
    );
    Some((names, canonical))
}

/// Each segment is encoded once more than it is sent, as every service but S3 wants it.
fn canonical_path(path: &str) -> String {
    let mut canonical = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                canonical.push(char::from(byte))
            }
            other => canonical.push_str(&format!("%{other:02X}")),
        }
    }
    canonical
}

/// A moment as `20150830T123600Z`.
fn time_stamp(now_ms: u64) -> Option<String> {
    let now = jiff::Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?;
    Some(now.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 August 2015, 12:36:00 UTC, the moment of Amazon's examples.
    const THEN_MS: u64 = 1_440_938_160_000;

    /// The key of Amazon's published test suite.
    fn key(service: &'static str) -> AccessKey {
        AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".to_owned(),
            service,
        }
    }

    fn signed(method: &Method, url: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let url: Uri = url.parse().unwrap();
        let request = Signable {
            method,
            url: &url,
            body: b"",
        };
        key("service").sign(&request, THEN_MS, &mut map).unwrap();
        map["authorization"].to_str().unwrap().to_owned()
    }

    // `get-vanilla` and `get-vanilla-query-order-key-case` of Amazon's Signature Version 4 test suite, which the
    // SDKs carry (botocore, tests/unit/auth/aws4_testsuite).
    #[test]
    fn the_plain_request_of_amazons_test_suite_has_its_signature() {
        assert_eq!(
            signed(&Method::GET, "https://example.amazonaws.com/", &[]),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        let query = "https://example.amazonaws.com/?Param2=value2&Param1=value1";
        assert!(signed(&Method::GET, query, &[]).ends_with(
            "Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ));
    }

    // The worked example of "Create a signed AWS API request" (IAM, ListUsers).
    #[test]
    fn the_worked_example_of_the_documentation_has_its_signing_key_and_signature() {
        let key = key("iam");
        let url: Uri = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
            .parse()
            .unwrap();
        let mut headers = HeaderMap::new();
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        headers.insert("content-type", form.parse().unwrap());
        let request = Signable {
            method: &Method::GET,
            url: &url,
            body: b"",
        };
        key.sign(&request, THEN_MS, &mut headers).unwrap();
        assert!(headers["authorization"].to_str().unwrap().ends_with(
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        ));
    }

    #[test]
    fn a_path_is_encoded_once_more_than_it_is_sent() {
        let sent = "/model/us.anthropic.claude-v1%3A0/converse";
        let wanted = "/model/us.anthropic.claude-v1%253A0/converse";
        assert_eq!(canonical_path(sent), wanted);
    }

    #[test]
    fn a_temporary_key_brings_its_token_and_nothing_secret_is_printed() {
        let key = AccessKey {
            session_token: Some(Secret::new("session-token-value")),
            ..key("bedrock")
        };
        let url: Uri = "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse"
            .parse()
            .unwrap();
        let mut headers = HeaderMap::new();
        let request = Signable {
            method: &Method::POST,
            url: &url,
            body: b"{}",
        };
        key.sign(&request, THEN_MS, &mut headers).unwrap();
        assert_eq!(headers["x-amz-security-token"], "session-token-value");
        let authorization = headers["authorization"].to_str().unwrap();
        let names = "SignedHeaders=host;x-amz-date;x-amz-security-token";
        assert!(authorization.contains(names), "{authorization}");
        let shown = format!("{headers:?} {key:?}");
        assert!(
            !shown.contains("session-token") && !shown.contains("wJalr"),
            "{shown}"
        );
    }
}
