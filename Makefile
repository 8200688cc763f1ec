# Every door of the project. Needs Python >= 3.11, make and a package index; everything else is made here.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
TESTS   ?= tests
WORKERS ?= 2
PYTEST  ?=
COUNT   ?= 20000

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench simulate torture docs clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Stamps: an installation is made once, and again when pyproject.toml changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[cli]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e . --group test
	@touch $@ $(VENV)/.demo

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install -qq --disable-pip-version-check --group dev
	@touch $@

demo: $(VENV)/.demo ## real checkouts on a SQLite file: confirmed, declined, sold out, raced, killed and recovered
	$(BIN)/checkout-core demo

test: $(VENV)/.test ## the whole suite; what was skipped for want of a server is printed at the end
	$(BIN)/python -m pytest $(TESTS) -n $(WORKERS) --dist worksteal $(PYTEST)

check: $(VENV)/.check ## format, lint, types (mypy and pyright strict), layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(VENV)/.check ## put the code into the shape that `make check` asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test ## checkouts per second against a hand-written floor, in interleaved pairs on a private PostgreSQL
	$(BIN)/python -m benchmarks $(BENCH)

simulate: $(VENV)/.test ## random schedules of crashes and faults in virtual time: COUNT=, or one of them again: SEED=
	$(BIN)/python -m checkout_core.testing.simulator \
	    $(if $(SEED),--seed $(SEED) --trace,--count $(COUNT) --processes $(WORKERS))

torture: $(VENV)/.test ## the long form of every proof: kills, races, lost commits on real databases
	$(BIN)/python -m pytest $(TESTS) -m slow --timeout 7200 $(PYTEST)

docs: $(VENV)/.test ## draw the pages that follow from code, and check every page
	$(BIN)/python docs/build.py
	$(BIN)/python -m pytest tests/docs

clean: ## remove what was made here
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
