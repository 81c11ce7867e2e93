//! Calling out: the unified client, the factory, credentials, discovery, the demo provider, the legacy path.
