#!/bin/sh
# Hands in a claim that `praman prove` has made, and follows it until the ledger has decided.
#
#   sh examples/claim.sh http://127.0.0.1:8080 proof/claim.json
set -eu
service=$1 claim=$2

# The key is your own name for the claim. Where an answer is lost, send the claim again with the same one: it is
# accepted once, and the receipt is the same.
receipt=$(curl --silent --show-error --fail-with-body --data-binary @"$claim" \
  --header "Idempotency-Key: $(sha256sum <"$claim" | cut -c 1-32)" --header 'Accept-Language: en' "$service/v1/claims?wait=20")
id=$(printf '%s' "$receipt" | jq -r .id)

# What is not decided yet is asked for again; each answer comes as soon as the claim moves.
while [ "$(printf '%s' "$receipt" | jq -r .state)" = verified ] || [ "$(printf '%s' "$receipt" | jq -r .state)" = submitted ]; do
  receipt=$(curl --silent --show-error --fail-with-body "$service/v1/claims/$id?wait=20")
done
printf '%s\n' "$receipt"
