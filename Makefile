# Each target does its own set-up and ends in one line with its figures.
# PYTHON: any Python from 3.11 to 3.13; real interpreters behind shims are found. ARGS: what `make test` hands to pytest.
# FULL: with it `make story` also kills every playbook at each thing that it does.
# GATES: words of the names of the gates that `make lint` runs, all without it.
PYTHON ?= python3
ARGS ?=
GATES ?=
FULL ?=
TOOL = PYTHONPATH=tests $(PYTHON) -B -m tools.

.PHONY: test test-all lint isolation differential ratio bench sandbox demo story rehearsal docs format artefact lock runtime roles help
.DEFAULT_GOAL := test

help: ## this list
	@sed -n "s/^\([a-z-]*\): ## /\1\t/p" $(MAKEFILE_LIST)

test: ## the fast tests, on the newest core that PYTHON can run
	@$(TOOL)suite test -- $(ARGS)

test-all: ## the gates, and every test on the oldest and the newest core
	@$(TOOL)verify $(ARGS)

lint: ## every gate: types, style, documentation, sanity on the oldest and the newest core, the artefact
	@$(TOOL)lint $(GATES)

format: ## write every Python file in the one style
	@$(TOOL)environments py312-lint >/dev/null
	@.venv/py312-lint/bin/ruff check --quiet --fix-only .
	@.venv/py312-lint/bin/ruff format .

isolation: ## tenants that differ in one credential each are kept apart
	@$(TOOL)suite isolation tests/isolation

differential: ## generated worlds: what is predicted, and what real messages do; planted errors are found
	@$(TOOL)suite differential tests/differential

ratio: ## what a converged task costs beside a task that does nothing
	@$(TOOL)suite ratio tests/benchmarks/test_ratio.py

bench: ## what many recipients cost beside few, and a converged task beside one that does nothing
	@$(TOOL)suite bench tests/benchmarks

demo: ## the main job on an emulated tenant: set up, move a wave, run again, roll back, tear down; mail shows who receives where
	@$(TOOL)program demo $(ARGS)

story: ## a whole project under continuous mail through a real Postfix, and what became of every message; FULL=1: and every kill
	@$(TOOL)program story $(ARGS)
	@$(if $(FULL),$(TOOL)program killed,:)

rehearsal: ## the whole plan by prediction, of ten thousand recipients in twenty waves; and planted faults, each of them found
	@$(TOOL)suite rehearsal tests/rehearsal

sandbox: ## an emulated tenant to try playbooks on, until Ctrl-C
	@$(TOOL)program sandbox $(ARGS)

docs: ## the documentation site, in build/docs
	@$(TOOL)docs

roles: ## write the roles' defaults and argument specs from the tools' options
	@PYTHONPATH=tests $$($(TOOL)environments at-hand)/bin/python -B -m tools.roles

artefact: ## list the artefact's files in tests/artefact.txt
	@$(TOOL)artefact

lock: ## pin every environment's packages again
	@$(TOOL)lock

runtime: ## write meta/runtime.yml from plugins/modules
	@$(TOOL)runtime
