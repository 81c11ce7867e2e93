//! The gateway's paths in the description of the API.

use utoipa::openapi::HttpMethod;
use utoipa::openapi::Paths;
use utoipa::openapi::RefOr;
use utoipa::openapi::Required;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::path::ParameterBuilder;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::schema::Type;

use super::endpoint::Endpoint;
use super::routes;

/// Adds the gateway's paths.
pub(in crate::http) fn describe(paths: &mut Paths) {
    for listed in routes::listed() {
        let method = match listed.is_get {
            true => HttpMethod::Get,
            false => HttpMethod::Post,
        };
        let said = |words: &str| RefOr::T(ResponseBuilder::new().description(words).build());
        let mut operation = OperationBuilder::new()
            .tag("gateway")
            .summary(Some(summary(listed.endpoint)))
            .response("200", said("The answer, in the dialect of the path"))
            .response("default", said("An error, in the dialect of the path"));
        if let Some(name) = name_in(&listed.path) {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text));
            operation = operation.parameter(parameter);
        }
        let item = PathItem::new(method, operation);
        match paths.paths.get_mut(&listed.path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(listed.path, item)),
        }
    }
}

fn name_in(path: &str) -> Option<&str> {
    let (_, behind) = path.split_once('{')?;
    behind.split_once('}').map(|(name, _)| name)
}

fn summary(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat => "Answers a chat, whole or streamed (OpenAI)",
        Endpoint::Completions => "Completes prompts, asked as chats (OpenAI)",
        Endpoint::Responses => "Answers a response request; nothing is stored (OpenAI)",
        Endpoint::Embeddings => "Turns texts into vectors (OpenAI)",
        Endpoint::Messages => "Answers messages, whole or streamed (Anthropic)",
        Endpoint::CountTokens => "Estimates the length of messages (Anthropic)",
        Endpoint::Gemini => "Answers, streams or counts, as the name after the colon says (Google)",
        Endpoint::GeminiModels => "Lists the models (Google)",
        Endpoint::OllamaChat => "Answers a chat, in lines unless told otherwise (Ollama)",
        Endpoint::OllamaGenerate => "Completes a prompt, asked as a chat (Ollama)",
        Endpoint::OllamaEmbed => "Turns texts into vectors (Ollama)",
        Endpoint::OllamaEmbeddings => "Turns one text into a vector (Ollama)",
        Endpoint::OllamaTags => "Lists the models (Ollama)",
        Endpoint::OllamaShow => "Says what a model can do (Ollama)",
        Endpoint::OllamaPs => "Lists the models in memory, of which a gateway has none (Ollama)",
        Endpoint::Models => "Lists the models that the caller may ask for",
        Endpoint::Model => "Says that a model can be asked for",
        Endpoint::ChoosableModels => {
            "Lists the models of the caller's plan, for people to choose from"
        }
        Endpoint::ModelInfo => "Lists the entries of the model list, without secrets (LiteLLM)",
        Endpoint::ModelGroupInfo => "Lists the groups of the model list (LiteLLM)",
        Endpoint::TokenCounter => "Estimates the length of a prompt (LiteLLM)",
        Endpoint::Health => "Asks every entry of the model list whether it answers",
        Endpoint::Explain => "Explains what a call would meet; nothing is asked",
        Endpoint::Explained => "Explains how one of the last calls was routed",
        Endpoint::Routes => "Lists the paths of the gateway",
    }
}
