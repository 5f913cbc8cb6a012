// Compiles src/**/*.sol to artifacts/*.json, or with --check proves that the committed artifacts are
// what the sources compile to. With either, an upgradeable contract's storage may only grow beyond
// what `layouts/` holds of the release before (--release writes it).
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");
const release = process.argv.includes("--release");
const wanted = [
  "Groth16Verifier",
  "PoseidonConstants",
  "Proxy",
  "Committee",
  "Participants",
  "Offices",
  "Claims",
  "Scopes",
  "Archives",
  "Disputes",
  "NodeDirectory",
  "Consents",
  "Anchors",
  "Settlements",
  "testing/BatchSeed",
];
const upgradeable = [
  "Participants",
  "Offices",
  "Claims",
  "Scopes",
  "Archives",
  "Disputes",
  "NodeDirectory",
  "Consents",
  "Settlements",
];
/** What EIP-170 lets a contract's code be. */
const CODE_MAX = 24_576;

const sources = Object.fromEntries(
  readdirSync(join(here, "src"), { recursive: true })
    .map((name) => name.split(sep).join("/"))
    .filter((name) => name.endsWith(".sol"))
    .sort()
    .map((name) => [name, { content: readFileSync(join(here, "src", name), "utf8") }]),
);
const settings = {
  // Permissioned networks often lag behind: no opcode younger than the merge.
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 1_000_000 },
  viaIR: true,
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] },
  },
};
// Relative imports within a package arrive here resolved. Nothing but OpenZeppelin's is read.
const fromModules = (unit) =>
  /^@openzeppelin\/contracts\/[\w/-]+\.sol$/.test(unit)
    ? { contents: readFileSync(join(here, "node_modules", unit), "utf8") }
    : { error: `${unit} is neither in src/ nor OpenZeppelin's` };
const input = JSON.stringify({ language: "Solidity", sources, settings });
const output = JSON.parse(solc.compile(input, { import: fromModules }));
const faults = output.errors ?? [];
for (const fault of faults) console.error(fault.formattedMessage);
if (faults.length > 0) process.exit(1);

/** Names and places of a layout; the compiler's numbers for types change with any source. */
const plain = (id) => id.replace(/(t_(?:struct|enum|contract)\([^()]*\))\d+/g, "$1");
const layout = ({ storage, types }) => {
  const entry = ({ label, offset, slot, type }) => ({ label, offset, slot, type: plain(type) });
  const structs = Object.entries(types ?? {})
    .filter(([, type]) => type.members)
    .map(([id, type]) => [plain(id), type.members.map(entry)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { storage: storage.map(entry), structs: Object.fromEntries(structs) };
};
/** Whether a newer list begins with an older one. */
const grows = (older, newer) =>
  older.every((entry, place) => JSON.stringify(entry) === JSON.stringify(newer[place]));

let stale = 0;
const fault = (text) => {
  console.error(text);
  stale += 1;
};
const write = (path, value) => {
  const text = JSON.stringify(value, null, 1) + "\n";
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    fault(`${path.slice(here.length + 1)} is not what src/ compiles to: run npm run build`);
  }
};
for (const unit of wanted) {
  const name = unit.split("/").at(-1);
  const contract = output.contracts[`${unit}.sol`][name];
  const artifact = {
    contractName: name,
    compiler: solc.version(),
    abi: contract.abi,
    bytecode: contract.evm.bytecode.object,
  };
  const size = contract.evm.deployedBytecode.object.length / 2;
  if (size > CODE_MAX) fault(`${name}: ${size} bytes are more than a contract's code may have`);
  write(join(here, "artifacts", `${name}.json`), artifact);
  console.log(`${name}: ${size} bytes${check ? ", checked" : ""}`);
  if (!upgradeable.includes(name)) continue;
  const path = join(here, "layouts", `${name}.json`);
  const now = layout(contract.storageLayout);
  if (release || !existsSync(path)) writeFileSync(path, JSON.stringify(now, null, 1) + "\n");
  const before = JSON.parse(readFileSync(path, "utf8"));
  const structsGrow = Object.entries(before.structs).every(
    // A struct may lie in an array, where it cannot even grow.
    ([id, members]) => JSON.stringify(now.structs[id]) === JSON.stringify(members),
  );
  if (!grows(before.storage, now.storage) || !structsGrow) {
    fault(`${name}: storage is not laid out as before; an upgrade would corrupt it`);
  }
}
process.exit(stale === 0 ? 0 : 1);
