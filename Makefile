# `make demo` and `make test` work in a fresh clone: they first install everything into .venv.
# Requirements: Python >= 3.11, git, make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread per process: tests run in several processes, and threads that spin on a shared core are 40 times slower.
export OMP_NUM_THREADS ?= 1
# Some containers set it. Tests start hundreds of interpreters, and each would compile golfcheck anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint fuzz bench install format clean

demo: $(STAMP)
	$(BIN)/golfcheck demo

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy golfcheck
	cd reference && ../$(BIN)/mypy --config-file ../pyproject.toml train.py
	$(BIN)/python -m pytest -q tests/test_import_law.py
	$(BIN)/golfcheck verify records
	$(BIN)/golfcheck verify --select code reference
	$(BIN)/golfcheck leaderboard records --write README.md --write records/README.md --check

fuzz: $(STAMP)
	$(BIN)/python tests/fuzz.py --count 20000 --seed $$(date +%s)

bench: $(STAMP)
	for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

install: $(STAMP)

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "golfcheck needs Python 3.11 or newer: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
