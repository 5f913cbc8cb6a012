#!/usr/bin/env bash
# Audits the circom circuits of a clone of zksecurity's zkbugs and prints a line for each.
# Usage: bench/circuit_audit.sh CLONE [SECONDS]; nothing is written into the clone or this repository.
set -euo pipefail
clone="$(cd "$1" && pwd)"
seconds="${2:-100}"
praman="${PRAMAN:-$(cd "$(dirname "$0")/.." && pwd)/target/release/praman}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm init -y >/dev/null && npm install --silent circom2@0.2.23 >/dev/null)

# Directories of the dataset with a circuit, by the name of their last two folders.
find "$clone/dataset/circom" -path '*/circuits/circuit.circom' | sort | while read -r circuit; do
  bug="$(dirname "$(dirname "$circuit")")"
  out="$work/out" && rm -rf "$out" && mkdir -p "$out"
  name="${bug#"$clone"/dataset/circom/}"
  if ! (cd "$(dirname "$circuit")" && "$work/node_modules/.bin/circom2" circuit.circom --O0 --r1cs --sym --wasm \
      -l "$clone/dataset/circom/dependencies" -o "$out") >"$out/log" 2>&1; then
    echo "$name: it does not compile"
    continue
  fi
  # The circuit's own generator, where the dataset has inputs for it.
  witness=()
  if [ -s "$bug/input.json" ] && node "$out/circuit_js/generate_witness.js" "$out/circuit_js/circuit.wasm" \
      "$bug/input.json" "$out/witness.wtns" >/dev/null 2>&1; then
    witness=(--wtns "$out/witness.wtns")
  fi
  "$praman" circuit audit --r1cs "$out/circuit.r1cs" --sym "$out/circuit.sym" "${witness[@]}" \
    --seconds "$seconds" --json >"$out/report.json" 2>"$out/error" || [ $? = 1 ] || { echo "$name: $(cat "$out/error")"; continue; }
  jq -r --arg name "$name" '"\($name): \(.constraints) rows, free outputs \(.free_outputs), free wires \(.free), \
not decided \(.not_decided), \(.seconds | floor) s, all determined: \(.every_wire_is_determined)"' "$out/report.json"
done
