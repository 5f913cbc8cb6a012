#!/usr/bin/env bash
# Builds the page by which people contribute to keys: ceremony.html, with its program in it, and what is recorded of it.
#
# With --check it writes nothing, and compares the committed page with what its sources compile to. Another version of the
# compiler makes another program: then the sources alone are compared.
set -euo pipefail
cd "$(dirname "$0")/../.."

. prover/debian_packages.sh
debian_packages rustc-web cargo-web rust-web-src lld wasi-libc

# The same bytes wherever it is built: no path of this machine is in them, and no place in a source.
libraries=/usr/lib/wasm32-wasi
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-Zlocation-detail=none --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=praman"
RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target CARGO_INCREMENTAL=0 \
  /usr/bin/cargo rustc --quiet --locked --ignore-rust-version -Zbuild-std=std,panic_abort --target wasm32-wasip1 \
  --profile page -p praman-contributor --bin praman-contributor -- -Clink-self-contained=no \
  -Clink-arg="-L$libraries" -Clink-arg="$libraries/crt1-command.o" \
  -Clink-arg="--allow-undefined-file=$PWD/service/contributor/absent.txt"
node service/contributor/build.mjs "$target/wasm32-wasip1/page/praman-contributor.wasm" "$(/usr/bin/rustc --version)" "$@"
