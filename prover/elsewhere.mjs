// Runs a WASI program in node: node elsewhere.mjs PROGRAM.wasm
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1", args: ["prove"], env: {} });
const program = await WebAssembly.compile(await readFile(process.argv[2]));
// Debian's libc for WASI keeps errno where the program, which opens no file, never looks.
const env = { __errno_location: () => { throw new Error("a file was asked for"); } };
const instance = await WebAssembly.instantiate(program, { ...wasi.getImportObject(), env });
process.exitCode = wasi.start(instance);
