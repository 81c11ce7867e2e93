//! Flags that people know from the `LiteLLM` proxy's command line.

use std::num::NonZeroUsize;

use clap::Args;

use crate::app::AppError;
use crate::config::Overrides;
use crate::config::SingleModel;

/// Those that mean something here, and those that are taken and explained.
#[derive(Debug, Default, Args)]
pub(super) struct LitellmFlags {
    /// Serve one model without a file: provider/model
    #[arg(long, value_name = "MODEL", help_heading = "As with LiteLLM")]
    model: Option<String>,
    /// What callers name it
    #[arg(
        long,
        requires = "model",
        value_name = "NAME",
        help_heading = "As with LiteLLM"
    )]
    alias: Option<String>,
    /// Where it is
    #[arg(
        long = "api_base",
        alias = "api-base",
        requires = "model",
        value_name = "URL",
        help_heading = "As with LiteLLM"
    )]
    api_base: Option<String>,
    /// Its temperature, where a caller names none
    #[arg(long, requires = "model", hide = true)]
    temperature: Option<f64>,
    /// Its longest answer in tokens, where a caller names none
    #[arg(
        long = "max_tokens",
        alias = "max-tokens",
        requires = "model",
        hide = true
    )]
    max_tokens: Option<u64>,
    /// Log more
    #[arg(long, help_heading = "As with LiteLLM")]
    debug: bool,
    /// Log everything
    #[arg(
        long = "detailed_debug",
        alias = "detailed-debug",
        help_heading = "As with LiteLLM"
    )]
    detailed_debug: bool,
    /// Leave out what a model does not take
    #[arg(
        long = "drop_params",
        alias = "drop-params",
        help_heading = "As with LiteLLM"
    )]
    drop_params: bool,
    /// Seconds that a call may take
    #[arg(
        long = "request_timeout",
        alias = "request-timeout",
        value_name = "SECONDS",
        help_heading = "As with LiteLLM"
    )]
    request_timeout: Option<f64>,
    /// Threads that serve; as many as there are cores by default
    #[arg(
        long = "num_workers",
        alias = "num-workers",
        value_name = "N",
        help_heading = "As with LiteLLM"
    )]
    num_workers: Option<NonZeroUsize>,
    /// Seconds after which a connection on which nothing happens is closed; 75 by default
    #[arg(
        long = "keepalive_timeout",
        alias = "keepalive-timeout",
        value_name = "SECONDS",
        help_heading = "As with LiteLLM"
    )]
    keepalive_timeout: Option<u32>,
    #[command(flatten)]
    explained: Explained,
    #[command(flatten)]
    without: Without,
}

/// Flags that are no way to start a server here.
#[derive(Debug, Default, Args)]
struct Explained {
    #[arg(long, hide = true)]
    health: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true")]
    test: Option<String>,
    #[arg(long = "validate_config", alias = "validate-config", hide = true)]
    validate_config: bool,
    #[arg(long = "ssl_keyfile_path", alias = "ssl-keyfile-path", hide = true)]
    ssl_keyfile_path: Option<String>,
    #[arg(long = "ssl_certfile_path", alias = "ssl-certfile-path", hide = true)]
    ssl_certfile_path: Option<String>,
}

/// Flags that change nothing.
#[derive(Debug, Default, Args)]
struct Without {
    #[arg(long = "run_gunicorn", hide = true)]
    run_gunicorn: bool,
    #[arg(long = "run_hypercorn", hide = true)]
    run_hypercorn: bool,
    #[arg(long = "run_granian", hide = true)]
    run_granian: bool,
    #[arg(long = "max_requests_before_restart", hide = true)]
    max_requests_before_restart: Option<String>,
    #[arg(long = "limit_concurrency", hide = true)]
    limit_concurrency: Option<String>,
    #[arg(long = "prometheus_metrics_port", hide = true)]
    prometheus_metrics_port: Option<String>,
    #[arg(long = "use_prisma_db_push", hide = true)]
    use_prisma_db_push: bool,
    #[arg(long = "enforce_prisma_migration_check", hide = true)]
    enforce_prisma_migration_check: bool,
    #[arg(long = "telemetry", hide = true)]
    telemetry: Option<String>,
    #[arg(long = "loop_type", hide = true)]
    loop_type: Option<String>,
    #[arg(long = "log_config", hide = true)]
    log_config: Option<String>,
    #[arg(long = "add_function_to_prompt", hide = true)]
    add_function_to_prompt: bool,
}

