// The verifier that `snarkjs zkey export solidityverifier` generates for a verification key: its own
// template, filled with the key, compiled with this project's compiler. Prints the creation code.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const fromPeers = createRequire(join(here, "package.json"));
const fromContracts = createRequire(join(here, "../../verifier/contracts/package.json"));
const snarkjs = dirname(fromPeers.resolve("snarkjs"));
const ejs = createRequire(join(snarkjs, "package.json"))("ejs");
const solc = fromContracts("solc");

const key = JSON.parse(readFileSync(process.argv[2], "utf8"));
const template = readFileSync(join(snarkjs, "../templates/verifier_groth16.sol.ejs"), "utf8");
const content = ejs.render(template, key);
const settings = {
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 1_000_000 },
  outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
};
const input = { language: "Solidity", sources: { "Verifier.sol": { content } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const faults = (output.errors ?? []).filter(({ severity }) => severity === "error");
for (const fault of faults) console.error(fault.formattedMessage);
if (faults.length > 0) process.exit(1);
console.log(output.contracts["Verifier.sol"].Groth16Verifier.evm.bytecode.object);
