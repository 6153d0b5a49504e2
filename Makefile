# make demo   runs the whole job on a patient that the project generates, shows measured beside true values, and says where it all is
# make test   runs all tests that need no Slicer application
# make bench  prints speed and accuracy against their targets
# Each sets itself up in .venv of this folder; running one again is harmless.

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
SETUP := pyproject.toml Testing/constraints.txt Makefile

.PHONY: demo test bench clean

demo: $(VENV)/.demo
	$(VENV)/bin/hccresponse demo --output demo-output

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest

bench: $(VENV)/.test
	$(VENV)/bin/python Testing/Benchmarks/run.py

clean:
	rm -rf $(VENV) demo-output build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "HCCResponse needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python $(SETUP)
	@echo "Setting up $(VENV) (once, a minute or two) ..."
	@# slicer-core, for the scene of the demo, has no wheel for every platform
	$(PIP) install --constraint Testing/constraints.txt --editable '.[report,compressed,slicer]' || \
	  $(PIP) install --constraint Testing/constraints.txt --editable '.[report,compressed]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "Adding what the tests need (once) ..."
	$(PIP) install --constraint Testing/constraints.txt --editable '.[report,compressed,slicer,test]'
	@touch $@
