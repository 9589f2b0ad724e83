# One command per wish. Needs python 3.11 or newer (with venv), git and make; everything else is
# installed into .venv from hash-locked requirements.

VENV := .venv
BIN := $(VENV)/bin
# Arguments for the program that a target starts: make demo ARGS=--crash
ARGS ?=
# The interpreter that makes .venv: make test PYTHON=/opt/python/bin/python3.12
PYTHON ?=
# Exact, because the locks it writes are committed.
UV := uv==0.13.9

CODE := $(wildcard src tests examples benchmarks scripts)
# The pure floors: while their own tests run, and only then, branch coverage is measured. Its
# threshold is `fail_under` in pyproject.toml.
FLOORS := errors journal machine policy projections values wire
FLOOR_TESTS := $(wildcard $(FLOORS:%=tests/%) $(FLOORS:%=tests/test_%.py))
# `logical`: `auto` would count physical cores and leave half of a small machine idle.
PYTEST := $(BIN)/python -m pytest -n logical --dist worksteal

RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: help demo test check format lock bench clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r t d; do \
	  printf '%-13s %s\n' "$$t" "$$d"; done

demo: $(RUN_READY)  ## a coding agent at work under its remit (ARGS="--yes", "--crash", "--attack", "--serve")
	$(BIN)/remit demo $(ARGS)

test: $(DEV_READY)  ## the whole suite; branch coverage of the pure floors
	@status=0; \
	$(if $(FLOOR_TESTS),$(PYTEST) --cov --cov-report=term-missing $(FLOOR_TESTS) || status=1;) \
	$(PYTEST) tests $(addprefix --ignore=,$(FLOOR_TESTS)) || status=1; \
	exit $$status

check: $(DEV_READY)  ## format, lint, types, floors, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/tidy

format: $(DEV_READY)  ## format and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_READY)  ## durable steps per second, one line of JSON per store
	@for store in memory sqlite postgres; do \
	  $(BIN)/python benchmarks/steps.py --store $$store $(ARGS) || exit 1; done

lock: .venv-tools/.ready  ## write the locks again (ARGS=--upgrade for newer versions)
	@set -e; \
	compile='.venv-tools/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate'; \
	$$compile $(ARGS) pyproject.toml --extra code --extra server --group build -o requirements.lock; \
	$$compile $(ARGS) pyproject.toml --all-extras --group dev -c requirements.lock -o requirements-dev.lock; \
	$$compile $(ARGS) pyproject.toml --extra server --extra postgres --group build -c requirements-dev.lock -o requirements-serve.lock; \
	if grep -n '://' requirements.lock requirements-dev.lock requirements-serve.lock; then \
	  echo 'error: a lock holds an address; only names, versions and hashes belong there' >&2; exit 1; fi

clean:  ## remove environments and caches (never a journal)
	rm -rf $(VENV) .venv-tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

# --- installation: each stamp is newer than what it was made from, so nothing is installed twice ---

$(RUN_READY): requirements.lock pyproject.toml | $(BIN)/python
	@echo 'installing what remit needs to run (once, about ten seconds) …'
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-index --no-build-isolation -e .
	@touch $@

# The development lock holds everything of the other, so both stamps are made.
$(DEV_READY): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo 'installing the development tools (once, about twenty seconds) …'
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(PIP_INSTALL) --no-index --no-build-isolation -e .
	@touch $(RUN_READY) $@

FIND_PYTHON = for p in $(if $(PYTHON),'$(PYTHON)',python3.13 python3.12 python3.11 python3); do \
	  if "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo 'error: no python 3.11 or newer with the venv module was found (tried $(or $(PYTHON),python3.13 python3.12 python3.11 python3)).' >&2; \
	  echo 'remedy: install one (Debian: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3' >&2; \
	  exit 1; fi

$(BIN)/python:
	@python=; $(FIND_PYTHON); "$$python" -m venv --clear $(VENV)

.venv-tools/.ready: Makefile
	@python=; $(FIND_PYTHON); "$$python" -m venv --clear .venv-tools
	@.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@touch $@
