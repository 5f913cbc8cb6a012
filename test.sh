#!/usr/bin/env bash
# Everything that must hold: formatting, lints, tests, documents, compiled contracts.
# Installs what it needs from the Rust and npm registries; says plainly what else is missing.
set -euo pipefail
cd "$(dirname "$0")"

need() {
  command -v "$1" >/dev/null || { echo "missing: $1 ($2)" >&2; exit 3; }
}
need cargo "install Rust 1.95 or newer"
need node "install node 20 or newer"
need npm "comes with node"
need python3 "install Python 3"
python3 -m pip --version >/dev/null 2>&1 || { echo "missing: pip (install Python's pip)" >&2; exit 3; }
need cc "install a C compiler, for SQLite"

# What no language's registry has, where the system's packages can be installed.
system_package() {
  [ -e "$(command -v "$2" || ls $2 2>/dev/null | tail -1)" ] && return
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1" >/dev/null && return
  fi
  echo "missing: $1 (install your system's package of that name)" >&2
  exit 3
}

step() { printf '\n== %s\n' "$1"; }

step "peers and the contracts' compiler"
(cd tests/peers && npm ci --ignore-scripts --no-audit --no-fund)
(cd verifier/contracts && npm ci --ignore-scripts --no-audit --no-fund)

step "the schemas of banks and of Kubernetes"
python3 -m pip install --quiet --no-deps --upgrade --target tests/peers/python -r tests/peers/requirements.txt

step "a browser, for the page that shows a ledger"
system_package chromium chromium

step "a database server, and what the documents ask it with"
system_package curl curl
system_package jq jq
system_package postgresql '/usr/lib/postgresql/*/bin/postgres'
system_package pgbouncer '/usr/sbin/pgbouncer'

step "a token for keys, a clock that jumps"
system_package softhsm2 softhsm2-util
system_package libfaketime '/usr/lib/*/faketime/libfaketimeMT.so.1'

step "what reads units of systemd"
system_package systemd systemd-analyze

step "what runs rules of alerts"
# Out of its package alone: to install that would start a server.
fetch_promtool() {
  command -v promtool >/dev/null || [ -x tests/peers/promtool ] && return
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && (cd "$(mktemp -d)" && apt-get download -qq prometheus && dpkg -x ./*.deb .  &&
      cp usr/bin/promtool "$OLDPWD/tests/peers/") && return
  fi
  echo "missing: promtool (install your system's package prometheus)" >&2
  exit 3
}
fetch_promtool

step "formatting"
cargo fmt --all --check

step "unused dependencies, licences"
# The licences and sources of all dependencies are a test (tests/tidy.rs); cargo deny, where it is there, looks as well.
if ! command -v cargo-machete >/dev/null && ! [ -x tests/peers/cargo/bin/cargo-machete ]; then
  CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo install --quiet --locked --debug --root tests/peers/cargo --version 0.9.2 cargo-machete
fi
PATH="$PATH:$PWD/tests/peers/cargo/bin" cargo machete --skip-target-dir circuits prover verifier service bench tests/testkit
if command -v cargo-deny >/dev/null; then
  cargo deny --offline check licenses bans sources
fi

step "the contracts are what their sources compile to"
(cd verifier/contracts && npm run check && npm run lint)

step "lints"
cargo clippy --workspace --all-targets --features praman/failpoints --locked -- -D warnings

step "tests"
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --features praman/failpoints --locked --no-fail-fast
else
  cargo test --workspace --features praman/failpoints --locked --no-fail-fast --lib --bins --examples --tests
fi
cargo test --workspace --features praman/failpoints --locked --doc

step "documents"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --locked --no-deps

step "all passed"
