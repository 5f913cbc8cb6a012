// Compiles src/*.sol to artifacts/*.json, or with --check proves that the committed artifacts are
// what the sources compile to.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");
const wanted = ["Groth16Verifier", "Claims"];

const sources = Object.fromEntries(
  readdirSync(join(here, "src"))
    .sort()
    .map((name) => [name, { content: readFileSync(join(here, "src", name), "utf8") }]),
);
const settings = {
  // Permissioned networks often lag behind: no opcode younger than the merge.
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 1_000_000 },
  viaIR: true,
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const output = JSON.parse(
  solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), {
    import: (path) => ({ contents: sources[path.replace("./", "")].content }),
  }),
);
const faults = output.errors ?? [];
for (const fault of faults) console.error(fault.formattedMessage);
if (faults.length > 0) process.exit(1);

let stale = 0;
for (const name of wanted) {
  const contract = output.contracts[`${name}.sol`][name];
  const artifact = {
    contract: name,
    compiler: solc.version(),
    abi: contract.abi,
    bytecode: contract.evm.bytecode.object,
  };
  const text = JSON.stringify(artifact, null, 1) + "\n";
  const path = join(here, "artifacts", `${name}.json`);
  if (!check) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`artifacts/${name}.json is not what src/ compiles to: run npm run build`);
    stale += 1;
  }
  console.log(`${name}: ${artifact.bytecode.length / 2} bytes${check ? ", checked" : ""}`);
}
process.exit(stale === 0 ? 0 : 1);
