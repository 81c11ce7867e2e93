//! Agon: a debate engine, and the unified LLM gateway under it.
//!
//! Start at `ARCHITECTURE.md` for the way of one request and for who may import whom.

pub mod app;
pub mod catalog;
pub mod cli;
pub mod client;
pub mod config;
pub mod debate;
pub mod events;
pub mod http;
pub mod llm;
pub mod metrics;
pub mod observe;
pub mod provider;
pub mod router;
pub mod store;
pub mod types;
pub mod wire;
