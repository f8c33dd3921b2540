# `make` alone lists the commands. Everything they need is made on the way.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin
export NO_BROWSER

.PHONY: help run test check fix bench torture mutate migration install

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: ## start the demo on PORT (8000), with everything it needs; Ctrl-C stops all of it
	@tools/require_ports $(HOST) $(PORT)
	@tools/prepare run
	@exec $(BIN)/guichet demo --port $(PORT) --host $(HOST)

test: ## run the tests on all cores (ARGS="tests/portal -k pay": some of them, one after another)
	@tools/prepare dev
	@$(if $(NO_BROWSER),echo "NO_BROWSER is set: the browser tests are left out.",:)
	@exec $(BIN)/pytest $(if $(NO_BROWSER),-m "not browser") $(if $(ARGS),,--numprocesses logical --maxprocesses 4 --no-loadscope-reorder) $(ARGS)

check: ## what must be clean before a commit: lint, format, types, who imports whom
	@tools/prepare dev
	@failed=0; \
	for command in "ruff check" "ruff format --check" "mypy" "lint-imports"; do \
	    echo "--- $$command"; $(BIN)/$$command || failed=1; \
	done; exit $$failed

fix: ## mend what can be mended without thinking: lint and format
	@tools/prepare dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: ## measure us beside the alternatives, in one run, as ratios
	@tools/prepare dev
	@exec $(BIN)/python -m tests.bench $(ARGS)

torture: ## crashes at every boundary, races, forged and reordered webhooks (long)
	@tools/prepare dev
	TORTURE=1 $(BIN)/pytest tests/torture --timeout=0
	@exec $(BIN)/python -m tests.torture.run $(ARGS)

mutate: ## which faults the tests would not see (long; ARGS="payments/status --show": one module, and what survives)
	@tools/prepare dev
	@exec $(BIN)/python -m tests.mutation $(ARGS)

migration: ## write a migration from the models (name=what_changes)
	@tools/prepare dev
	@test -n "$(name)" || { echo "Say what it changes: make migration name=add_plans" >&2; exit 2; }
	@$(BIN)/guichet db revision "$(name)"

install: ## only install what Guichet needs, for a server
	@tools/prepare run
