# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv/bin
OLDEST := .venv-oldest

.PHONY: help install install-dev demo bench test test-resume test-faults fuzz mutants audit coverage test-oldest docs test-docs lint format types imports unit clean

help:
	@echo 'make demo         install, then pretrain, probe and compare on a small synthetic data set'
	@echo 'make bench        measure against what a user would take instead, in docs/results/benchmarks.md (some minutes)'
	@echo 'make test         install, then check style, types and imports, and run the tests'
	@echo 'make test-resume  stop training and go on, at every step of every kind of config (14 minutes)'
	@echo 'make test-faults  every bad input of the corpus, and every fault of the machine, in processes of their own'
	@echo 'make fuzz         go on with fuzzing from the corpus that is kept'
	@echo 'make mutants      break the core of the package on purpose, and see that tests notice'
	@echo 'make audit        licences and known weaknesses of what is installed'
	@echo 'make coverage     lines and branches that the tests reach'
	@echo 'make test-oldest  run the tests with the lowest releases that pyproject.toml admits, in .venv-oldest'
	@echo 'make docs         build the documentation site, docs/_build/html/index.html'
	@echo 'make test-docs    build the site, and follow the quick start word for word in an empty folder'
	@echo 'make format       format the code'
	@echo 'make clean        remove the environments and caches'

install:
	@$(PYTHON) .ci/bootstrap.py

install-dev:
	@$(PYTHON) .ci/bootstrap.py dev

demo: install
	$(VENV)/geo-noisy demo

# One thread; nothing else should run.
BENCHES ?=
bench: export OMP_NUM_THREADS ?= 1
bench: install-dev
	$(VENV)/python -m tests.benchmarks $(BENCHES) --output docs/results/benchmarks.md

test: install-dev lint types imports unit

lint:
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types:
	$(VENV)/mypy

imports:
	$(VENV)/lint-imports
	$(VENV)/deptry .

# Two test processes with one thread each: as fast on two cores as it gets, and repeatable bit for bit.
unit: export OMP_NUM_THREADS ?= 1
unit:
	$(VENV)/python -m pytest -n 2

test-resume: export OMP_NUM_THREADS ?= 1
test-resume: install-dev
	$(VENV)/python -m pytest -n 2 -m 'resume or slow' tests/tasks/test_resume.py tests/tasks/test_ranks.py

install-trust: install-dev
	$(VENV)/uv pip install --quiet --python $(VENV)/python -e '.[trust]'

# At most an hour on one core.
test-faults: export OMP_NUM_THREADS ?= 1
test-faults: install-dev
	$(VENV)/python -m tests.corpus
	$(VENV)/python -m tests.faults

FUZZ_SECONDS ?= 900
fuzz: install-trust
	$(VENV)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

MUTANTS ?= 300
mutants: export OMP_NUM_THREADS ?= 1
mutants: install-dev
	$(VENV)/python -m tests.mutants --count $(MUTANTS)

# Known weaknesses come from the network; licences from what is installed.
audit: install-trust
	$(VENV)/pip-licenses --order=license --format=markdown
	-$(VENV)/pip-audit --local --progress-spinner off

coverage: export OMP_NUM_THREADS ?= 1
coverage: install-trust
	$(VENV)/python -m pytest -n 2 --cov geo_noisy --cov-branch --cov-report term-missing:skip-covered

# uv reads no pip.conf, so that no constraint of the machine acts here.
test-oldest: export OMP_NUM_THREADS ?= 1
test-oldest: install-dev
	$(VENV)/uv venv --quiet --allow-existing --python $(VENV)/python $(OLDEST)
	$(VENV)/uv pip compile --quiet --resolution lowest-direct --extra dev pyproject.toml -o $(OLDEST)/requirements.txt
	$(VENV)/uv pip install --quiet --python $(OLDEST)/bin/python -r $(OLDEST)/requirements.txt --no-deps -e .
	$(OLDEST)/bin/python -m pytest -n 2

# Pages of commands and public names are made from the package; a warning is an error.
docs: export PATH := $(CURDIR)/$(VENV):$(PATH)
docs: install-dev
	$(VENV)/uv pip install --quiet --python $(VENV)/python -e '.[docs]'
	$(VENV)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo 'open docs/_build/html/index.html'

test-docs: export OMP_NUM_THREADS ?= 1
test-docs: export PATH := $(CURDIR)/$(VENV):$(PATH)
test-docs: docs
	rm -rf build/quickstart
	$(VENV)/python -m tests.follow docs/quickstart.md build/quickstart

format: install-dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

clean:
	rm -rf .venv $(OLDEST) docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
