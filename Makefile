# make demo: from nothing to a trained, measured, packed model.   make test: the tests.   make help: the rest.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-lock
UV_VERSION := 0.13.9
export AIWF_WORKSPACE ?= $(CURDIR)/.aiwf
unexport PYTHONDONTWRITEBYTECODE

# uv does not read pip's settings: an index or a certificate that is named to pip alone serves uv, too.
PIP_SAYS = $(PYTHON) -m pip config get
INDEX = $${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$${PIP_INDEX_URL:-$$($(PIP_SAYS) global.index-url 2>/dev/null)}}}
CERT = $${SSL_CERT_FILE:-$${PIP_CERT:-$$($(PIP_SAYS) global.cert 2>/dev/null)}}

.PHONY: help env clean-env demo test test-slow test-chaos test-all lint format lock schema up down status bench mutants

help:
	@echo "make demo      sample data, the pipeline as an Airflow DAG, report and package"
	@echo "make test      the quick tests     make test-slow  slow ones and those with real servers"
	@echo "make test-all  all there are       make test-chaos those that kill, and hostile inputs"
	@echo "make up        Airflow and MLflow on this machine     make down / make status"
	@echo "make lint      format, lint, types, import contracts  make bench  times of search and ways"
	@echo "make mutants   how many small changes to the code the quick tests notice (MUTANTS='--count 60 --rooms metrics')"
	@echo "make lock      the lock again from pyproject.toml     make schema configs/schema.json, keys in configs/README.md"

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "$(PYTHON) is not Python 3.11: say make PYTHON=/path/to/python3.11"; exit 1; }
	@test ! -e $(VENV)/.unfinished || { echo "$(VENV) was not finished, so it is made anew"; rm -rf $(VENV); }
	@mkdir -p $(VENV) && touch $(VENV)/.unfinished
	@test -x $(BIN)/uv || { echo "making $(VENV) ..."; $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "installing the locked environment (some minutes the first time) ..."
	@index="$(INDEX)"; test -z "$$index" || export UV_DEFAULT_INDEX="$$index"; \
	cert="$(CERT)"; test -z "$$cert" || export SSL_CERT_FILE="$$cert"; \
	$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock \
	|| { rm -f $(VENV)/.unfinished; exit 1; }
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@rm $(VENV)/.unfinished && touch $(STAMP)

clean-env:
	rm -rf $(VENV)

demo: env
	@$(BIN)/aiwf samples get solar_cells
	@$(BIN)/aiwf run configs/pipelines/solar_cells.yaml --via airflow

test: env
	$(BIN)/python -m tests.session quick

test-slow: env
	$(BIN)/python -m tests.session slow

test-chaos: env
	$(BIN)/python -m tests.session chaos

test-all: env
	$(BIN)/python -m tests.session quick slow chaos

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: env
	$(BIN)/uv pip compile -q pyproject.toml --extra test --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 -o requirements.lock
	@sed -i "1i # For pyproject.toml's requirements with sha256 $$($(BIN)/python -m tests.lock)" requirements.lock

schema: env
	$(BIN)/aiwf schema

up: env
	@$(BIN)/aiwf up

down: env
	@$(BIN)/aiwf down

status: env
	@$(BIN)/aiwf status

bench: env
	$(BIN)/python -m tests.benchmarks

mutants: env
	$(BIN)/python -m tests.mutants $(MUTANTS)
