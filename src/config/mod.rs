//! One file and the environment, typed.
