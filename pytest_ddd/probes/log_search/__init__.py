"""Searching logs where they are: the command that is sent, and what its answer means."""
