"""Reads which updates a host waits for."""
