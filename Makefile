# Each target does its own set-up and ends in one line with its figures.
# PYTHON: any Python from 3.11 to 3.13; real interpreters behind shims are found. ARGS: what `make test` hands to pytest.
PYTHON ?= python3
ARGS ?=
TOOL = $(PYTHON) -B -m tests.tools.

.PHONY: test artefact lock runtime
.DEFAULT_GOAL := test

test: ## the fast tests, on the newest core that PYTHON can run
	@$(TOOL)suite -- $(ARGS)

artefact: ## list the artefact's files in tests/artefact.txt
	@$(TOOL)artefact

lock: ## pin every environment's packages again
	@$(TOOL)lock

runtime: ## write meta/runtime.yml from plugins/modules
	@$(TOOL)runtime
