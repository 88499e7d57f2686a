# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin

# A pyenv shim exists for interpreters that are not switched on, and Debian has a Python without venv: only one that runs will do.
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c '$(USABLE)' 2>/dev/null && echo $$python && break; done)

# Named after the content of requirements-dev.txt: built once, and again when a pin changes.
READY := $(VENV)/ready-$(shell cksum <requirements-dev.txt | cut -d ' ' -f 1)

CHECKOUT := build/ansible_collections/pixels/truenas

# Named, because Ansible does not look for it in a folder that others may write to.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# ansible-lint and the demo start programs of this environment by their names.
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help ready demo test lint format sanity build test-build bench lab simulator clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target says; do printf '%-12s %s\n' "$$target" "$$says"; done

$(READY):
	@test -n '$(PYTHON)' || { echo 'Found no Python from 3.11 on that has venv. Name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement requirements-dev.txt
	touch $@

# Ansible and Python look for `ansible_collections.pixels.truenas` by its path: this link gives the checkout that path.
$(CHECKOUT):
	mkdir -p $(dir $@)
	ln -sfn ../../.. $@

ready: $(READY) | $(CHECKOUT)

demo: ready ## a fleet of pixels from a playbook, on a TrueNAS in a box
	tests/demo/run

test: ready ## the unit tests and whole playbooks; ARGS="-k name" picks some
	$(BIN)/pytest --numprocesses 2 $(ARGS)

lint: ready ## ruff, ansible-lint, yamllint, mypy, shellcheck and the changelog
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p ansible_collections.pixels.truenas.plugins.module_utils
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --profile production --offline
	$(BIN)/antsibull-changelog lint
	$(BIN)/shellcheck $$(git ls-files --cached --others --exclude-standard | \
		xargs awk 'FNR == 1 && /^#!(\/usr\/bin\/env bash|\/bin\/sh)$$/ { print FILENAME }')

format: ready ## what ruff can mend by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

sanity: ready ## every sanity test of ansible-test, without Docker; ARGS="--test pylint" picks some
	tests/sanity_without_docker $(VENV) $(ARGS)

build: ready ## the Galaxy artifact, in build/artifact
	$(BIN)/python -m tests.build.working_tree build/tree
	$(BIN)/ansible-galaxy collection build --force --output-path build/artifact build/tree

test-build: ready ## build the artifact, install it into an empty folder and use it from there
	$(BIN)/pytest tests/build $(ARGS)

bench: ready ## how long things take; ARGS="command" picks a subject; LAB=1 as root on Debian 12 adds containers that are real
	bench/run $(ARGS)
	$(if $(LAB),$(BIN)/python -m tests.lab --run $(abspath $(BIN))/python -m bench.lab)

lab: ready ## the playbooks again, on containers that are real: as root on Debian 12; ARGS="-k name" picks some
	$(BIN)/python -m tests.lab $(ARGS)

simulator: ready ## a TrueNAS in a box until it is ended; ARGS="--release 25.04" for its options
	$(BIN)/python -m tests.simulator $(ARGS)

clean: ## everything that was made here
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .ansible
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
