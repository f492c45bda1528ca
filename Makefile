# `make demo` and `make test` do all the set-up themselves, once, in .venv.

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help setup demo test lit pytest bench proof conformance fuzz docs lint format clean

help:
	@echo "make demo     train a small network, optimise it, compare and time it; then ResNet-18"
	@echo "make test     all tests (lit, then pytest)"
	@echo "make bench    the networks beside other tools, timed in turns (python -m bench --help)"
	@echo "make proof    every case of the tests in test/proof, networks at full size, random ones under sanitizers"
	@echo "make conformance  PyTorch's own samples of its operations, all of them, against eager (an hour or two)"
	@echo "make fuzz     random networks against eager, 5000 of them; COUNT=... for another number"
	@echo "make docs     write the pages that are derived from the code"
	@echo "make lint     ruff and basedpyright"
	@echo "make format   let ruff rewrite the sources"
	@echo "make setup    only the environment in .venv"
	@echo "make clean    remove what was built, except .venv"

setup: .venv/ready-test

# torch first and alone, so that the version that is there satisfies everything after it.
.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dlp needs Python 3.11 or newer; set PYTHON=")'
	@echo "setting up .venv (once; a few minutes, most of it PyTorch)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e '.[demo]'
	$(BIN)/pip install --quiet --no-deps torchvision==0.28.0
	@touch $@

.venv/ready-test: .venv/ready
	$(BIN)/pip install --quiet -e '.[demo,test]'
	@touch $@

.venv/ready-lint: .venv/ready-test
	$(BIN)/pip install --quiet -e '.[demo,test,lint]'
	@touch $@

demo: .venv/ready
	$(BIN)/python examples/demo.py

test: lit pytest

lit: .venv/ready-test
	$(BIN)/lit -j $(JOBS) --show-unsupported --order=lexical test

pytest: lit
	$(BIN)/pytest -n $(JOBS) --dist=worksteal test

bench: .venv/ready-test
	$(BIN)/python -m bench

proof: .venv/ready-test
	DLP_PROOF=all $(BIN)/pytest -n $(JOBS) --dist=worksteal test/proof
	$(BIN)/python scripts/full_size.py
	$(BIN)/python scripts/fuzz.py --count 500 --sanitize --jobs $(JOBS)

conformance: .venv/ready-test
	$(BIN)/python scripts/conformance.py --all --code 4

COUNT ?= 5000
fuzz: .venv/ready-test
	$(BIN)/python scripts/fuzz.py --count $(COUNT) --jobs $(JOBS)

docs: .venv/ready-test
	$(BIN)/python scripts/generate_docs.py

lint: .venv/ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

format: .venv/ready-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
