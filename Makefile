# crdt-backup: `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
# What to back up, to where, and the store to use; see scripts/backup for what stands in for an empty one.
MEMORY ?=
REMOTE ?=
STORE ?=

COMMANDS := crdt-backup crdt-merge crdt-agent
RELEASE := .build/release
SWIFT_RELEASE := swift build -c release --static-swift-stdlib
# Tests run with optimisation, which the laws with their 10,000 cases need, in a build of their own.
TEST_BUILD := -c release -Xswiftc -enable-testing --scratch-path .build/tests
SWIFT_FILES := Sources Tests PropertyTests Package.swift
SCRIPTS := .ci/run hooks/post-commit examples/checkpoints.sh examples/reasoning.sh examples/two-hosts.sh scripts/backup \
  scripts/install-packages scripts/tidy

bindir = $(DESTDIR)$(PREFIX)/bin
mandir = $(DESTDIR)$(PREFIX)/share/man/man1
bashdir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
fishdir = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
hookdir = $(DESTDIR)$(PREFIX)/share/crdt-backup/hooks

.PHONY: help
help: ## list the targets
	@echo 'make backup [MEMORY=file] [REMOTE=url] [STORE=folder]'
	@echo 'make install [PREFIX=/usr/local] [DESTDIR=]'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='	' read -r name text; do printf '%-10s %s\n' "$$name" "$$text"; done

.PHONY: backup
backup: ## build and back up MEMORY to REMOTE, by default an example to a local repository
	scripts/install-packages build
	$(SWIFT_RELEASE) --product crdt-backup
	@MEMORY='$(MEMORY)' REMOTE='$(REMOTE)' STORE='$(STORE)' scripts/backup $(RELEASE)/crdt-backup

.PHONY: release
release: ## build the commands with the Swift runtime linked in
	$(foreach command,$(COMMANDS),$(SWIFT_RELEASE) --product $(command) &&) true

.PHONY: test
test: ## pass all tests; CASES=100000 for more cases a law, SEED= for the cases of another run
	scripts/install-packages build test
	swift build $(TEST_BUILD) --build-tests
	swift test $(TEST_BUILD) --skip-build

.PHONY: lint
lint: ## check style, layers and scripts
	swift format lint --strict --recursive $(SWIFT_FILES)
	scripts/tidy
	@if command -v shellcheck > /dev/null; then echo shellcheck $(SCRIPTS); shellcheck $(SCRIPTS); \
	elif [ -n "$$CRDT_TESTS_REQUIRE_ALL" ]; then echo 'shellcheck is missing' >&2; exit 1; \
	else echo 'skipped: shellcheck is not installed'; fi

.PHONY: format
format: ## lay out all Swift files
	swift format --in-place --recursive $(SWIFT_FILES)

.PHONY: bench
bench: ## measure speed; the numbers are ratios taken in one run
	Benchmarks/run
	Benchmarks/agent

.PHONY: examples
examples: ## run the examples with the release build
	$(MAKE) --no-print-directory release
	PATH="$(CURDIR)/$(RELEASE):$$PATH" examples/two-hosts.sh
	PATH="$(CURDIR)/$(RELEASE):$$PATH" examples/checkpoints.sh
	PATH="$(CURDIR)/$(RELEASE):$$PATH" examples/reasoning.sh

# The date of the pages is that of the last change to the sources, so that an unchanged page stays unchanged.
.PHONY: man
man: ## write the manual pages in man/ from the commands' own help
	swift package generate-manual --configuration debug \
	  --date "$$(git log -1 --format=%cs -- Sources)" --section 1
	mkdir -p man
	$(foreach command,$(COMMANDS),cp .build/plugins/GenerateManual/outputs/$(command)/$(command).1 man/ &&) true

# Uses what `make release` built when there is no Swift in PATH, as under sudo.
.PHONY: install
install: ## install commands, manual pages, completions and hooks below PREFIX
	@if command -v swift > /dev/null; then $(MAKE) --no-print-directory release; fi
	@for command in $(COMMANDS); do \
	  [ -x "$(RELEASE)/$$command" ] || { echo "run 'make release' first" >&2; exit 1; }; \
	done
	install -d '$(bindir)' '$(mandir)' '$(bashdir)' '$(zshdir)' '$(fishdir)' '$(hookdir)'
	install -m 755 $(COMMANDS:%=$(RELEASE)/%) '$(bindir)'
	if ls man/*.1 > /dev/null 2>&1; then install -m 644 man/*.1 '$(mandir)'; fi
	@set -e; for command in $(COMMANDS); do \
	  echo "completions of $$command"; \
	  "$(RELEASE)/$$command" --generate-completion-script bash > '$(bashdir)'/$$command; \
	  "$(RELEASE)/$$command" --generate-completion-script zsh > '$(zshdir)'/_$$command; \
	  "$(RELEASE)/$$command" --generate-completion-script fish > '$(fishdir)'/$$command.fish; \
	  chmod 644 '$(bashdir)'/$$command '$(zshdir)'/_$$command '$(fishdir)'/$$command.fish; \
	done
	install -m 755 hooks/post-commit '$(hookdir)'

.PHONY: uninstall
uninstall: ## remove what install put below PREFIX; stores and settings stay
	rm -f $(foreach command,$(COMMANDS),'$(bindir)/$(command)' '$(mandir)/$(command).1' \
	  '$(bashdir)/$(command)' '$(zshdir)/_$(command)' '$(fishdir)/$(command).fish')
	rm -f '$(hookdir)/post-commit'
	rmdir '$(hookdir)' '$(dir $(hookdir:%/=%))' 2> /dev/null || true

.PHONY: clean
clean: ## remove everything that was built
	rm -rf .build
