# robotd. `make` lists what can be made; tools/setup.sh says what a set-up is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test check bench clean

BIN := .venv/bin
# More arguments for robotd, pytest or the benchmark.
ARGS ?=
# Another interpreter than the one that the set-up chooses.
PYTHON ?=
export PYTHON
# 1: also test the model workshop, with torch in an environment of its own.
EXPORT ?=

help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 18
	@echo 'Options: ARGS="--for 20"  PYTHON=python3.12  EXPORT=1 (test: also what trains and converts models)'

run: setup ## set up what is missing, then start the daemon with $(ARGS)
	@exec $(BIN)/robotd run $(ARGS)

setup: ## install robotd into .venv, with its system libraries and models
	@tools/setup.sh run

setup-dev: ## also install what checks and tests need, real servers included
	@tools/setup.sh dev

test: setup-dev ## run the tests
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadscope $(ARGS)
ifeq ($(EXPORT),1)
	@tools/setup.sh export
	.venv-export/bin/python -m pytest tests/export
endif

check: setup-dev ## lint, formatting, types, and the systemd unit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	tools/check-unit.sh

bench: setup ## measure this board, stage by stage
	@exec $(BIN)/robotd bench $(ARGS)

clean: ## remove what was built and installed here, but no model files
	rm -rf .venv .venv-export build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find robotd export tests -name __pycache__ -prune -exec rm -rf {} +
