# The long part of what docs/reliability.md promises; the tests hold the short one.

PYTHON ?= .venv/bin/python

# Seconds for each target of fuzz/, and which targets (all of them).
SECONDS ?= 60
TARGETS ?=

.PHONY: reliability fuzz
reliability:
	$(PYTHON) tests/trainings_to_kill.py 20
	$(PYTHON) tests/predictions_to_kill.py 20
	$(PYTHON) tests/large_files.py
	$(PYTHON) -m pytest -q tests/compiled_layers.py

fuzz:
	$(PYTHON) -m fuzz $(SECONDS) $(TARGETS)
