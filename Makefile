# Each target does its own set-up and ends in one line with its figures.
# PYTHON: any Python from 3.11 to 3.13; real interpreters behind shims are found. ARGS: what `make test` hands to pytest.
# GATES: words of the names of the gates that `make lint` runs, all without it.
PYTHON ?= python3
ARGS ?=
TOOL = PYTHONPATH=tests $(PYTHON) -B -m tools.

GATES ?=

.PHONY: test test-all lint sandbox demo docs format artefact lock runtime
.DEFAULT_GOAL := test

test: ## the fast tests, on the newest core that PYTHON can run
	@$(TOOL)suite -- $(ARGS)

test-all: ## the gates, and every test on the oldest and the newest core
	@$(TOOL)verify $(ARGS)

lint: ## every gate: types, style, documentation, sanity on the oldest and the newest core, the artefact
	@$(TOOL)lint $(GATES)

format: ## write every Python file in the one style
	@$(TOOL)environments py312-lint >/dev/null
	@.venv/py312-lint/bin/ruff check --quiet --fix-only .
	@.venv/py312-lint/bin/ruff format .

demo: ## the main job on an emulated tenant: set up, move a wave, run again, roll back, tear down
	@$(TOOL)program demo $(ARGS)

sandbox: ## an emulated tenant to try playbooks on, until Ctrl-C
	@$(TOOL)program sandbox $(ARGS)

docs: ## the documentation site, in build/docs
	@$(TOOL)docs

artefact: ## list the artefact's files in tests/artefact.txt
	@$(TOOL)artefact

lock: ## pin every environment's packages again
	@$(TOOL)lock

runtime: ## write meta/runtime.yml from plugins/modules
	@$(TOOL)runtime
