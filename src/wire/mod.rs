//! Bytes to types and back, without I/O: framing, and one dialect per wire.
