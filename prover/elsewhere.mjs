// Runs a WASI program in node: node elsewhere.mjs PROGRAM.wasm
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1", args: ["prove"], env: {} });
const program = await WebAssembly.compile(await readFile(process.argv[2]));
// Debian's libc for WASI keeps errno where the program, which opens no file, never looks.
const env = {
  __errno_location: () => { throw new Error("a file was asked for"); },
  // Nor has it threads: 58 says that there are none, and the program goes on with one.
  pthread_attr_init: () => 0,
  pthread_attr_setstacksize: () => 0,
  pthread_attr_destroy: () => 0,
  pthread_create: () => 58,
  pthread_detach: () => 0,
};
const instance = await WebAssembly.instantiate(program, { ...wasi.getImportObject(), env });
process.exitCode = wasi.start(instance);