impl LitellmFlags {
    /// Puts what the flags say into what is given on the command line.
    ///
    /// # Errors
    /// For a flag that asks for something else than a server, with what to do instead.
    pub(super) fn add_to(&self, given: &mut Overrides) -> Result<(), AppError> {
        let instead = self.explained.instead();
        if let Some((flag, instead)) = instead {
            return Err(AppError::Failed(format!("{flag}: {instead}")));
        }
        given.single_model = self.model.clone().map(|model| SingleModel {
            model,
            alias: self.alias.clone(),
            api_base: self.api_base.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
        });
        if let Some(seconds) = self.request_timeout
            && (!seconds.is_finite() || seconds <= 0.0)
        {
            let help = "--request_timeout: write a number of seconds above zero";
            return Err(AppError::Failed(help.to_owned()));
        }
        given.request_timeout_s = self.request_timeout;
        given.drop_params = self.drop_params;
        given.workers = self.num_workers;
        given.keep_alive_s = self.keepalive_timeout;
        given.log_filter = match (self.debug, self.detailed_debug) {
            (_, true) => Some("debug".to_owned()),
            (true, false) => Some("info,agon=debug".to_owned()),
            (false, false) => None,
        };
        Ok(())
    }

    /// The flags that change nothing, with why.
    pub(super) fn notes(&self) -> Vec<String> {
        let cores = "one process serves on all cores";
        let it = &self.without;
        let given = [
            ("run_gunicorn", it.run_gunicorn, cores),
            ("run_hypercorn", it.run_hypercorn, cores),
            ("run_granian", it.run_granian, cores),
            (
                "max_requests_before_restart",
                it.max_requests_before_restart.is_some(),
                "no restart is needed",
            ),
            (
                "limit_concurrency",
                it.limit_concurrency.is_some(),
                "deployments have limits of their own",
            ),
            (
                "prometheus_metrics_port",
                it.prometheus_metrics_port.is_some(),
                "/metrics is on the server's own port",
            ),
            (
                "use_prisma_db_push",
                it.use_prisma_db_push,
                "there is no Prisma here",
            ),
            (
                "enforce_prisma_migration_check",
                it.enforce_prisma_migration_check,
                "there is no Prisma here",
            ),
            (
                "telemetry",
                it.telemetry.is_some(),
                "Agon calls nobody by itself",
            ),
            ("loop_type", it.loop_type.is_some(), cores),
            (
                "log_config",
                it.log_config.is_some(),
                "AGON_LOG says what is logged",
            ),
            (
                "add_function_to_prompt",
                it.add_function_to_prompt,
                "tools are sent as tools",
            ),
        ];
        given
            .into_iter()
            .filter(|(_, is_given, _)| *is_given)
            .map(|(flag, _, why)| format!("--{flag} changes nothing: {why}"))
            .collect()
    }
}

impl Explained {
    fn instead(&self) -> Option<(&'static str, &'static str)> {
        let tls =
            "Agon serves plain HTTP: let the load balancer or a reverse proxy before it speak TLS";
        if self.health {
            let help = "start the server and ask GET /health with the master key, or run agon providers check";
            return Some(("--health", help));
        }
        if self.test.is_some() {
            let help = "start the server and send a chat to /v1/chat/completions, or run agon providers check";
            return Some(("--test", help));
        }
        if self.validate_config {
            return Some(("--validate_config", "run agon check-config FILE"));
        }
        if self.ssl_keyfile_path.is_some() {
            return Some(("--ssl_keyfile_path", tls));
        }
        self.ssl_certfile_path
            .is_some()
            .then_some(("--ssl_certfile_path", tls))
    }
}
