# make train              set up .venv and train net1; NET=net6 make train another
# make test               set up .venv and run the tests: everything once
# make test-all           the same with all cases, and what takes longer
# make coverage           all tests, counting the branches of kfkd that are run
# make upstream           run Theano's, Lasagne's and nolearn's own tests: hours
# make lint               set up .venv; check style, types and which imports are allowed
# make cuda               add JAX for NVIDIA GPUs to .venv
# make gpu                measure everything on a GPU, in calls of 9 minutes, in build/gpu
# make dist               build what a release consists of in dist/ (docs/releasing.md)
# make clean              remove .venv and whatever else can be made again
#
# ARGS are handed on:     make train NET=net2 ARGS="--epochs 200 --seed 1"
#                         make test ARGS="-n 0 -x tests/test_nets.py"
# PYTHON and VENV choose: make test PYTHON=python3.12 VENV=.venv-3.12

NET ?= net1
ARGS ?=
VENV ?= .venv
export PYTHON

RUN = "$(VENV)/bin/python"
PYTEST = $(RUN) -m pytest -n auto --maxprocesses 4 --dist worksteal

.PHONY: help train test test-all coverage upstream lint cuda gpu dist venv clean

help:
	@sed -n -e '/^#/!q' -e 's/^# \{0,1\}//p' Makefile

train: venv
	@$(RUN) scripts/train.py $(NET) $(ARGS)

test: venv
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: venv
	@$(PYTEST) $(ARGS)

coverage: venv
	@$(PYTEST) --cov=kfkd $(ARGS)

upstream: venv
	@$(RUN) scripts/upstream.py $(ARGS)

lint: venv
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@"$(VENV)/bin/lint-imports" --no-cache --no-logo

cuda: venv
	$(RUN) -m pip install -r requirements-cuda.txt

gpu: venv
	@$(RUN) benchmarks/gpu.py --out build/gpu $(ARGS)

dist: venv
	$(RUN) -m build --outdir dist --wheel packaging/theano-pymc
	$(RUN) -m build --outdir dist --wheel packaging/theano
	$(RUN) -m build --outdir dist .

venv:
	@sh packaging/venv.sh "$(VENV)"

clean:
	rm -rf .venv .venv-* build dist packaging/*/build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf *.egg-info packaging/*/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
