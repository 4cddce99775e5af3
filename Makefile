# Everything runs in .venv, which the first target that needs it creates; see `make help`.

PYTHON ?= python3
ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-slow lint types check clean

help:
	@echo 'make demo       run the demo           (ARGS="..." goes to `conveyor demo`)'
	@echo 'make test       lint, types, fast tests (PYTEST_ARGS="..." goes to pytest)'
	@echo 'make test-slow  the slow tests         (PYTEST_ARGS="..." goes to pytest)'
	@echo 'make lint       ruff check and ruff format --check'
	@echo 'make types      mypy in strict mode'
	@echo 'make check      lint, types and test'
	@echo 'make install    create .venv and install into it (PYTHON=... chooses the interpreter)'
	@echo 'make clean      remove caches and build outputs (keeps .venv and runs/)'

install: $(STAMP)

# An existing .venv is brought up to date in place: quicker than a new one, and safe while another shell uses it.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	    echo "error: $(PYTHON) not found; conveyor needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "error: conveyor needs Python 3.11 or newer, $(PYTHON) is `$(PYTHON) -V 2>&1`; choose another: make PYTHON=python3.11" >&2; exit 1; }
	@echo 'setting up $(VENV): about a minute on the first run'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@# For their trained weights alone, which tests read: what they need to run (nltk, torchaudio) is left out.
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt --no-deps g2p-en silero-vad
	@touch $@

demo: $(STAMP)
	$(BIN)/conveyor demo $(ARGS)

test: lint types
	$(BIN)/python -m pytest -n 2 -m "not slow" $(PYTEST_ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
