# Everything here works in a fresh clone on a machine with Python 3.11+ and make; the first target makes .venv.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# One more than there are cores: many tests wait for servers.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
# What `make laws` looks through; with APART=yes `make test` leaves the laws of store and idle runs to it.
LAWS := tests/store tests/core tests/edge/test_sync_again.py

.PHONY: help demo test coverage laws check format lint types imports pages schema bench lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1|\2/' | column -t -s '|'

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "okr-sync needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Say PYTHON=python3.11 make …"; exit 2; }
	@echo "setting up .venv (once)"
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
		VIRTUAL_ENV=.venv uv pip install --quiet --require-hashes -r requirements-dev.lock && \
		VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(INSTALLED) ## see it: sandbox, DigitalPharma example, weeks of history, status and HTML report
	@$(BIN)/okr-sync demo

# Measuring coverage doubles what a test costs: here only the core is measured, by its own tests.
test: $(INSTALLED) ## run all tests; those of the core cover each of its lines and branches
	@rm -f .coverage .coverage.*
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov=okr_sync/core --cov-report= tests/core
	@$(BIN)/python .ci/check_coverage.py 'okr_sync/core/*=100'
	@$(if $(APART),OKR_SYNC_LAWS_APART="$(LAWS)") $(BIN)/pytest -n $(WORKERS) --dist worksteal --ignore=tests/core $(ARGS)

coverage: $(INSTALLED) ## run all tests with branch coverage of everything: 90 % of the whole
	@rm -f .coverage .coverage.*
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	@$(BIN)/python .ci/check_coverage.py 'okr_sync/core/*=100' '*=90'

laws: $(INSTALLED) ## try each law of core, store and idle runs with 1,000 examples
	@OKR_SYNC_EXAMPLES=1000 $(BIN)/pytest -n $(WORKERS) --dist worksteal -m hypothesis $(LAWS)

check: format lint types imports test ## everything that must be green before a commit

format: $(INSTALLED) ## is the code formatted?
	@$(BIN)/ruff format --check .

lint: $(INSTALLED) ## ruff
	@files=$$($(BIN)/ruff check --show-files | wc -l); echo "lint: $$files files"; test "$$files" -gt 0
	@$(BIN)/ruff check .

types: $(INSTALLED) ## mypy --strict, tests too
	@$(BIN)/mypy

pages: $(INSTALLED) ## write the tables of the connectors' pages from their models
	@$(BIN)/python .ci/write_pages.py

schema: $(INSTALLED) ## write down the schema of a new store, after a new revision
	@$(BIN)/python -m tests.store.written

imports: $(INSTALLED) ## who may import whom
	@$(BIN)/python .ci/check_imports.py

bench: $(INSTALLED) ## measure: requests, times; prints both sides of each ratio
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(INSTALLED) ## write the hashed locks anew (needs uv)
	@.ci/lock

clean: ## remove what make made
	@rm -rf .venv .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
