# robotd. `make` lists what can be made; tools/setup.sh says what a set-up is.
.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test check bench clean

BIN := .venv/bin
# Tests of one module share the servers that it started.
PYTEST := $(BIN)/pytest -n auto --maxprocesses 4 --dist loadscope
# More arguments for robotd, pytest or the benchmark.
ARGS ?=
# Another interpreter than the one that the set-up chooses.
PYTHON ?=
export PYTHON
# Debian keeps mosquitto where ordinary users do not look.
export PATH := $(PATH):/usr/sbin
# 1: then install torch too, and test what trains and converts models.
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
	$(PYTEST) $(ARGS)
ifeq ($(EXPORT),1)
	@tools/setup.sh export
	$(PYTEST) tests/export
endif

check: setup-dev ## lint, formatting, types, and the systemd units
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	tools/check-units.sh

bench: setup ## measure this board, stage by stage
	@exec $(BIN)/robotd bench $(ARGS)

clean: ## remove what was built and installed here, but no model files
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find robotd export tests -name __pycache__ -prune -exec rm -rf {} +
