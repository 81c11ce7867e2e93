//! Loads and checks `providers/` and `catalog/`: who can be called, and what each model is.
