# Everything a person or CI runs. `make help` lists it; every target provides what it needs (tools/provide.sh).

VENV   := .venv
PYTHON := $(VENV)/bin/python
AUDIT  := .venv-audit
READY  := $(VENV)/.ready
RECIPE := requirements.lock pyproject.toml $(wildcard */pyproject.toml) tools/provide.sh
WORKERS ?= 4

export UV_PYTHON_DOWNLOADS = never
unexport PYTHONDONTWRITEBYTECODE        # the tests start hundreds of processes: none should compile everything again

.DEFAULT_GOAL := help
.PHONY: help demo test check audit bench fuzz docs screenshot lock clean system-run system-test

help:            ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/'

demo: $(READY)   ## a Git remote, a server, a real agent in a sandbox and 50 simulated ones; ARGS=--once for CI
	@$(PYTHON) -m tools.demo $(ARGS)

test: system-test $(READY)   ## every test: units and stores beside the processes; ARGS="tests/server -x" for some
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)  ## lint, types, import contracts, sizes, hygiene, changelog, docs that drifted
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache
	@$(PYTHON) -m tools.docs --check
	@$(PYTHON) -m pytest tests/arch $(ARGS)

audit: $(READY) $(AUDIT)/.ready   ## advisories, secrets in tree and history, SBOMs; ends with 3 when advisories are out of reach
	@$(PYTHON) -m tools.audit $(ARGS)

bench: $(READY)  ## measure against the budgets; prints one table
	@$(PYTHON) -m tests.bench $(ARGS)

fuzz: $(READY)   ## mutated files through loader, compiler and fmt, or ARGS=api; ARGS="--seconds 600 --seed 2"
	@$(PYTHON) -m tests.fuzz $(ARGS)

docs: $(READY)   ## write the generated pages of docs/ again
	@$(PYTHON) -m gurucli.reference
	@$(PYTHON) -m tools.docs

screenshot: $(READY)   ## draw the README's pictures of the terminal again
	@$(PYTHON) -m tools.screenshot

lock: $(READY)   ## resolve the newest versions that fit into requirements.lock
	@tools/lock.sh

clean:           ## remove what the targets made, the environment too
	@rm -rf $(VENV) $(AUDIT) dist/sbom .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .fuzz
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

system-run:
	@tools/provide.sh system run

system-test:
	@tools/provide.sh system test

$(AUDIT)/.ready: requirements-audit.lock tools/provide.sh
	@tools/provide.sh audit $(AUDIT)

$(READY): $(RECIPE) | system-run
	@tools/provide.sh venv $(VENV)
