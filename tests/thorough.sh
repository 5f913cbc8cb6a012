#!/usr/bin/env bash
# The tests of which a landing runs a part, in full: a thousand kills, a thousand crashes, ten thousand
# sequences of calls, a thousand proofs and hashes beside other implementations. About half an hour on two cores;
# test.sh installs what they need.
set -euo pipefail
cd "$(dirname "$0")/.."
export PRAMAN_THOROUGH=1 PRAMAN_SEQUENCES="${PRAMAN_SEQUENCES:-10000}"
exec cargo nextest run --workspace --features praman/failpoints --locked --no-fail-fast -E \
  'test(kills_) + test(crashes_) + test(random_sequences_of_calls) + test(proofs_are_those) + test(circomlibjs_) + test(snarkjs_makes) +
   test(history_of_many_claims) + test(proofs_get_one_verdict) + test(every_page_is_whole)'
