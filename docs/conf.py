"""Sphinx settings."""

project = "pytest-ddd"
author = "pytest-ddd contributors"
copyright = f"2026, {author}"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "pytest-ddd"
html_static_path = ["_static"]
exclude_patterns = ["_build"]
nitpicky = True
