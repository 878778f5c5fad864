"""This site's own fixtures and hooks; `pytest-ddd init` copies it as a start for yours."""
