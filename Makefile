# `make daily` looks at this machine; `make test` passes all tests. Both do their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help daily test unit lint types contracts docs interpreters wheel clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

daily: $(VENV)/.installed  ## run the Morning Health Check of this machine
	$(BIN)/pytest -m daily $(ARGS)

test: $(VENV)/.developed  ## run all tests, on real servers (root installs their Debian packages)
	$(BIN)/coverage erase
	PYTHON=$(BIN)/python bash .ci/tests $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

unit: $(VENV)/.developed  ## run the tests that need no server
	$(BIN)/pytest tests -m "not needs" $(ARGS)

interpreters: $(VENV)/.developed  ## run the tests that need no server on every other Python found
	PYTHON=$(BIN)/python sh .ci/interpreters

lint: $(VENV)/.developed  ## look at the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

types: $(VENV)/.developed  ## check the types
	$(BIN)/mypy pytest_ddd tests benchmarks

contracts: $(VENV)/.developed  ## check who imports whom
	$(BIN)/lint-imports

docs: $(VENV)/.developed  ## build the documentation
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html

wheel: $(VENV)/.developed  ## build the wheel
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## remove what was made here
	rm -rf $(VENV) .make docs/_build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache
