//! `agon check-config`.

use std::process::ExitCode;

use clap::Args;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::Data;
use crate::config::Overrides;

/// What to check.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Checks settings and data files, and says what is set.
pub(super) fn check_config(args: &CheckArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    let data = Data::load(&settings.config)?;
    let (config, mut out) = (&settings.config, Output::stdout());
    let key = if config.server.master_key.is_some() {
        "***"
    } else {
        "none"
    };
    out.line("everything is as it should be");
    out.line(&format!(
        "  listens on      {}:{}, master key {key}",
        config.server.host, config.server.port
    ));
    out.line(&format!("  database        {}", config.database_url.0));
    let path = if config.llm.use_unified {
        "unified"
    } else {
        "legacy where there is one"
    };
    let legacy = config.llm.legacy_providers.join(", ");
    let legacy = if legacy.is_empty() {
        String::new()
    } else {
        format!(", legacy for {legacy}")
    };
    out.line(&format!("  model calls     {path}{legacy}"));
    let (providers, models) = (
        data.catalog.providers().count(),
        data.catalog.cards().count(),
    );
    out.line(&format!(
        "  data            {providers} providers, {models} models, {} formats",
        data.formats.iter().count()
    ));
    let with_key = data.catalog.providers().filter(|spec| {
        spec.auth.key_env.iter().any(|name| {
            settings
                .variables
                .get(name)
                .is_some_and(|value| !value.is_empty())
        })
    });
    let with_key: Vec<&str> = with_key.map(|spec| spec.id.as_str()).collect();
    out.line(&format!(
        "  keys set for    {}",
        if with_key.is_empty() {
            "nobody".to_owned()
        } else {
            with_key.join(", ")
        }
    ));
    Ok(ExitCode::SUCCESS)
}
