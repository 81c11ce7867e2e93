//! Any bytes at the anthropic wire.
#![no_main]

mod wire;

use agon::types::Wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| wire::try_all(Wire::Anthropic, input));
