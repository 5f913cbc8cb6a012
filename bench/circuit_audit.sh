#!/usr/bin/env bash
# Audits the circom circuits of a clone of zksecurity's zkbugs and prints a line for each.
# Usage: bench/circuit_audit.sh CLONE [SECONDS]; nothing is written into the clone or this repository.
set -euo pipefail
clone="$(cd "$1" && pwd)"
seconds="${2:-100}"
praman="${PRAMAN:-$(cd "$(dirname "$0")/.." && pwd)/target/release/praman}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts circom2@0.2.23
# The compiler sees the folder that it is started in, and what is below.
mkdir dataset && cp -r "$clone/dataset/circom" dataset/

find dataset/circom -path '*/circuits/circuit.circom' | sort | while read -r circuit; do
  bug="$(dirname "$(dirname "$circuit")")"
  name="${bug#dataset/circom/}"
  rm -rf out report.json && mkdir out
  if ! node_modules/.bin/circom2 "$circuit" --O0 --r1cs --sym --wasm -o out > out/log 2>&1 < /dev/null; then
    echo "$name: it does not compile"
    continue
  fi
  # The circuit's own generator, where the dataset has inputs for it.
  witness=()
  if [ -s "$bug/input.json" ] && node out/circuit_js/generate_witness.js out/circuit_js/circuit.wasm \
      "$bug/input.json" out/witness.wtns > /dev/null 2>&1; then
    witness=(--wtns out/witness.wtns)
  fi
  status=0
  "$praman" circuit audit --r1cs out/circuit.r1cs --sym out/circuit.sym "${witness[@]}" \
    --seconds "$seconds" --json > report.json 2> out/error < /dev/null || status=$?
  if [ "$status" -gt 1 ]; then
    echo "$name: $(tail -1 out/error)"
    continue
  fi
  jq -r --arg name "$name" '[$name, "\(.constraints) rows", "outputs: \(.free_outputs) free, \(.undecided_outputs) not decided",
    "wires: \(.free) free, \(.not_decided) not decided",
    "inputs: \(.not_checked) not checked, \(.for_the_caller) for the caller, \(.uses_not_decided) not decided",
    "structure: \(.structure | length)", "\(.seconds * 10 | round / 10) s"] | join("; ")' report.json
done
