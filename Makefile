# Every verb sets up what it needs. `make` alone lists the verbs.

PYTHON ?= python3
BIN := .venv/bin

# Commands run with the venv first on PATH, then the folder of the Pulumi CLI that the set-up found or made. Read when a
# recipe starts, because `setup` may have written it a moment before.
ifndef ORIGINAL_PATH
  ORIGINAL_PATH := $(PATH)
endif
export ORIGINAL_PATH
export PATH = $(CURDIR)/$(BIN):$(shell cat .venv/pulumi-folder 2>/dev/null || echo $(CURDIR)/$(BIN)):$(ORIGINAL_PATH)

export PULUMI_SKIP_UPDATE_CHECK := true
# Tests start hundreds of interpreters, and each would compile the package for itself.
unexport PYTHONDONTWRITEBYTECODE

# What `make test` runs. The kinds of tests run in one go, because many wait for other processes or a server now and
# then, and tests of another kind fill such waits. Long ones come first, so that short ones fill the end.
CHECKS := lint types contracts
KINDS := chaos e2e monitoring plugin contract docs typing unit
# Tests share nothing: each has its own emulator, ports and state. Four at once keep two cores busy, and a worker with
# nothing left takes what another has not begun.
PARALLEL := --numprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint fmt types contracts unit typing docs contract plugin monitoring e2e chaos prometheus coverage lock dist wheel plugin-archive sdk schema reference night pictures emulator bench clean

help: ## List the verbs
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## Make .venv with the locked packages, and find or build the Pulumi CLI
	@PATH="$(ORIGINAL_PATH)" $(PYTHON) -m tools.setup_environment

demo: setup ## Bring six pipelines up on a local GoldRush, break one, take all down (KEEP=1 leaves them up)
	@$(BIN)/python -m tools.demo $(if $(KEEP),--keep)

test: setup prometheus ## Run every check and every test, then print the coverage (KINDS="unit plugin" runs these tests)
	@$(BIN)/coverage erase
	@failed=; \
	echo "== $(CHECKS)"; \
	$(MAKE) --no-print-directory --jobs 2 --keep-going $(CHECKS) || failed="$$failed checks"; \
	echo "== $(KINDS)"; \
	$(BIN)/coverage run -m pytest $(KINDS:%=tests/%) $(PARALLEL) || failed="$$failed tests"; \
	echo "== coverage"; \
	$(MAKE) --no-print-directory coverage || failed="$$failed coverage"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi; \
	echo "all checks and tests passed"

check: setup ## The quick loop: lint, types, import contracts, unit tests
	@$(MAKE) --no-print-directory lint types contracts unit

lint: setup ## Lint and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: setup ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strict
	$(BIN)/mypy

contracts: setup ## Imports point one way
	$(BIN)/lint-imports

unit: setup ## Tests of pure functions
	$(call run-tests,unit,$(PARALLEL))

typing: setup ## Type checkers on programs as users write them
	$(call run-tests,typing,$(PARALLEL))

docs: setup ## Tests of the documentation and of the examples
	$(call run-tests,docs,$(PARALLEL))

contract: setup ## Tests of client and emulator by the documents of the API
	$(call run-tests,contract,$(PARALLEL))

plugin: setup ## Tests of the provider's process, on the newest and the oldest Pulumi SDK
	$(call run-tests,plugin,$(PARALLEL))

monitoring: prometheus ## Tests with a real Prometheus and Alertmanager; skipped where they cannot be had
	$(call run-tests,monitoring,$(PARALLEL))

prometheus: setup ## Find Prometheus and Alertmanager, or unpack the packages of Debian into .venv
	@$(BIN)/python -m tools.prometheus || true

e2e: setup ## Tests with the real Pulumi CLI
	$(call run-tests,e2e,$(PARALLEL))

chaos: setup ## Tests with the real Pulumi CLI under faults
	$(call run-tests,chaos,$(PARALLEL))

coverage:
	@$(BIN)/coverage combine --quiet 2>/dev/null || true
	@if [ -f .coverage ]; then $(BIN)/coverage report; else echo "no coverage was measured"; fi

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

lock: setup ## Write the two lock files from pyproject.toml (UPGRADE=1 takes the newest of everything)
	$(COMPILE) --all-extras --group dev --output-file requirements.lock
	$(COMPILE) --resolution lowest-direct --output-file requirements-oldest.lock

dist: setup ## Build sdist and wheel into dist/ (TAG=v1.2.3 refuses to build another version)
	$(BIN)/python -m tools.distribution

wheel: setup ## Install the wheel into an empty venv, and test its command line and its public names there
	$(BIN)/python -m tools.distribution --check

plugin-archive: setup ## Build what `pulumi plugin install resource goldrush VERSION --file` takes, into dist/
	$(BIN)/python -m tools.plugin_archive

sdk: setup ## Generate the SDKs of the plugin for TypeScript, Python and Go into sdk/, and find or build what runs them
	$(BIN)/python -m tools.sdk

schema: setup ## Write the JSON Schema of the stack files
	$(BIN)/python -m goldrush_pulumi.stack_config > schemas/.new && mv schemas/.new schemas/pulumi-stack.schema.json

reference: setup ## Write the generated classes, the schema of the plugin and the tables of the documentation
	$(BIN)/python -m tools.reference

night: prometheus ## Record docs/night.md again, from an alert that rings to an alert that ends
	GOLDRUSH_WRITE_NIGHT=1 $(BIN)/pytest tests/monitoring/test_night.py

pictures: setup ## Make docs/pictures again: every command on terminals of two sizes, in tmux (COMMANDS="list watch" makes some)
	$(BIN)/python -m tools.pictures $(COMMANDS)

emulator: setup ## Run a local GoldRush until Ctrl-C, where the stacks `dev` of this repository look for it (PROBE=1 connects to destinations)
	$(BIN)/python -m goldrush_pulumi.emulator --port 8710 --service-key goldrush-dev-key \
	  --other-service-key goldrush-dev-partner-key $(if $(PROBE),--probe)

bench: setup ## Measure against the engine's floor and a plain provider
	$(BIN)/python -m bench

clean: ## Remove caches and local state; the venvs and the Pulumi CLI stay
	rm -rf .demo .state .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist build
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# $(1): folder under tests/, $(2): options. A folder without tests is said, so that it is never taken for a passed one.
run-tests = $(if $(shell find tests/$(1) -name 'test_*.py' 2>/dev/null),\
  $(BIN)/$(if $(COVER),coverage run -m pytest,pytest) tests/$(1) $(2),\
  @echo "tests/$(1): no tests")
