# Everything runs in .venv, which the first target that needs it creates; see `make help`.

PYTHON ?= python3
ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-slow browser device-tools lint types check clean

help:
	@echo 'make demo       run the demo           (ARGS="..." goes to `conveyor demo`)'
	@echo 'make test       lint, types, fast tests (PYTEST_ARGS="..." goes to pytest)'
	@echo 'make test-slow  the slow tests         (PYTEST_ARGS="..." goes to pytest)'
	@echo 'make browser    Chromium for the slow tests, by apt-get, unless a browser is there'
	@echo 'make device-tools  compilers and emulators for the slow tests of what is built for devices, by apt-get'
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
	@# For their trained weights alone, which tests read: what they need to run (nltk, torchaudio, TensorFlow) is left out.
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt --no-deps \
	    g2p-en silero-vad textgenrnn
	@touch $@

demo: $(STAMP)
	$(BIN)/conveyor demo $(ARGS)

test: lint types
	$(BIN)/python -m pytest -n 2 -m "not slow" $(PYTEST_ARGS)

test-slow: $(STAMP) browser device-tools
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

# The report is tested in a browser, which is no Python package.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; \
	else \
	    echo "error: the slow tests need a browser: install Chromium (apt-get install chromium) or Chrome" >&2; exit 1; \
	fi

# What is built for devices is compiled against, run under emulators and in Node, and inspected.
DEVICE_PACKAGES := gcc libc6-dev valgrind nodejs lld qemu-user qemu-system-arm wine wine64 \
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
    gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-arm-none-eabi gcc-mingw-w64-x86-64-win32
DEVICE_COMMANDS := gcc valgrind node ld.lld qemu-aarch64 qemu-system-arm wine aarch64-linux-gnu-gcc \
    arm-linux-gnueabihf-gcc riscv64-linux-gnu-gcc arm-none-eabi-gcc x86_64-w64-mingw32-gcc

device-tools:
	@for name in $(DEVICE_COMMANDS); do command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	[ -z "$$missing" ] && exit 0; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends $(DEVICE_PACKAGES); \
	else \
	    echo "error: the slow tests need$$missing: apt-get install $(DEVICE_PACKAGES)" >&2; exit 1; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
