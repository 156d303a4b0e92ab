# The two commands that a newcomer needs: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KIND ?= sentinel
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench picture lock clean

help: ## List what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tandem needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Tandem needs into $(VENV): this takes a minute or two, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(RUNTIME) ## A real Redis and an incident channel in the browser; KIND=sentinel, replication, cluster, elasticache, kubernetes
	@$(BIN)/tandem demo --kind $(KIND)

test: $(DEV) ## Install what the tests need, then run them all
	@tests/install-packages
	@$(BIN)/pytest

check: $(DEV) ## Format, lint, strict types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## Format, and mend what ruff can mend by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV) ## The comparisons, side by side in one run
	$(BIN)/python -m bench

picture: $(DEV) ## The README's picture, taken in the browser test that plays the story
	TANDEM_PICTURE=docs/pictures/incident.png $(BIN)/pytest -n 0 tests/browser/test_story.py

lock: $(BIN)/python ## Resolve the newest versions within the ranges and pin them with hashes
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml --extra demo -o requirements/runtime.txt
	$(COMPILE) -c requirements/runtime.txt pyproject.toml --extra demo --extra traces --group dev -o requirements/dev.txt
	$(COMPILE) -c requirements/runtime.txt pyproject.toml --extra rescue -o requirements/bot.txt
	$(COMPILE) -c requirements/dev.txt --group build -o requirements/build.txt

clean: ## Remove what was installed and what was left by runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
