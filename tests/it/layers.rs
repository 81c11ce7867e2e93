//! Who may import whom. The list below is the rule; `ARCHITECTURE.md` explains it.
//!
//! A new top-level module needs a line here. A line may name only modules above it, so there is no ring;
//! `config` and the modules under it put the others together.

mod imports;

use std::collections::BTreeSet;
use std::path::Path;

use imports::Import;
use imports::Names;
use imports::Target;

/// What a module may import of this crate, beside itself.
#[derive(Debug, Clone, Copy)]
enum May {
    /// These modules.
    Import(&'static [&'static str]),
    /// `types` whole; of any other module only the structs that hold its settings: see [`SETTINGS`].
    NameSettings,
    /// Every module: this one puts them together.
    Assemble,
}

/// Top-level modules, lowest first. Not all of them exist yet.
const LAYERS: &[(&str, May)] = &[
    ("types", May::Import(&[])),
    ("client", May::Import(&["types"])),
    ("events", May::Import(&["types"])),
    ("catalog", May::Import(&["types"])),
    ("wire", May::Import(&["types", "client"])),
    (
        "provider",
        May::Import(&["types", "client", "events", "catalog", "wire"]),
    ),
    (
        "router",
        May::Import(&["types", "client", "events", "catalog", "wire"]),
    ),
    ("store", May::Import(&["types", "events"])),
    ("metrics", May::Import(&["types", "events"])),
    (
        "observe",
        May::Import(&["types", "client", "events", "provider", "store", "metrics"]),
    ),
    (
        "access",
        May::Import(&["types", "client", "events", "catalog", "store"]),
    ),
    (
        "debate",
        May::Import(&["types", "client", "events", "catalog", "store"]),
    ),
    (
        "tasks",
        May::Import(&["types", "client", "events", "catalog", "store"]),
    ),
    (
        "http",
        May::Import(&[
            "types", "client", "events", "catalog", "wire", "provider", "router", "store",
            "metrics", "observe", "access", "debate", "tasks",
        ]),
    ),
    ("config", May::NameSettings),
    (
        "llm",
        May::Import(&["types", "client", "catalog", "provider", "router", "config"]),
    ),
    ("app", May::Assemble),
    ("cli", May::Assemble),
    ("lib", May::Assemble),
    ("main", May::Assemble),
];

/// How the name of a struct ends that holds a module's settings.
const SETTINGS: &[&str] = &["Config", "Dirs", "Pace", "Plans", "Alias"];

/// All that `types` may use from outside.
const UNDER_TYPES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "bytes",
    "foldhash",
    "memchr",
    "serde",
    "serde_json",
    "thiserror",
    "tokio::time",
];

/// Paths from outside that only these modules may use, tests apart.
const RESERVED: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    // The one calls with it, the other serves.
    ("hyper", &["provider", "http"]),
    ("hyper_util", &["provider", "http"]),
    ("hyper_rustls", &["provider"]),
    ("reqwest", &["provider", "observe", "cli"]),
    // axum does not re-export the errors that a socket ends with, and each has a close code of its own.
    ("tokio_tungstenite", &["cli", "http"]),
    ("axum", &["http", "app", "cli"]),
    ("tower_http", &["http", "app", "cli"]),
    ("utoipa_swagger_ui", &["http", "app", "cli"]),
    ("tokio::net", &["provider", "http", "app", "cli"]),
];

/// Modules that only compute, tests apart: bytes and values in, bytes and values out.
const PURE: &[&str] = &[
    "wire",
    "debate::state",
    "debate::view",
    "debate::contract",
    "debate::evidence",
    "debate::fold",
    "debate::predicate",
    "debate::decide",
    "debate::prompt",
    "debate::estimate",
];

/// What a module that only computes does without.
const IO: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "tokio::fs",
    "tokio::io",
    "tokio::net",
    "tokio::process",
    "tokio::task",
    "tokio::spawn",
];

fn layer(module: &str) -> Option<May> {
    let found = LAYERS.iter().find(|(name, _)| *name == module);
    found.map(|(_, may)| *may)
}

/// `path` is `prefix`, or lies under it.
fn is_under(path: &[String], prefix: &str) -> bool {
    let mut words = path.iter();
    prefix
        .split("::")
        .all(|part| words.next().is_some_and(|w| w == part))
}

/// Why an import is against the rules; `None` when it is not.
fn objection(import: &Import) -> Option<String> {
    let module = import.from[0].as_str();
    match &import.target {
        Target::Ours(path) => objection_to_ours(module, path),
        Target::Outside(_) if import.in_test => None,
        Target::Outside(path) => objection_to_outside(&import.from, path),
    }
}

