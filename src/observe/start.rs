//! Starts whoever shall be told of calls.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use super::ObserveConfig;
use super::callbacks::Sees;
use super::callbacks::wanted;
use super::courier::Form;
use super::courier::Outlet;
use super::exporter::Exporter;
use super::exporter::Running;
use super::langfuse::Langfuse;
use super::otlp::Dialect;
use super::otlp::Otlp;
use super::scrub::Scrubber;
use super::sentry;
use super::sentry::Project;
use super::tracer::Tracer;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::metrics::Metrics;
use crate::provider::Environment;
use crate::provider::Transport;
use crate::types::ContentLevel;

/// How long the last records have when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// For one attempt to post; OpenTelemetry's default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The collector that runs beside most programs.
const LOCAL_COLLECTOR: &str = "http://localhost:4318";

/// What observing is made of.
#[derive(Debug)]
pub struct ObservingParts<'a> {
    /// Who shall be told.
    pub config: &'a ObserveConfig,
    /// Addresses and keys.
    pub environment: &'a Environment,
    /// Where losses are counted.
    pub metrics: &'a Metrics,
    /// The TLS settings.
    pub transport: &'a Transport,
    /// What must not leave the process.
    pub scrubber: &'a Scrubber,
    /// How much of what is asked and answered may.
    pub content: ContentLevel,
}

/// Whoever is told of calls, and the tasks that tell them.
pub struct Observing {
    observers: Vec<Arc<dyn Observer>>,
    running: Vec<Running>,
    tracer: Tracer,
}

impl std::fmt::Debug for Observing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} exports", self.running.len())
    }
}

impl Observing {
    /// Starts telling everybody that the configuration and the environment name. What is missing or unknown is a
    /// warning, never a reason not to start.
    pub fn start(parts: &ObservingParts<'_>) -> Self {
        let wanted = wanted(parts.config);
        let mut warnings = wanted.warnings;
        let environment = parts.environment;
        let config = parts.config;
        let tracer = Tracer::new(environment, config.sample_ratio, config.forward_traceparent);
        let mut observing = Self {
            observers: Vec::new(),
            running: Vec::new(),
            tracer: tracer.unheard(),
        };
        let is_named = wanted.otel != Sees::default();
        if let Some(url) = traces_url(environment, is_named, &mut warnings) {
            let sees = if is_named { wanted.otel } else { Sees::ALL };
            let outlet = outlet(parts, "otlp", url, otlp(parts, Dialect::Plain));
            let outlet = outlet.map(|outlet| Outlet {
                headers: with_headers(outlet.headers, environment, &mut warnings),
                timeout: otlp_timeout(environment),
                ..outlet
            });
            observing.tracer = tracer;
            observing.add(parts, outlet, (sees, tracer.ratio()), &mut warnings);
        }
        if wanted.langfuse != Sees::default() {
            let outlet = langfuse(parts);
            let ratio = ratio(environment, "LANGFUSE_SAMPLE_RATE");
            observing.add(parts, outlet, (wanted.langfuse, ratio), &mut warnings);
        }
        if wanted.sentry != Sees::default() {
            let outlet = sentry(parts);
            let ratio = ratio(environment, "SENTRY_API_SAMPLE_RATE");
            observing.add(parts, outlet, (wanted.sentry, ratio), &mut warnings);
        }
        for warning in warnings {
            tracing::warn!(target: "agon::observe", "{warning}");
        }
        observing
    }

    /// Whoever is told of calls.
    pub fn observers(&self) -> Vec<Arc<dyn Observer>> {
        self.observers.clone()
    }

    /// Gives calls their places in traces.
    pub fn tracer(&self) -> Tracer {
        self.tracer
    }

    /// Sends what there is, and ends.
    pub async fn close(self) {
        let closing = self.running.into_iter();
        futures::future::join_all(closing.map(|running| running.close(LAST_WORDS))).await;
    }

    fn add(
        &mut self,
        parts: &ObservingParts<'_>,
        outlet: Result<Outlet, String>,
        seen: (Sees, f64),
        warnings: &mut Vec<String>,
    ) {
        match outlet {
            Ok(outlet) => {
                let figures = parts.metrics.export(outlet.name);
                let is_sentry = outlet.name == "sentry";
                let (exporter, running) = Exporter::start(outlet, seen, figures);
                self.running.push(running);
                self.observers.push(match is_sentry {
                    true => Arc::new(Failures(exporter)),
                    false => Arc::new(exporter),
                });
            }
            Err(warning) => warnings.push(warning),
        }
    }
}

/// Does not tell of callers who left.
struct Failures(Exporter);

impl Observer for Failures {
    fn call_finished(&self, record: &Arc<CallRecord>) {
        if !sentry::is_no_failure(record) {
            self.0.call_finished(record);
        }
    }
}

fn outlet(
    parts: &ObservingParts<'_>,
    name: &'static str,
    url: String,
    form: impl Form + 'static,
) -> Result<Outlet, String> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(parts.transport.tls())
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .no_proxy()
        .build()
        .map_err(|error| format!("{name} cannot be told of calls: {error}"))?;
    let json = HeaderValue::from_static("application/json");
    Ok(Outlet {
        name,
        url,
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        form: Box::new(form),
        batch: 256,
        timeout: TIMEOUT,
        client,
    })
}

