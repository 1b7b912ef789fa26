# The long part of what docs/reliability.md promises; the tests hold the short one.

PYTHON ?= .venv/bin/python

.PHONY: reliability
reliability:
	$(PYTHON) tests/trainings_to_kill.py 20
	$(PYTHON) tests/large_files.py
