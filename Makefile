# What people and CI run. Every target sets up what it needs; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What `make tools` got, for whatever the machine lacks.
export PATH := $(PATH):$(CURDIR)/.tools/bin
NEXTEST := .tools/bin/cargo-nextest nextest
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
PREFIX ?= $(HOME)/.local
BINARIES := smithd smith-api smith-core smith-replica smith smithctl
SCRIPTS := $(wildcard hack/*.sh) hack/doctor hack/pictures hack/test-binaries hack/test-etcd hack/tools .ci/run $(wildcard .githooks/*)

.PHONY: help doctor tools protoc build release install demo pictures openapi test test-fast bench bench-quick bench-terminal bench-tui bench-build chaos structure check fmt docs deny hooks-install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## Say what this machine has, what it lacks and how to get it
	@hack/doctor

tools: ## Get protoc, etcd, cargo-nextest and what tests run in terminals into .tools, where missing (no root, no service)
	@hack/tools

protoc: ## Get protoc alone
	@hack/tools protoc

build: protoc ## Build everything, debug
	cargo build --locked --workspace --bins

release: protoc ## Build the binaries for use, into target/release
	cargo build --locked --workspace --exclude smith-tests --bins --release

install: release ## Put the release binaries into PREFIX/bin (PREFIX=~/.local)
	install -D -t $(DESTDIR)$(PREFIX)/bin $(addprefix $(TARGET_DIR)/release/,$(BINARIES))

# Debug: built in a fraction of the time, and for the tests too. The demo waits for its agents and gates, not for Smith.
demo: ## Run the main job on this machine: a smithd of its own, three loops, where each landed; leaves nothing (KEEP=1: the files)
	@hack/tools protoc etcd
	cargo build --locked --workspace --exclude smith-tests --bins
	@DEMO_BIN="$(TARGET_DIR)/debug" hack/demo.sh

pictures: ## Draw docs/pictures anew, from the real workstation before a smithd of its own
	@hack/tools protoc etcd
	cargo build --locked --workspace --bins
	@PICTURES_BIN="$(TARGET_DIR)/debug" hack/pictures

test: tools ## Run all tests, with an etcd of their own (NEXTEST_PROFILE=ci: don't stop at the first failure)
	$(NEXTEST) run --locked --workspace
	cargo test --locked --workspace --doc

test-fast: tools ## Run the tests that live beside the code, and structure; no end-to-end ones
	$(NEXTEST) run --locked --workspace -E 'not package(smith-tests) | binary(structure)'

bench: bench-build ## Measure (under 10 minutes, on a machine that does nothing else) and write docs/benchmarks.md
	$(TARGET_DIR)/release/smith-bench --write docs/benchmarks.md

bench-quick: bench-build ## The same in about a minute, to stdout only
	$(TARGET_DIR)/release/smith-bench --quick

bench-terminal: bench-build ## Measure workers' terminals, against a PTY and ssh (about 2 minutes, on a quiet machine), and write docs/benchmarks-terminal.md
	@hack/tools sshd
	$(TARGET_DIR)/release/smith-bench --only terminal --write docs/benchmarks-terminal.md

bench-tui: bench-build ## Measure the workstation with 1,000 to 100,000 loops (about 10 minutes, on a quiet machine; beside k9s, where KUBECONFIG names a cluster and k9s and kubectl are on the PATH), and write docs/benchmarks-workstation.md
	$(TARGET_DIR)/release/smith-bench --only workstation --write docs/benchmarks-workstation.md

bench-build: ## Build what the benches measure, release
	@hack/tools protoc etcd
	cargo build --locked --release -p smith-server -p smith-replica -p smith -p smithctl -p smith-tests --bins

chaos: tools ## Crash everything at random while loops run: 40 rounds (SMITH_CHAOS_ROUNDS), SMITH_CHAOS_SEED repeats a run
	SMITH_CHAOS_ROUNDS=$${SMITH_CHAOS_ROUNDS:-40} $(NEXTEST) run --locked -p smith-tests -E 'binary(crashes) & test(/^chaos::/)' --success-output immediate

structure: protoc ## Check the architecture: arrows, fences, sizes, names
	cargo test --locked --workspace --test structure

check: protoc ## Formatting, scripts, clippy and docs, warnings denied
	cargo fmt --all --check
	cargo fmt --manifest-path hack/protoc/Cargo.toml --check
	for script in $(SCRIPTS); do bash -n "$$script"; done
	! command -v shellcheck >/dev/null || shellcheck -x $(SCRIPTS)
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

fmt: ## Format all code
	cargo fmt --all
	cargo fmt --manifest-path hack/protoc/Cargo.toml

docs: protoc ## Build the API docs of the crates, into target/doc
	cargo doc --locked --workspace --no-deps

openapi: protoc ## Write docs/openapi.json and docs/prd.md's table anew from the code, after a change of either
	UPDATE_DOCS=1 cargo test --locked --package smith-server --lib published

deny: ## Check licences, banned crates and sources (needs cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install cargo-deny --locked (takes some minutes)" >&2; exit 1; }
	cargo deny --locked check bans licenses sources

hooks-install: ## Run checks before commits (fast) and pushes (full); SKIP_GIT_HOOKS=1 skips them
	git config core.hooksPath .githooks

clean: ## Remove what was built; the tools stay
	cargo clean
	rm -rf .tools/build
