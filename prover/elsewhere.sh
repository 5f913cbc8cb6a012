#!/usr/bin/env bash
# Proves as WASM (in node, and by relaxed vectors in Chromium) and on aarch64 (in qemu), and checks that the proofs are
# those made here. Builds the holder's side as WASM.
#
# Where rustup can add the targets it does; else Debian's compiler builds the standard library for them.
set -euo pipefail
cd "$(dirname "$0")/.."

here=$(cargo run --quiet --release -p praman-prover --example prove_anywhere)
printf '%-22s%s\n' "this machine" "$here"

packages=(chromium qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
by_rustup() { rustup target add wasm32-wasip1 aarch64-unknown-linux-gnu >/dev/null 2>&1; }
if ! by_rustup; then
  packages+=(rustc-web cargo-web rust-web-src lld wasi-libc)
fi
. prover/debian_packages.sh
debian_packages "${packages[@]}"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
target=${CARGO_TARGET_DIR:-$PWD/target}
# What the program is built for beyond WASM itself.
vectors=
if by_rustup; then
  build() { CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=$vectors cargo build --locked "$@"; }
else
  # Debian's compiler is older: it takes a copy of the workspace with the last sha2 that it can build.
  copy=$target/elsewhere
  mkdir -p "$copy"
  git ls-files -co --exclude-standard | tar -cf - -T - | tar -xf - -C "$copy"
  (cd "$copy" && cargo update --quiet -p sha2@0.11.1 --precise 0.11.0)
  libraries=/usr/lib/wasm32-wasi
  build() {
    (cd "$copy" && RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$target" \
      CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld \
      CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="$vectors -Clink-self-contained=no -Clink-arg=-L$libraries -Clink-arg=$libraries/crt1-command.o -Clink-arg=--allow-undefined" \
      /usr/bin/cargo build -Zbuild-std=std,panic_abort --ignore-rust-version "$@")
  }
fi

compare() {
  printf '%-22s%s\n' "$1" "$2"
  [ "${2%% *}" = "${here%% *}" ] || { echo "$1 makes another proof" >&2; exit 1; }
}
# The holder's side is to run in a browser: it knows of no store and no node.
build --quiet --release --target wasm32-wasip1 -p praman-holder --lib
printf '%-22s%s\n' "the holder's side" "builds as WASM"
for triple in wasm32-wasip1 aarch64-unknown-linux-gnu; do
  build --quiet --release --target $triple -p praman-prover --example prove_anywhere
done
compare WASM "$(node --no-warnings prover/elsewhere.mjs \
  "$target/wasm32-wasip1/release/examples/prove_anywhere.wasm")"
# What people contribute to keys with.
service/contributor/build.sh --check
compare aarch64 "$(qemu-aarch64-static -L /usr/aarch64-linux-gnu \
  "$target/aarch64-unknown-linux-gnu/release/examples/prove_anywhere")"
# By relaxed vectors, which not every browser has: a program of its own.
[ -d tests/peers/node_modules ] || npm ci --silent --prefix tests/peers
vectors="-Ctarget-feature=+simd128,+relaxed-simd"
build --quiet --release --target wasm32-wasip1 -p praman-prover --example prove_anywhere
for arithmetic in portable wasm-relaxed-simd; do
  compare Chromium "$(node prover/in_browser.mjs \
    "$target/wasm32-wasip1/release/examples/prove_anywhere.wasm" $arithmetic)"
done
