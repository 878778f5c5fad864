"""Decide who is told, when and how; and tell them."""
