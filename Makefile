# largebatch: `make demo` and `make test`. Both make .venv first, when it is not there or its pins have changed.

PYTHON ?=
export PYTHON
# TensorFlow 2.15 logs harmless "errors" as it loads; real ones come as Python exceptions.
export TF_CPP_MIN_LOG_LEVEL ?= 3
python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test faults environment constraints tpu-compile-environment
.NOTPARALLEL:

help:
	@echo 'make demo    train the rows of Table 7 on real digits (no download), then print the table'
	@echo 'make test    lint, format check and all tests'
	@echo 'make faults  the long tests of kills and lost hosts (docs/faults.md)'
	@echo 'All first make .venv, from a Python 3.9 to 3.11 (or make PYTHON=/path/to/python ...).'

demo: environment
	@$(python) -m largebatch.experiments.sweep --table=7 --scale=laptop --seeds=2 --grid=none --jobs=2 --output_dir=runs/demo
	@$(python) -m largebatch.experiments.report --runs=runs/demo --table=7 --output_dir=runs/demo/report

test: environment
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m pytest

faults: environment
	$(python) -m pytest -m faults -v -rP tests/faults

environment:
	@bash ./environment.sh

# libtpu's compiler for `python -m largebatch.tpu.compile`, which needs no TPU: 1.3 GB in .venv-tpu, apart
# from the suite's packages, with which it does not agree. Needs Python 3.11 or later. Private parts of
# JAX are used, hence the exact versions.
tpu-compile-environment:
	$(or $(PYTHON),python3.11) -m venv .venv-tpu
	.venv-tpu/bin/python -m pip install --quiet 'jax[tpu]==0.10.2' 'libtpu==0.0.42.1'

# For whoever keeps the pins: resolves setup.py anew, for the three Pythons at once. The three names
# beside it are what builds the packages that come as source.
constraints:
	$(or $(PYTHON),python3) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet 'uv>=0.5'
	printf 'pip\nwheel\nsetuptools-scm\n' | .venv-uv/bin/uv pip compile --quiet --upgrade --universal \
		--python-version 3.9 --all-extras --no-annotate --custom-compile-command 'make constraints' \
		--output-file constraints.txt setup.py -
