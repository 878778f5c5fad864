"""Asking an endpoint: name, connection, TLS, HTTP, and what the answer must be."""
