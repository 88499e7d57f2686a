# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin

# The first Python of a supported version that has venv. Run each: pyenv shims exist for inactive interpreters as well.
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c '$(USABLE)' 2>/dev/null && echo $$python && break; done)

# An environment for tests alone has `requirements-test.txt`.
REQUIREMENTS ?= requirements-dev.txt

# Named after the content of these files, so that the environment is created again when a pin changes.
READY := $(VENV)/ready-$(shell cat requirements-dev.txt requirements-test.txt | cksum | cut -d ' ' -f 1)

# Of the collection and the command.
VERSION := $(shell sed -n 's/^version: //p' galaxy.yml)

CHECKOUT := build/ansible_collections/pixels/truenas

# Tests wait for other processes about half of their time.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS)

# Set explicitly, because Ansible ignores ansible.cfg in a directory that other users can write to.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# ansible-lint and the demo start programs of this environment by name.
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help ready demo test test-all test-wide sweeps examples coverage smoke lint format sanity sanity-next build import-check docs wheel changelog test-build mutants bench conformance lab truth simulator clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target says; do printf '%-12s %s\n' "$$target" "$$says"; done

$(READY):
	@test -n '$(PYTHON)' || { echo 'No Python 3.11 or newer with venv found. Set one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement $(REQUIREMENTS)
	touch $@

# Ansible and Python find the collection by its path, which this link provides for the checkout.
$(CHECKOUT):
	mkdir -p $(dir $@)
	ln -sfn ../../.. $@

ready: $(READY) | $(CHECKOUT)

demo: ready ## create, use and destroy a fleet with playbooks, on a simulated NAS
	tests/demo/run

test: ready ## run the unit and integration tests on the newest releases; ARGS="-k name" selects tests
	$(PYTEST) -m 'not wide' $(ARGS)

test-all: test-wide sweeps examples import-check docs ## run all tests, all fault sweeps, the examples, the import check and the build of the documentation; SWEEP="--cells 0.1" runs a sample

test-wide: ready ## run all tests but the fault sweeps; ARGS="--cells 0.1" runs a sample of the wide cases
	$(PYTEST) $(ARGS)

sweeps: ready ## run operations with each fault at each call to the NAS; SWEEP="--cells 0.1" runs a sample
	$(PYTEST) tests/sweeps $(SWEEP)

examples: ready build/venv-examples/ready ## run the examples that use Molecule, testinfra, pytest-ansible and ansible-navigator
	$(BIN)/pytest --numprocesses 2 tests/examples $(ARGS)

coverage: ready ## run the tests of `make test` and print the branch coverage of plugins/; ARGS="-k name" selects tests
	mkdir -p build/coverage
	rm -f build/coverage/data*
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage run -m pytest --numprocesses $(WORKERS) -m 'not wide' $(ARGS)
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage combine --quiet
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage report

smoke: ready ## run selected tests of each layer, for other interpreters and libraries
	sed '/^#/d' tests/smoke.txt | xargs $(PYTEST) -m 'not wide' $(ARGS)

lint: ready ## run ruff, mypy, import-linter, yamllint, ansible-lint, shellcheck, changelog fragments and prose
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p ansible_collections.pixels.truenas.plugins.module_utils
	PYTHONPATH=build $(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --profile production --offline
	$(BIN)/antsibull-changelog lint
	$(BIN)/python -m tests.prose
	$(BIN)/shellcheck $$(git ls-files --cached --others --exclude-standard | \
		xargs awk 'FNR == 1 && /^#!(\/usr\/bin\/env bash|\/bin\/sh)$$/ { print FILENAME }')

format: ready ## apply automatic fixes and format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

sanity: ready ## run the sanity tests of ansible-test on the artifact, without Docker; ARGS="--test pylint" selects tests
	tests/sanity_without_docker $(VENV) $(ARGS)

sanity-next: build/venv-next/ready ## run the sanity tests of the next ansible-core; PYTHON=python3.13 selects the interpreter
	tests/sanity_without_docker build/venv-next $(ARGS)

build: ready ## build the Galaxy artifact in build/artifact
	$(BIN)/python -m tests.build.working_tree build/tree
	$(BIN)/ansible-galaxy collection build --force --output-path build/artifact build/tree

# Tools with many dependencies have their own environments: requirements-NAME.txt is installed into build/venv-NAME.
build/venv-%/ready: requirements-%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install -qq --disable-pip-version-check --requirement $<
	touch $@

import-check: build build/venv-importer/ready ## check the artifact as Ansible Galaxy does when it is uploaded
	tests/build/import_check build/venv-importer build/artifact/pixels-truenas-$(VERSION).tar.gz

docs: ready build/venv-docs/ready ## build the documentation site in build/docs/html
	docs/docsite/build build/venv-docs build/docs

wheel: ready ## build the command as a wheel in build/wheel, for pipx, uv and pip
	rm -rf build/wheel
	$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir build/wheel .

devtools-lock: ready ## update versions and checksums of the lock of devtools from the registries of npm and Python
	$(BIN)/python roles/devtools/files/update_lock.py

changelog: ready ## move the changelog fragments into the release that galaxy.yml names
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/antsibull-changelog release --update-existing

test-build: ready ## build the artifact, install it into an empty directory and use it from there
	$(BIN)/pytest tests/build $(ARGS)

mutants: ready build/venv-mutants/ready ## change the code in small ways and print how many changes a test finds; SAMPLE=0 makes all, FILES=_truenas/ selects files
	build/venv-mutants/bin/python -m tests.mutants --sample $(or $(SAMPLE),20) $(FILES)

bench: ready ## measure performance and write docs/performance.md; ARGS="command" selects a subject; LAB=1 adds real containers (root, Debian 12)
	bench/run --write $(ARGS)
	$(if $(LAB),$(BIN)/python -m tests.lab --run $(abspath $(BIN))/python -m bench.lab)

conformance: ready ## run ansible-core's tests of connection plugins; ARGS="--only raw" selects tests
	$(BIN)/python -m tests.conformance $(ARGS)

lab: ready ## run the integration tests on real containers (root, Debian 12); ARGS="-k name" selects tests
	$(BIN)/python -m tests.lab $(ARGS)

truth: ready ## compare answers with those of real Incus and OpenZFS in a virtual machine (root, Debian 12); RECORD=1 records its answers
	TRUTH_RECORD=$(RECORD) $(BIN)/python -m tests.truth $(ARGS)

simulator: ready ## run a simulated NAS in the foreground, and print the variables to use it; ARGS="--release 25.04" passes options
	$(BIN)/python -m tests.simulator --exports $(ARGS)

clean: ## remove everything that make created
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .ansible
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
