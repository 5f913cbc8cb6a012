#!/usr/bin/env bash
# The ledger on a second implementation of a node, Hardhat's (EDR), by each fork of the chain. It is installed into a
# temporary folder (300 MB). The landing's own tests run anvil, by each fork as well.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm install --no-audit --no-fund --ignore-scripts hardhat@2.29.1 >/dev/null)
HARDHAT=$folder CARGO_INCREMENTAL=0 cargo nextest run --workspace --features praman/failpoints --locked --no-capture \
  --run-ignored only -E 'test(hardhats_node)'
