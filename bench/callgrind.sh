#!/usr/bin/env bash
# Instructions of one proof, by this crate's portable path and by ark-groth16: the figure that no noise
# moves. What a run of three proofs takes more than a run of two is a proof.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "missing: valgrind (Debian's package)" >&2; exit 3; }

target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --quiet --release -p bench -p praman
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
export RAYON_NUM_THREADS=1 PRAMAN_ARITHMETIC=portable

instructions() { # circuit proofs [--arkworks]
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$target/release/bench" count \
    --circuit "$1" --keys "$keys/$1" --proofs "$2" ${3:-} 2>&1 |
    sed -n 's/.*Collected : //p'
}

for circuit in eligibility consent settlement; do
  "$target/release/praman" setup --circuit $circuit --out "$keys/$circuit" >/dev/null
  # The tables are made once, outside.
  "$target/release/bench" count --circuit $circuit --keys "$keys/$circuit" --proofs 1 >/dev/null
  ours=$(($(instructions $circuit 3) - $(instructions $circuit 2)))
  theirs=$(($(instructions $circuit 3 --arkworks) - $(instructions $circuit 2 --arkworks)))
  awk -v circuit=$circuit -v ours=$ours -v theirs=$theirs 'BEGIN {
    printf "%-12s ark-groth16 %.0f million instructions, portable path %.0f, ratio %.2f\n",
      circuit, theirs / 1e6, ours / 1e6, theirs / ours }'
done
