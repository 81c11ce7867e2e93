//! The data files inside the program, so that it runs without any beside it.
//!
//! `tests/it/data_files.rs` fails when a file of `providers/` or `catalog/` is not listed here.

/// Lists `dir/name.toml` with its text, for every name.
macro_rules! files {
    ($dir:literal: $($name:literal),* $(,)?) => {
        &[$((
            concat!($dir, "/", $name, ".toml"),
            include_str!(concat!("../../", $dir, "/", $name, ".toml")),
        )),*]
    };
}

/// The files of `providers/`: path from the repository's root, and text.
pub const PROVIDERS: &[(&str, &str)] = files!("providers":
    "anthropic", "azure", "bedrock", "cerebras", "cloudflare", "cohere", "dashscope", "databricks",
    "deepinfra", "deepseek", "demo", "fireworks", "gemini", "groq", "huggingface", "llamacpp",
    "lmstudio", "localai", "mistral", "moonshot", "nebius", "nvidia", "ollama", "openai",
    "openrouter", "perplexity", "replicate", "sambanova", "tgi", "together", "vertex_ai", "vllm",
    "xai", "zhipu",
);

/// The files of `catalog/`: path from the repository's root, and text.
pub const CATALOG: &[(&str, &str)] = files!("catalog":
    "anthropic", "azure", "bedrock", "cerebras", "cohere", "dashscope", "deepseek", "demo", "fireworks",
    "gemini", "groq", "mistral", "moonshot", "ollama", "openai", "openrouter", "perplexity", "together",
    "vertex_ai", "xai", "zhipu",
);
