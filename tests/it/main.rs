//! The one integration binary: whole features through public doors, and rules about the sources.
#![cfg(test)]

mod cli;
mod cli_debate;
mod cli_eval;
mod cli_formats;
mod cli_local;
mod data_files;
mod debate;
mod gateway;
mod layers;
#[cfg(feature = "legacy")]
mod llm_contract;
mod observe;
mod ollama_real;
mod recorded;
mod seeds;
mod settings;
mod store_contract;
mod support;
