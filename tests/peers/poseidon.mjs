// Prints circomlibjs' Poseidon of random inputs: for each width from 1 to 16 inputs as many lines as
// asked for, each the hash and its inputs. Edge values come first.
import { randomBytes } from "node:crypto";
import { buildPoseidonReference } from "circomlibjs";

const cases = Number(process.argv[2]);
const poseidon = await buildPoseidonReference();
const field = poseidon.F;
const edges = [0n, 1n, field.p - 1n, (field.p - 1n) / 2n, 1n << 253n];
const random = () => BigInt(`0x${randomBytes(32).toString("hex")}`) % field.p;

const lines = [];
for (let width = 1; width <= 16; width += 1) {
  for (let number = 0; number < cases; number += 1) {
    const edge = edges[number];
    const inputs = Array.from({ length: width }, () => (edge === undefined ? random() : edge % field.p));
    const hash = field.toString(poseidon(inputs));
    lines.push([hash, ...inputs.map(String)].join(" "));
  }
}
process.stdout.write(`${lines.join("\n")}\n`);
