//! Serving: REST, WebSocket, health, metrics, admin.
