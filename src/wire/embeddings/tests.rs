use serde_json::Value;
use serde_json::json;

use super::*;
use crate::client::EmbeddingPurpose;
use crate::types::Billed;
use crate::types::Usage;

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn body(dialect: EmbeddingDialect, model: &str, dimensions: Option<u32>) -> (String, Value) {
    let texts = texts(&["one", "two"]);
    let wanted = Wanted {
        model,
        texts: &texts,
        dimensions,
        purpose: EmbeddingPurpose::Query,
    };
    let encoded = encode_embedding(dialect, &wanted).unwrap();
    (encoded.path, serde_json::from_slice(&encoded.body).unwrap())
}

fn read(answer: &Value) -> EmbeddingResponse {
    decode(answer.to_string().as_bytes()).unwrap()
}

use crate::client::EmbeddingResponse;

#[test]
fn every_dialect_asks_in_its_own_words() {
    use EmbeddingDialect as D;
    let asked = |dialect, model| body(dialect, model, Some(256));
    let input = json!({"model": "m", "input": ["one", "two"], "dimensions": 256});
    assert_eq!(
        asked(D::Openai, "m"),
        ("/embeddings".to_owned(), input.clone())
    );
    assert_eq!(
        asked(D::Perplexity, "m"),
        ("/v1/embeddings".to_owned(), input.clone())
    );
    assert_eq!(asked(D::Ollama, "m"), ("/api/embed".to_owned(), input));
    assert_eq!(
        asked(D::Mistral, "m").1,
        json!({"model": "m", "input": ["one", "two"], "output_dimension": 256})
    );
    assert_eq!(asked(D::Voyage, "m").1["input_type"], "query");
    assert_eq!(asked(D::Nvidia, "m").1["input_type"], "query");
    let (path, gemini) = asked(D::Gemini, "models/gemini-embedding-001");
    assert_eq!(path, "/models/gemini-embedding-001:batchEmbedContents");
    assert_eq!(
        gemini["requests"][1],
        json!({"content": {"parts": [{"text": "two"}]}, "outputDimensionality": 256,
               "taskType": "RETRIEVAL_QUERY", "model": "models/gemini-embedding-001"})
    );
    let (path, vertex) = asked(D::Vertex, "text-embedding-005");
    assert_eq!(path, "/publishers/google/models/text-embedding-005:predict");
    assert_eq!(
        vertex["instances"][0],
        json!({"content": "one", "task_type": "RETRIEVAL_QUERY"})
    );
    assert_eq!(vertex["parameters"], json!({"outputDimensionality": 256}));
    let (path, vertex) = asked(D::Vertex, "gemini-embedding-2-preview");
    assert_eq!(
        path,
        "/publishers/google/models/gemini-embedding-2-preview:embedContent"
    );
    assert_eq!(vertex["taskType"], Value::Null);
    assert_eq!(
        asked(D::Cohere, "embed-v4.0"),
        (
            "/v2/embed".to_owned(),
            json!({"model": "embed-v4.0", "texts": ["one", "two"],
            "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 256})
        )
    );
    let (path, hub) = asked(D::HuggingFace, "a/b");
    assert_eq!(path, "/hf-inference/models/a/b/pipeline/feature-extraction");
    assert_eq!(hub, json!({"inputs": ["one", "two"]}));
}

#[test]
fn each_family_on_bedrock_has_its_body_and_what_it_cannot_take_is_told() {
    let asked = |model| body(EmbeddingDialect::Bedrock, model, Some(256));
    let (path, titan) = asked("us.amazon.titan-embed-text-v2:0");
    assert_eq!(path, "/model/us.amazon.titan-embed-text-v2%3A0/invoke");
    assert_eq!(titan, json!({"inputText": "one", "dimensions": 256}));
    assert_eq!(
        asked("amazon.titan-embed-text-v1").1,
        json!({"inputText": "one"})
    );
    assert_eq!(
        asked("amazon.nova-2-multimodal-embeddings-v1:0").1["singleEmbeddingParams"],
        json!({"embeddingPurpose": "GENERIC_RETRIEVAL", "embeddingDimension": 256,
               "text": {"truncationMode": "END", "value": "one"}})
    );
    assert_eq!(asked("cohere.embed-v4:0").1["output_dimension"], 256);
    assert_eq!(
        asked("cohere.embed-english-v3").1.get("output_dimension"),
        None
    );
    let texts = texts(&["one"]);
    let wanted = |model| Wanted {
        model,
        texts: &texts,
        dimensions: Some(256),
        purpose: EmbeddingPurpose::Document,
    };
    let v1 = encode_embedding(
        EmbeddingDialect::Bedrock,
        &wanted("amazon.titan-embed-text-v1"),
    );
    assert_eq!(v1.unwrap().dropped, ["dimensions"]);
    let error = encode_embedding(EmbeddingDialect::Bedrock, &wanted("arn:aws:x")).unwrap_err();
    assert!(error.to_string().contains("no known family"), "{error}");
}

#[test]
fn vectors_come_in_the_order_of_their_index() {
    let answer = read(
        &json!({"model": "m", "usage": {"prompt_tokens": 7, "total_tokens": 7},
        "data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}),
    );
    assert_eq!(answer.vectors, [[1.0], [2.0]]);
    assert_eq!((answer.model.as_str(), answer.usage.input), ("m", 7));
    let unnumbered = read(
        &json!({"data": [{"index": 0, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}),
    );
    assert_eq!(unnumbered.vectors, [[2.0], [1.0]]);
}

#[test]
fn base64_is_floats_and_perplexitys_is_signed_bytes() {
    // 1.0 and -2.5 as little-endian floats.
    let floats = read(
        &json!({"data": [{"index": 0, "embedding": "AACAPwAAIMA="}], "usage": {"total_tokens": 3}}),
    );
    assert_eq!(floats.vectors, [[1.0, -2.5]]);
    assert_eq!(floats.usage.input, 3);
    // The bytes 1, -1, 127, -128.
    for model in ["pplx-embed-v1-0.6b", "an-alias"] {
        let bytes = read(&json!({"model": model, "data": [{"index": 0, "embedding": "Af9/gA=="}]}));
        assert_eq!(bytes.vectors, [[1.0, -1.0, 127.0, -128.0]], "{model}");
    }
    let error = decode(br#"{"data": [{"embedding": "no base64!"}]}"#).unwrap_err();
    assert!(matches!(error, WireError::Malformed(_)), "{error:?}");
}

#[test]
fn every_shape_of_an_answer_is_known() {
    for answer in [
        json!({"embeddings": [{"values": [0.5, 1.0]}]}),
        json!({"embedding": {"values": [0.5, 1.0]}}),
        json!({"predictions": [{"embeddings": {"values": [0.5, 1.0], "statistics": {"token_count": 3}}}]}),
        json!({"predictions": [[0.5, 1.0]]}),
        json!({"embeddings": {"int8": [[9, 9]], "float": [[0.5, 1.0]]}}),
        json!({"embeddings": [[0.5, 1.0]], "prompt_eval_count": 3}),
        json!({"embedding": [0.5, 1.0]}),
        json!({"embedding": [0.5, 1.0], "inputTextTokenCount": 3}),
        json!({"embeddingsByType": {"float": [0.5, 1.0]}}),
        json!({"embeddings": [{"embeddingType": "TEXT", "embedding": [0.5, 1.0]}]}),
        json!([0.5, 1.0]),
        json!([[0.5, 1.0]]),
        json!([[[0.5, 1.0]]]),
        json!([{"index": 0, "embedding": [[0.5, 1.0]]}]),
        json!({"result": {"shape": [1, 2], "data": [[0.5, 1.0]]}, "success": true, "errors": []}),
        json!({"output": {"embeddings": [{"text_index": 0, "embedding": [0.5, 1.0]}]}, "usage": {"total_tokens": 3}}),
        json!({"results": [{"embedding": [0.5, 1.0]}], "input_token_count": 3, "model_id": "m"}),
        json!({"data": [{"index": 0, "embedding": [[0.5, 1.0]]}]}),
        json!({"data": [{"index": 0, "data": [{"index": 0, "embedding": [0.5, 1.0]}]}]}),
    ] {
        assert_eq!(read(&answer).vectors, [[0.5, 1.0]], "{answer}");
        let told = answer.to_string().contains("oken") || answer.to_string().contains("count");
        assert_eq!(
            read(&answer).usage.input,
            if told { 3 } else { 0 },
            "{answer}"
        );
    }
}

#[test]
fn cohere_counts_and_bills_apart() {
    let meta = |meta: Value| read(&json!({"embeddings": {"float": [[1.0]]}, "meta": meta})).usage;
    let billed_only = meta(json!({"billed_units": {"input_tokens": 7}}));
    assert_eq!((billed_only.input, billed_only.billed), (7, None));
    let both = meta(json!({"billed_units": {"input_tokens": 7}, "tokens": {"input_tokens": 9}}));
    assert_eq!(both.input, 9);
    assert_eq!(
        both.billed,
        Some(Billed {
            input: 7,
            output: 0
        })
    );
}

#[test]
fn what_holds_no_vectors_is_said_to_hold_none() {
    for body in [
        &b"[]"[..],
        b"{}",
        b"{\"data\": [{\"embedding\": []}]}",
        b"{\"embeddings\": []}",
        b"{\"embedding\": \"\"}",
        b"[[[1.0], [2.0]]]",
        b"[\"a\"]",
        b"not json",
        b"",
    ] {
        let error = decode(body).unwrap_err();
        assert!(matches!(error, WireError::Malformed(_)), "{error:?}");
    }
    let error = decode(br#"{"error": {"message": "too long", "code": 400}}"#).unwrap_err();
    assert!(matches!(error, WireError::Upstream(..)), "{error:?}");
}

#[test]
fn usage_that_is_not_told_is_a_headers_or_an_estimate() {
    let body = br#"{"embeddings": [{"embeddingType": "TEXT", "embedding": [1.0]}]}"#;
    let texts = texts(&["nine chars"]);
    let header = |name: &str| (name == "x-amzn-bedrock-input-token-count").then(|| "5".to_owned());
    let told = decode_embedding(EmbeddingDialect::Bedrock, body, &texts, &header).unwrap();
    assert_eq!((told.usage.input, told.usage.estimated), (5, false));
    let guessed = decode_embedding(EmbeddingDialect::Bedrock, body, &texts, &|_| None).unwrap();
    let estimate = Usage {
        input: 4,
        estimated: true,
        ..Usage::default()
    };
    assert_eq!(guessed.usage, estimate);
}

#[test]
fn a_vector_too_few_is_no_answer() {
    let texts = texts(&["a", "b"]);
    let error = decode_embedding(EmbeddingDialect::Openai, b"[[1.0]]", &texts, &|_| None);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("1 vectors for 2 texts")
    );
}

#[test]
fn batches_hold_no_more_than_the_limit_and_all_texts_in_order() {
    let texts = texts(&["aaa", "bbb", "ccccccccc", "ddd", "eee"]);
    let cut = |texts_each, tokens| {
        batches(
            &texts,
            BatchLimit {
                texts: texts_each,
                tokens,
            },
        )
        .into_iter()
        .map(<[String]>::len)
        .collect::<Vec<_>>()
    };
    assert_eq!(cut(2, u64::MAX), [2, 2, 1]);
    assert_eq!(cut(9, 3), [2, 1, 2]);
    // A text that is too long by itself still goes, alone.
    assert_eq!(cut(9, 1), [1, 1, 1, 1, 1]);
    assert_eq!(cut(0, 0), [1, 1, 1, 1, 1]);
    let whole: Vec<_> = batches(
        &texts,
        BatchLimit {
            texts: 3,
            tokens: 4,
        },
    )
    .concat();
    assert_eq!(whole, texts);
    assert_eq!(
        limit(EmbeddingDialect::Bedrock, "amazon.titan-embed-text-v2:0").texts,
        1
    );
    assert_eq!(
        limit(EmbeddingDialect::Bedrock, "cohere.embed-english-v3").texts,
        96
    );
    assert_eq!(
        limit(EmbeddingDialect::Vertex, "gemini-embedding-001").texts,
        1
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_text_in_the_place_of_a_vector_makes_the_reader_panic(text in ".{0,40}") {
        let answer = json!({"data": [{"embedding": text}]});
        let _ = decode(answer.to_string().as_bytes());
    }
}