fn otlp(parts: &ObservingParts<'_>, dialect: Dialect) -> Otlp {
    Otlp {
        resource: resource(parts.environment, dialect),
        scrubber: parts.scrubber.clone(),
        content: parts.content,
        dialect,
    }
}

/// What is said of this process: `OTEL_RESOURCE_ATTRIBUTES`, and its name.
fn resource(environment: &Environment, dialect: Dialect) -> Vec<(String, String)> {
    let listed = environment
        .get("OTEL_RESOURCE_ATTRIBUTES")
        .unwrap_or_default();
    let mut resource: Vec<(String, String)> = pairs(listed).collect();
    let own_name = environment.get("OTEL_SERVICE_NAME");
    let has_name = resource.iter().any(|(key, _)| key == "service.name");
    if own_name.is_some() || !has_name {
        resource.retain(|(key, _)| key != "service.name");
        let name = own_name.unwrap_or("agon").to_owned();
        resource.push(("service.name".to_owned(), name));
    }
    resource.push((
        "service.version".to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    ));
    match dialect {
        Dialect::Plain => {}
        Dialect::Langfuse => {
            for (key, variable) in [
                ("langfuse.environment", "LANGFUSE_TRACING_ENVIRONMENT"),
                ("langfuse.release", "LANGFUSE_RELEASE"),
            ] {
                if let Some(value) = environment.get(variable) {
                    resource.push((key.to_owned(), value.to_owned()));
                }
            }
        }
    }
    resource
}

/// Where traces go; `None` when nobody asked for them. The second pair of names is `LiteLLM`'s.
fn traces_url(
    environment: &Environment,
    is_named: bool,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let is_off = environment.get("OTEL_SDK_DISABLED") == Some("true")
        || environment.get("OTEL_TRACES_EXPORTER") == Some("none");
    if is_off {
        return None;
    }
    let protocol = [
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ];
    if protocol.iter().find_map(|name| environment.get(name)) == Some("grpc") {
        let help = "traces go out over HTTP as JSON, not over gRPC: name the collector's HTTP port, usually 4318";
        warnings.push(help.to_owned());
    }
    if let Some(url) = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return Some(url.to_owned());
    }
    let base = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT"]
        .iter()
        .find_map(|name| environment.get(name))
        .or(is_named.then_some(LOCAL_COLLECTOR))?;
    let base = base.trim_end_matches('/');
    Some(match base.ends_with("/v1/traces") {
        true => base.to_owned(),
        false => format!("{base}/v1/traces"),
    })
}

fn otlp_timeout(environment: &Environment) -> Duration {
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ];
    let ms = names
        .iter()
        .find_map(|name| environment.get(name)?.parse().ok());
    ms.map_or(TIMEOUT, Duration::from_millis)
}

fn with_headers(
    mut headers: HeaderMap,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> HeaderMap {
    for variable in [
        "OTEL_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    ] {
        for (name, value) in pairs(environment.get(variable).unwrap_or_default()) {
            match (HeaderName::try_from(&name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                _ => warnings.push(format!(
                    "{variable} holds a header that HTTP does not allow"
                )),
            }
        }
    }
    headers
}

/// `a=1,b=2`, with `%20` and the like in the values.
fn pairs(list: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = list.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), percent_decoded(value.trim())))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn langfuse(parts: &ObservingParts<'_>) -> Result<Outlet, String> {
    let Langfuse { url, authorization } = Langfuse::of(parts.environment)?;
    let mut outlet = outlet(parts, "langfuse", url, otlp(parts, Dialect::Langfuse))?;
    let mut value = HeaderValue::try_from(authorization)
        .map_err(|_| "the callback \"langfuse\" is left out: its keys are no keys".to_owned())?;
    value.set_sensitive(true);
    outlet.headers.insert(header::AUTHORIZATION, value);
    Ok(outlet)
}

fn sentry(parts: &ObservingParts<'_>) -> Result<Outlet, String> {
    let environment = parts.environment;
    let left_out = |why: &str| format!("the callback \"sentry\" is left out: {why}");
    let dsn = environment
        .get("SENTRY_DSN")
        .ok_or_else(|| left_out("SENTRY_DSN is not set"))?;
    let Project { url, auth } = Project::of(dsn)
        .ok_or_else(|| left_out("SENTRY_DSN is not of the form https://KEY@HOST/PROJECT"))?;
    let form = sentry::Events {
        scrubber: parts.scrubber.clone(),
        environment: environment.get("SENTRY_ENVIRONMENT").map(str::to_owned),
        server_name: environment.get("HOSTNAME").map(str::to_owned),
    };
    let mut outlet = outlet(parts, "sentry", url, form)?;
    let mut value = HeaderValue::try_from(auth).map_err(|_| left_out("its key is no key"))?;
    value.set_sensitive(true);
    outlet.headers.insert("x-sentry-auth", value);
    let envelope = HeaderValue::from_static("application/x-sentry-envelope");
    outlet.headers.insert(header::CONTENT_TYPE, envelope);
    outlet.batch = 32;
    Ok(outlet)
}

/// A share from 0 to 1; all where none is set.
fn ratio(environment: &Environment, name: &str) -> f64 {
    let ratio = environment
        .get(name)
        .and_then(|text| text.parse::<f64>().ok());
    ratio.unwrap_or(1.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
