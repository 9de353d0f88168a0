# The two commands of the README, and what they are made of.
SHELL := bash
.DEFAULT_GOAL := help

# A fresh clone in CI uses what an earlier one has built.
ifdef CI
export CARGO_TARGET_DIR ?= $(HOME)/.cache/stempel/target
endif
TOOLS := $(HOME)/.cache/stempel/tools
export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: help run test setup setup-test fmt lint deny unit docs bench screenshots package mutants soak test-camera test-kiosk test-printer setup-package

help:
	@echo "make run          build Stempel and open the sample café"
	@echo "make test         run every check and test"
	@echo "make bench        measure what docs/PERFORMANCE.md lists"
	@echo "make screenshots  draw the pictures of the README anew"
	@echo "make soak         play ten thousand simulated days against faults (SEEDS=n: so many), a hundred thousand guests, a"
	@echo "                  thousand power cuts, and read a hundred thousand frames without a member's code (FRAMES=n);"
	@echo "                  MINUTES=n: some of each for so long (ROUND=n: go on from there)"
	@echo "make test-camera  test cameras in a small virtual machine"
	@echo "make test-kiosk   install the package in a small virtual machine and touch its screen"
	@echo "make test-printer print slips by the real CUPS on a printer that speaks IPP (as root; needs cups-daemon,"
	@echo "                  cups-client, cups-filters, cups-ipp-utils, avahi-daemon, dbus-daemon and poppler-utils)"
	@echo "make package      make a package for Debian and Ubuntu"
	@echo "make mutants      see whether the tests of the rules notice small changes (WITH='--file NAME': a part)"

run: setup
	@echo "Building Stempel. The first time takes some minutes; cargo shows how far it is."
	cargo build --release
	@target="$${CARGO_TARGET_DIR:-target}"; exec "$$target/release/stempel" demo

test: setup-test fmt lint deny unit docs

setup:
	@scripts/setup run

setup-test:
	@scripts/setup test

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny:
	cargo deny --all-features check licenses bans sources

unit:
	cargo nextest run --workspace --locked --no-fail-fast
	cargo test --workspace --locked --doc --quiet

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

bench:
	scripts/bench

screenshots:
	scripts/screenshots

# What CI does for a minute, for hours: seeds of the simulator, crash points of till and server, and frames in which the
# scanner must not read what nobody wrote.
SEEDS ?= 10000
GUESTS ?= 100000
CRASHES ?= 1000
FRAMES ?= 100000
MINUTES ?=
ROUND ?= 1
ifdef MINUTES
soak:
	scripts/soak $(MINUTES) $(ROUND)
else
soak:
	cargo run --release --locked -- simulate --seed 1 --seeds $(SEEDS) --devices 4 --days 1
	cargo run --release --locked -- --data "$${TMPDIR:-/tmp}/stempel-soak" bench soak --guests $(GUESTS)
	STEMPEL_CRASHES=$(CRASHES) cargo test --release --locked -p stempel-simulator --test it power:: -- --nocapture
	cargo run --release --locked -- bench scan --soak $(FRAMES)
endif

test-camera:
	scripts/test-camera

test-kiosk: setup-package
	scripts/test-kiosk

test-printer:
	cargo test --locked --test it -- --ignored --exact print::ipp::a_real_printer_by_ipp_and_its_faults

setup-package:
	@scripts/setup package

package: setup-package
	scripts/package

# Changes the rules in small ways and sees whether a test notices; WITH="--file ledger.rs" names a part (mutants/).
WITH ?=
mutants:
	@command -v cargo-mutants >/dev/null || cargo install cargo-mutants --locked --root $(TOOLS)
	cargo run --release --locked --manifest-path mutants/Cargo.toml -- --out "$${TMPDIR:-/tmp}/stempel-mutants" $(WITH)
