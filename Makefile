# Two commands for a fresh machine with Python >= 3.11 and a C compiler: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard src/fastsgd/kernels/*.pyx src/fastsgd/kernels/*.pxd src/fastsgd/include/*)
READY := $(VENV)/ready

.PHONY: demo test lint sanitize build clean

demo: $(READY)
	$(BIN)/python benchmarks/rcv1.py

test: $(READY)
	$(BIN)/python -m pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	PATH=$(BIN):$$PATH cython-lint src/fastsgd/kernels
	$(BIN)/mypy
	$(BIN)/codespell

sanitize: $(READY)  # Linux and gcc; 20 minutes
	$(BIN)/python -m pip install --quiet 'setuptools>=77' 'cython>=3.1' 'numpy>=2.0'
	PYTHON=$(CURDIR)/$(BIN)/python .ci/sanitize

build: $(READY)

$(READY): pyproject.toml setup.py $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fastsgd needs Python >= 3.11; set PYTHON=/path/to/it")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $@

clean:
	rm -rf $(VENV) build src/*.egg-info src/fastsgd/kernels/*.c src/fastsgd/kernels/*.so
