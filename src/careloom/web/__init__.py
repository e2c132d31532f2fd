"""The web door: it verifies, stores, enqueues and answers; no business logic."""
