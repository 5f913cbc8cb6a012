#!/usr/bin/env bash
# The engine's tests under AddressSanitizer: every read and write of the vector kernels, which are the
# only unsafe code, and of all that calls them. (Miri does not know these intrinsics.)
set -euo pipefail
cd "$(dirname "$0")/.."
triple=$(rustc -vV | sed -n 's/^host: //p')
# The switch is a nightly one; the runtime comes with the stable compiler.
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cdebuginfo=1"
cargo test --quiet --target "$triple" --target-dir "${CARGO_TARGET_DIR:-target}/sanitize" \
  -p praman-prover --lib -- --skip proofs_are_those --skip random_points "$@"
