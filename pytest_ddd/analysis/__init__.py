"""Arithmetic on what history remembers: no input or output, every statement with its doubt."""
