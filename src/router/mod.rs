//! From a model's name to an answer: plan, attempts, health. Itself a client.
