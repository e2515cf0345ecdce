# Two commands do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY = passive
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test core gpu check lint types clean
help:  ## print this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Steelyard needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/.full: .venv/.core
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[full]"
	touch $@

.venv/.dev: .venv/.core
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/.full  ## install, then the main job on bundled data; says where the report lies
	$(BIN)/steelyard demo

test: .venv/.dev lint types core  ## install, lint, types, all tests
	$(BIN)/python -m pytest -q

core: .venv-core/.core  ## the light core alone, no torch: the main job must run on it
	.venv-core/bin/python -c 'import importlib.util as u, sys; sys.exit("torch is in the core" if u.find_spec("torch") else 0)'
	rm -rf .venv-core/runs
	.venv-core/bin/steelyard demo --run-dir .venv-core/runs > .venv-core/demo.txt
	tail -n 3 .venv-core/demo.txt

.venv-core/.core: pyproject.toml constraints.txt
	test -x .venv-core/bin/python || $(PYTHON) -m venv .venv-core
	.venv-core/bin/python -m pip install --quiet -c constraints.txt -e .
	touch $@

lint: .venv/.dev  ## ruff
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: .venv/.dev  ## mypy
	$(BIN)/mypy

gpu: .venv/.dev  ## the tests that need a GPU, on the first one
	CUDA_VISIBLE_DEVICES=$${CUDA_VISIBLE_DEVICES:-0} $(BIN)/python -m pytest -q -m gpu tests/gradients tests/training

check: test  ## what CI runs

clean:  ## remove the environment and caches (never runs/)
	rm -rf .venv .venv-core .mypy_cache .pytest_cache .ruff_cache dist