fn objection_to_ours(module: &str, path: &[String]) -> Option<String> {
    let (target, shown) = (path[0].as_str(), path.join("::"));
    if target == module {
        return None;
    }
    match layer(module) {
        None => Some(format!("module {module} has no line in LAYERS")),
        Some(May::Assemble) => None,
        Some(May::Import(allowed)) if allowed.contains(&target) => None,
        Some(May::Import(allowed)) => Some(format!(
            "{module} may not import {shown}; it may import {}",
            if allowed.is_empty() {
                "nothing of ours".to_owned()
            } else {
                allowed.join(", ")
            }
        )),
        Some(May::NameSettings) if target == "types" => None,
        Some(May::NameSettings) => {
            let starts_upper = |word: &&String| word.starts_with(char::is_uppercase);
            let named = path.iter().find(starts_upper).map_or("", String::as_str);
            let is_settings = SETTINGS.iter().any(|end| named.ends_with(end));
            (!is_settings).then(|| {
                format!(
                    "{module} may not import {shown}; of other modules than types it may import only structs \
                     whose names end in {}",
                    SETTINGS.join(", ")
                )
            })
        }
    }
}

fn objection_to_outside(from: &[String], path: &[String]) -> Option<String> {
    let (module, shown) = (from[0].as_str(), path.join("::"));
    if module == "types" && !UNDER_TYPES.iter().any(|prefix| is_under(path, prefix)) {
        return Some(format!(
            "types may not use {shown}; it may use {}",
            UNDER_TYPES.join(", ")
        ));
    }
    if let Some((_, users)) = RESERVED
        .iter()
        .find(|(prefix, users)| is_under(path, prefix) && !users.contains(&module))
    {
        return Some(format!(
            "{module} may not use {shown}; only {} may",
            users.join(", ")
        ));
    }
    let is_pure = PURE.iter().any(|pure| is_under(from, pure));
    (is_pure && IO.iter().any(|io| is_under(path, io)))
        .then(|| format!("{} only computes and may not use {shown}", from.join("::")))
}

/// The objections as lines `file:line: why`, sorted.
fn objections(imports: &[Import]) -> Vec<String> {
    let lines: BTreeSet<String> = imports
        .iter()
        .filter_map(|import| {
            objection(import).map(|why| format!("{}:{}: {why}", import.file, import.line))
        })
        .collect();
    lines.into_iter().collect()
}

fn package() -> imports::Sources {
    imports::read_package(Path::new(env!("CARGO_MANIFEST_DIR")))
}

#[test]
fn every_import_follows_the_list() {
    let found = objections(&package().imports);
    assert!(
        found.is_empty(),
        "against the layers:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_top_level_module_has_a_line_in_the_list() {
    let unknown: Vec<String> = package()
        .top_level
        .into_iter()
        .filter(|module| layer(module).is_none())
        .collect();
    assert!(
        unknown.is_empty(),
        "no line in LAYERS for: {}",
        unknown.join(", ")
    );
}

#[test]
fn every_source_file_belongs_to_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = package().files;
    let mut folders = vec![root.join("src")];
    let mut orphans = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !read.contains(&name) {
                orphans.push(name);
            }
        }
    }
    assert!(
        orphans.is_empty(),
        "no `mod` line leads to: {}",
        orphans.join(", ")
    );
}

#[test]
fn a_line_of_the_list_names_only_modules_above_it() {
    for (at, (module, may)) in LAYERS.iter().enumerate() {
        if let May::Import(allowed) = may {
            for name in *allowed {
                let above = LAYERS[..at].iter().any(|(upper, _)| upper == name);
                assert!(above, "{module} names {name}, which is not above it");
            }
        }
    }
}

/// The objections to `text` as the source of the module at `path`.
fn objections_to(path: &str, text: &str) -> Vec<String> {
    let lib = "pub mod types; pub mod client; pub mod router; pub mod http; pub mod store; pub mod config;
               pub mod wire; pub mod debate; pub use router::Router; pub use crate::types::Chat;";
    let names = Names::new(include_str!("../../Cargo.toml"), lib);
    let file = format!("src/{}.rs", path.replace("::", "/"));
    let modules = path.split("::").map(str::to_owned).collect();
    objections(&imports::read(&file, modules, false, text, &names).0)
}

