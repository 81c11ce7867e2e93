use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().copied().collect()
}

fn url(pairs: &[(&str, &str)], is_named: bool) -> Option<String> {
    traces_url(&environment(pairs), is_named, &mut Vec::new())
}

#[test]
fn traces_go_where_the_environment_says() {
    assert_eq!(url(&[], false), None, "nobody asked for them");
    let local = "http://localhost:4318/v1/traces";
    assert_eq!(url(&[], true).as_deref(), Some(local));
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/");
    assert_eq!(
        url(&[base], false).as_deref(),
        Some("http://c:4318/v1/traces")
    );
    let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9/own");
    assert_eq!(
        url(&[base, whole], false).as_deref(),
        Some("http://t:9/own")
    );
    let litellm = ("OTEL_ENDPOINT", "http://l:4318/v1/traces");
    assert_eq!(url(&[litellm], true).as_deref(), Some(litellm.1));
    for off in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ] {
        assert_eq!(url(&[base, off], true), None);
    }
}

#[test]
fn grpc_is_a_warning() {
    let mut warnings = Vec::new();
    let grpc = environment(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert!(traces_url(&grpc, true, &mut warnings).is_some());
    assert!(warnings[0].contains("4318"), "{warnings:?}");
}

#[test]
fn headers_are_decoded_and_never_printed() {
    let mut warnings = Vec::new();
    let variables = environment(&[
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authorization=Basic%20c2VjcmV0, x-a = 1",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-a=2,b ad=3"),
    ]);
    let headers = with_headers(HeaderMap::new(), &variables, &mut warnings);
    assert_eq!(headers["authorization"], "Basic c2VjcmV0");
    assert_eq!(headers["x-a"], "2");
    assert_eq!(warnings.len(), 1);
    assert!(!format!("{headers:?}").contains("c2Vj"));
}

#[test]
fn a_process_is_named_by_its_variables() {
    let named = |pairs: &[(&str, &str)], dialect| {
        let resource = resource(&environment(pairs), dialect);
        resource
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
    };
    assert!(named(&[], Dialect::Plain).contains(&"service.name=agon".to_owned()));
    let listed = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=a,region=eu%2Dwest",
    );
    let of_list = named(&[listed], Dialect::Plain);
    assert!(
        of_list.contains(&"service.name=a".to_owned())
            && of_list.contains(&"region=eu-west".to_owned())
    );
    let own = named(&[listed, ("OTEL_SERVICE_NAME", "b")], Dialect::Plain);
    assert!(
        own.contains(&"service.name=b".to_owned()) && !own.contains(&"service.name=a".to_owned())
    );
    let variables = [("LANGFUSE_TRACING_ENVIRONMENT", "staging")];
    assert!(
        named(&variables, Dialect::Langfuse).contains(&"langfuse.environment=staging".to_owned())
    );
}

#[test]
fn what_is_not_hexadecimal_behind_a_percent_sign_stays() {
    assert_eq!(percent_decoded("a%20b%2Gc%"), "a b%2Gc%");
    assert_eq!(percent_decoded("%C3%A4"), "ä");
}
