# Every target sets itself up: a virtual environment in .venv, from the hashed lock. The stamp makes
# the second call instant. Needs a Python >= 3.11 and nothing else; uses uv where it is installed.

PYTHON ?= python3
TORCH := torch==2.13.0
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
STAMP := .venv/.installed
INTEROP := .venv/.interop
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -gt 4 ] && n=4; echo $$n)

# Compiled programs stay in the checkout, in a folder per machine type (see compilation.py).
export EVENHAND_CACHE_DIR ?= $(CURDIR)/.cache
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# A .venv of this checkout is meant, whatever environment the shell has active.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check format test-interop bench docs build lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s%s\n", $$1, $$2}'

setup: $(STAMP)  ## build .venv (every other target does this by itself)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evenhand needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + "; run make PYTHON=/path/to/python3.11")'
ifneq ($(UV),)
	test -x $(BIN)/python || $(UV) venv --quiet --seed --python "$$(command -v $(PYTHON))" .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@

# torch comes by pip and without a hash: which build fits depends on the machine, and uv does not
# read pip's settings for local wheels.
$(INTEROP): $(STAMP) requirements-interop.lock
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-interop.lock
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip check
	@touch $@

demo: $(STAMP)  ## compare lending policies on the FICO scores and write the page
	$(BIN)/evenhand compare --preset fico --groups white,black

test: $(STAMP)  ## all tests but the longest and those that need torch
	$(BIN)/python -m pytest -n $(WORKERS) -m "not long and not interop"

test-long: $(STAMP)  ## the tests that take minutes
	$(BIN)/python -m pytest -n $(WORKERS) -m long

check: $(STAMP)  ## format, lint, types, layers, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow and not long and not interop"

format: $(STAMP)  ## write the format, and repair what lint can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-interop: $(INTEROP)  ## tests against stable-baselines3 (installs torch, CPU build advised)
	$(BIN)/python -m pytest -m interop

bench: $(INTEROP)  ## speed, against the rivals
	$(BIN)/python benchmarks/run.py

docs: $(STAMP)  ## the documentation site, in site/, without network
	$(BIN)/python -m sphinx --quiet --builder html --doctree-dir .cache/doctrees docs site
	@echo "open site/index.html"

build: $(STAMP)  ## wheel and source archive, in dist/
	$(BIN)/python -m build --no-isolation

lock: $(STAMP)  ## make both lock files again with the newest versions
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header --quiet \
	  --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile requirements-interop.in --constraint requirements.lock --no-deps \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
	  --upgrade --output-file requirements-interop.lock

clean:  ## remove everything the other targets made
	rm -rf .venv .cache site dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