#[test]
fn an_import_against_the_list_is_reported_with_its_file_and_line() {
    let text = "//! Routes.\n\nuse crate::types::Chat;\nuse crate::http::Api;\n";
    assert_eq!(
        objections_to("router::plan", text),
        [
            "src/router/plan.rs:4: router may not import http::Api; it may import types, client, events, catalog, wire"
        ]
    );
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    for (line, text) in [
        (2, "\nuse super::super::http::Api;"),
        (3, "use crate::{\n    types::Chat,\n    http::Api,\n};"),
        (1, "use crate::http;"),
        (1, "use crate::http as h;"),
        (1, "pub use crate::http::*;"),
        (2, "fn f() {\n    crate::http::serve(1)\n}"),
        (2, "fn f() {\n    use crate::http::Api;\n}"),
        (1, "struct S(Vec<crate::http::Api>);"),
        (2, "impl\n    crate::http::Serve for S {}"),
        (
            2,
            "fn f() {\n    println!(\"{}\", crate::http::Api::new());\n}",
        ),
        (1, "#[derive(crate::http::Api)] struct S;"),
        (
            1,
            "struct S { #[serde(with = \"crate::http::api\")] a: u8 }",
        ),
        (2, "mod inner {\n    use super::super::super::http::Api;\n}"),
        (3, "#[cfg(test)]\nmod tests {\n    use crate::http::Api;\n}"),
    ] {
        let found = objections_to("router::plan", text);
        let place = format!("src/router/plan.rs:{line}: router may not import http");
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&place), "{text}: {found:?}");
    }
}

#[test]
fn a_re_export_of_the_root_counts_as_the_module_behind_it() {
    assert_eq!(objections_to("wire", "use crate::Chat;"), [""; 0]);
    assert_eq!(
        objections_to("wire", "use crate::Router;"),
        ["src/wire.rs:1: wire may not import router::Router; it may import types, client"]
    );
}

#[test]
fn a_module_may_import_itself_and_what_its_line_names() {
    let text =
        "use super::health::Health; use self::inner::X; use crate::client::LlmError; use std::fmt;";
    assert_eq!(objections_to("router::plan", text), [""; 0]);
    let text = "fn f() {} mod tests { use super::f; use super::super::health; }";
    assert_eq!(objections_to("router::plan", text), [""; 0]);
}

#[test]
fn an_import_from_a_module_that_does_not_exist_is_reported() {
    let found = objections_to("wire", "use crate::nowhere::X;");
    assert!(found[0].contains("may not import nowhere::X"), "{found:?}");
    let found = objections_to("newcomer", "use crate::types::Chat;");
    assert!(found[0].contains("no line in LAYERS"), "{found:?}");
}

#[test]
fn config_may_name_settings_of_every_module_and_nothing_else() {
    let text =
        "use crate::router::RouterConfig; use crate::types::Secret; use crate::http::HttpConfig;";
    assert_eq!(objections_to("config", text), [""; 0]);
    for text in [
        "use crate::router;",
        "use crate::router::*;",
        "use crate::router::Router;",
        "use crate::router::plan;",
    ] {
        assert_eq!(objections_to("config", text).len(), 1, "{text}");
    }
}

#[test]
fn types_use_only_what_every_program_may_depend_on() {
    let text = "use serde::Serialize; use tokio::time::Instant; use std::sync::Arc;";
    assert_eq!(objections_to("types::chat", text), [""; 0]);
    assert_eq!(
        objections_to("types::chat", "\nuse tokio::sync::mpsc;"),
        [
            "src/types/chat.rs:2: types may not use tokio::sync::mpsc; it may use std, core, alloc, bytes, foldhash, memchr, \
             serde, serde_json, thiserror, tokio::time"
        ]
    );
}

#[test]
fn a_reserved_crate_is_used_only_where_it_belongs() {
    assert_eq!(objections_to("store::sqlite", "use sqlx::Row;"), [""; 0]);
    assert_eq!(
        objections_to("http::api", "fn f() { let _ = sqlx::query(\"\"); }"),
        ["src/http/api.rs:1: http may not use sqlx::query; only store may"]
    );
    for (module, text) in [
        ("debate::driver", "use axum::Router;"),
        ("router::run", "use reqwest::Client;"),
        ("router::run", "use ::reqwest::Client;"),
        ("router::run", "extern crate reqwest;"),
        ("store::sqlite", "use tokio::net::TcpStream;"),
        ("wire::sse", "use std::fs::File;"),
        ("debate::state", "fn f() { tokio::spawn(g()); }"),
    ] {
        assert_eq!(objections_to(module, text).len(), 1, "{module}: {text}");
    }
}

#[test]
fn tests_may_use_any_crate_but_keep_the_layers() {
    let text = "#[cfg(test)]\nmod tests {\n    use axum::Router;\n    use crate::http::Api;\n}";
    let found = objections_to("router::plan", text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("src/router/plan.rs:4:"), "{found:?}");
    let text = "#[cfg(any(test, feature = \"x\"))]\nmod tests {\n    use axum::Router;\n}";
    assert_eq!(objections_to("router::plan", text).len(), 1);
}

#[test]
fn a_local_name_is_not_taken_for_the_crate_of_the_same_name() {
    let text = "mod hyper; use hyper::Thing; fn f() { hyper::go() }";
    assert_eq!(objections_to("router", text), [""; 0]);
    let text = "use crate::types::reqwest; fn f() { reqwest::go() }";
    assert_eq!(objections_to("router", text), [""; 0]);
}
