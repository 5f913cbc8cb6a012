#!/usr/bin/env bash
# Where circom's optimiser and the .r1cs format meet: the header counts private inputs that have no wire.
#
# Versions:    circom2 0.2.23 (circom 2.2.3).
# Behaviour:   from --O1 on, which is the default, a private input that no constraint uses loses its wire, and nPrvIn in
#              the header still counts it. The wire that then stands at its place is an intermediate signal.
# Output seen: --O1: 4 wires, 1 output, 2 private inputs; labels 0,1,2,4. Wire 3, which the header counts as an input, has
#              label 4: the signal `square`. With --O0 it has label 3, and 5 wires are there.
# Expected:    iden3's r1cs_bin_format.md says of nPrvIn: "Total Number of wires private input wires. They should be
#              starting just after the public inputs".
# So:          whoever holds inputs fixed to look for a second witness, or feeds inputs by wire, takes them from the
#              labels (outputs, public inputs and private inputs have the lowest ones, in this order) or the .sym.
#
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts circom2@0.2.23
cat > cube.circom <<'CIRCOM'
pragma circom 2.0.0;
template Cube() {
    signal input base;
    signal input unused;
    signal output cube;
    signal square;
    square <== base * base;
    cube <== square * base;
}
component main = Cube();
CIRCOM
cat > header.mjs <<'JS'
import { readFileSync } from "node:fs";
const bytes = readFileSync(process.argv[2]);
const sections = {};
let place = 12;
for (let left = bytes.readUInt32LE(8); left > 0; left--) {
  const [kind, size] = [bytes.readUInt32LE(place), Number(bytes.readBigUInt64LE(place + 4))];
  sections[kind] = bytes.subarray(place + 12, place + 12 + size);
  place += 12 + size;
}
const header = sections[1];
const field = header.readUInt32LE(0);
const number = (index) => header.readUInt32LE(4 + field + 4 * index);
const labels = [];
for (let wire = 0; wire < number(0); wire++) labels.push(sections[3].readBigUInt64LE(8 * wire));
console.log(`wires ${number(0)} outputs ${number(1)} public ${number(2)} private ${number(3)} labels ${labels}`);
JS
for level in O0 O1; do
  mkdir "$level"
  ./node_modules/.bin/circom2 cube.circom "--$level" --r1cs -o "$level" > /dev/null
done
whole=$(node header.mjs O0/cube.r1cs)
simplified=$(node header.mjs O1/cube.r1cs)
echo "--O0: $whole"
echo "--O1: $simplified"
[ "$whole" = "wires 5 outputs 1 public 0 private 2 labels 0,1,2,3,4" ]
[ "$simplified" = "wires 4 outputs 1 public 0 private 2 labels 0,1,2,4" ]
