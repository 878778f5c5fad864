"""Sphinx settings."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "pytest-ddd"
author = "pytest-ddd contributors"
copyright = f"2026, {author}"
extensions = ["myst_parser", "_ext.from_code"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "pytest-ddd"
html_static_path = ["_static"]
html_css_files = ["site.css"]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # it makes one dash of the two of `--host`
