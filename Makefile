# Needs git, make, Python >= 3.11 and a package index; everything else goes into ./.venv.
#   make test PYTHON=python3.13          another interpreter (remove .venv first)
#   make test PYTEST_ARGS="-k pkce -n 0" some of the tests, in one process

PYTHON ?= python3
PYTEST_ARGS ?=
DEMO_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# One stamp per set of packages: a second run is quick, a changed pyproject.toml installs again.
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
# Two installations into one environment at a time would break it.
.NOTPARALLEL:
.PHONY: help demo test lint types docs clean

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP)-demo ## the whole story on this machine: an identity provider, authserver, an MCP server
	$(BIN)/authserver demo $(DEMO_ARGS)

test: $(STAMP)-test ## every test (PYTEST_ARGS="..." goes to pytest)
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(STAMP)-lint ## ruff (rules and format) and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(STAMP)-types ## mypy, strict
	$(BIN)/mypy

docs: $(STAMP)-test ## the pages that are made: docs/configuration.md, docs/conformance.md
	$(BIN)/python -m authserver.settings.docs > docs/configuration.md
	$(BIN)/python -m pytest --quiet --collect-only --conformance=docs/conformance.md > .conformance.log \
	  || { cat .conformance.log; exit 1; }
	@rm -f .conformance.log

clean: ## remove the virtual environment, caches and build results
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* .conformance.log

$(STAMP)-pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "authserver needs Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	@touch $@

$(STAMP)-demo: pyproject.toml | $(STAMP)-pip
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	@touch $@

$(STAMP)-test: pyproject.toml | $(STAMP)-pip
	$(BIN)/python -m pip install --quiet --editable ".[asgi,demo,mcp,postgres]" \
	  --group test --group interop --group browser
	@touch $@

$(STAMP)-lint: pyproject.toml | $(STAMP)-pip
	$(BIN)/python -m pip install --quiet --editable . --group lint
	@touch $@

# mypy reads the tests too, so it needs what they import.
$(STAMP)-types: $(STAMP)-test
	$(BIN)/python -m pip install --quiet --group types
	@touch $@
