# Two commands do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY = passive
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test check lint types clean
help:  ## print this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Steelyard needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/.dev: .venv/.core
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/.core  ## install, then the main job on bundled data; says where the report lies
	$(BIN)/steelyard demo

test: .venv/.dev lint types  ## install, lint, types, all tests
	$(BIN)/python -m pytest -q

lint: .venv/.dev  ## ruff
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: .venv/.dev  ## mypy
	$(BIN)/mypy

check: test  ## what CI runs

clean:  ## remove the environment and caches (never runs/)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache dist
