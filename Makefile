# largebatch: `make demo` and `make test`. Both make the environment first, when it is not there or its pins changed.

# Two stacks (docs/install.md): by default the one of the Python that is found, in .venv; STACK=classic or
# STACK=modern takes a Python of that stack, in .venv-classic or .venv-modern.
STACK ?=
PYTHON ?=
export STACK PYTHON
# TensorFlow logs harmless "errors" as it loads; real ones come as Python exceptions.
export TF_CPP_MIN_LOG_LEVEL ?= 3
# Processes for tests, of up to 6 GB each; the tests of one file stay together, for they share what they build,
# and are taken in the order of tests/conftest.py: files with slow tests first.
WORKERS ?= 2
parallel := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
# The tests that compile most. TensorFlow keeps what XLA compiled, 3 MB a function, as long as its process lives, so these
# have processes of their own.
compiled := tests/optimizers tests/models tests/tpu tests/faults
python := .venv$(if $(STACK),-$(STACK))/bin/python
# The part of the tests that depends most on TensorFlow's and Keras' versions, of the cases of a test every third.
core := tests/optimizers tests/models tests/tpu/hosts tests/tpu/folder tests/tpu/loop tests/tpu/lowering \
	tests/tpu/test_stages.py tests/tpu/test_remote_folder.py tests/data/files tests/data/text/test_docstrings.py \
	tests/experiments/records/test_provenance.py tests/experiments/test_smoke_rows.py tests/test_stack.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-core types faults docs environment constraints docs-environment tpu-compile-environment tpu-compile-table pjrt-environment
.NOTPARALLEL:

help:
	@echo 'make demo    train the rows of Table 7 on real digits (no download), then print the table'
	@echo 'make test    lint, format, spelling and types, and all tests'
	@echo 'make types   mypy on all rooms'
	@echo 'make test-core  optimizers, loop, models and a row of each task: minutes'
	@echo 'make faults  the long tests of kills and lost hosts (docs/faults.md)'
	@echo 'make docs    the site of docs/, in build/site'
	@echo 'All but docs first make the environment: .venv from the Python 3.9 to 3.13 that is found, or'
	@echo 'make STACK=classic|modern ... (docs/install.md), or make PYTHON=/path/to/python ...'

demo: environment
	@$(python) -m largebatch.experiments.sweep --table=7 --scale=laptop --seeds=2 --grid=none --jobs=2 --output_dir=runs/demo
	@$(python) -m largebatch.experiments.report --runs=runs/demo --table=7 --output_dir=runs/demo/report

# What Python and pytest compile is kept: else each process of tests compiles all of it again, half of its start.
test test-core: export PYTHONDONTWRITEBYTECODE :=

test: environment
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m codespell_lib
	@$(MAKE) --no-print-directory types
	$(python) -m pytest $(parallel) $(compiled)
	$(python) -m pytest $(parallel) $(addprefix --ignore=,$(compiled))

# Half a minute the first time. mypy finds the package by its name, which the checkout's folder need not have.
types: environment
	@mkdir -p .mypy_cache/root && ln -sfn ../.. .mypy_cache/root/largebatch
	MYPYPATH=.mypy_cache/root $(python) -m mypy

test-core: environment
	$(python) -m pytest $(parallel) --thin=3 -m '(core or not slow) and not faults' $(core)

faults: environment
	$(python) -m pytest $(parallel) -m faults -v -rP

# mkdocs-material with its pins, in .venv-docs: 0.1 GB, any Python 3.9 or later. The pages need nothing of the suite.
docs: docs-environment
	.venv-docs/bin/python -m mkdocs build --strict

docs-environment:
	@[ -x .venv-docs/bin/mkdocs ] || { $(or $(PYTHON),python3) -m venv .venv-docs && \
		.venv-docs/bin/python -m pip install --quiet -c constraints.txt mkdocs mkdocs-material; }

environment:
	@bash ./environment.sh

# libtpu's compiler for `python -m largebatch.experiments.compile`, which needs no TPU: 1.3 GB in .venv-tpu, apart
# from the suite's packages, with which it does not agree. Needs Python 3.11 or later. Private parts of
# JAX are used, hence the exact versions.
tpu-compile-environment:
	$(or $(PYTHON),python3.11) -m venv .venv-tpu
	.venv-tpu/bin/python -m pip install --quiet 'jax[tpu]==0.10.2' 'libtpu==0.0.42.1'

# For `export_program`, which writes what JAX runs on any device (docs/portable.md): 0.4 GB in
# .venv-pjrt. Needs Python 3.11 or later. One private part of JAX is used, hence the exact versions.
pjrt-environment:
	$(or $(PYTHON),python3.12) -m venv .venv-pjrt
	.venv-pjrt/bin/python -m pip install --quiet 'jax==0.11.2' 'numpy==2.5.2'

# docs/tpu_compile.md: about two hours on two cores. What was compiled once is kept and not compiled again;
# TOPOLOGIES=v3 takes one of v2, v3, v4, v5e, v5p, v6e, and BITS=3 a search finer than by powers of two.
TOPOLOGIES ?= all
BITS ?= 1
aot := $(python) -m largebatch.experiments.compile --topology=$(TOPOLOGIES) --bits=$(BITS)
tpu-compile-table: environment
	$(aot) --experiment=table1/lamb-32768 --stage=2 --output=results/tpu_compile/bert-large-512.json
	$(aot) --experiment=table1/lamb-65536-32768 --stage=1 --batch_per_core=64 --output=results/tpu_compile/bert-large-128.json
	$(aot) --experiment=table5/lamb-16384 --output=results/tpu_compile/resnet50.json
	$(python) -m largebatch.experiments.doc_tables

# For whoever keeps the pins: resolves setup.py anew, for both stacks and all Pythons at once. The three names
# beside it are what builds the packages that come as source. Without UPGRADE= versions stay where they can.
UPGRADE ?= --upgrade
constraints:
	$(or $(PYTHON),python3) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet 'uv>=0.5'
	printf 'pip\nwheel\nsetuptools-scm\n' | .venv-uv/bin/uv pip compile --quiet $(UPGRADE) --universal \
		--python-version 3.9 --all-extras --no-annotate --custom-compile-command 'make constraints' \
		--output-file constraints.txt setup.py -
