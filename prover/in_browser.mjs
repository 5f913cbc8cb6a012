// Runs a WASI program in Chromium's page, on one thread: node in_browser.mjs PROGRAM.wasm [ARITHMETIC]
import { readFile } from "node:fs/promises";
import { launch } from "../tests/peers/browser.mjs";

// What the program asks of the system: chance, the time, and a place to print.
async function run(encoded, variable) {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  let memory;
  let printed = "";
  const view = () => new DataView(memory.buffer);
  const text = new TextDecoder();
  const variables = variable ? [new TextEncoder().encode(`PRAMAN_ARITHMETIC=${variable}\0`)] : [];
  const system = {
    random_get(at, length) {
      for (let done = 0; done < length; done += 65536) {
        crypto.getRandomValues(new Uint8Array(memory.buffer, at + done, Math.min(65536, length - done)));
      }
      return 0;
    },
    clock_time_get(_clock, _precision, at) {
      view().setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    fd_write(_file, parts, count, written) {
      let length = 0;
      for (let part = 0; part < count; part++) {
        const at = view().getUint32(parts + 8 * part, true);
        const size = view().getUint32(parts + 8 * part + 4, true);
        printed += text.decode(new Uint8Array(memory.buffer, at, size));
        length += size;
      }
      view().setUint32(written, length, true);
      return 0;
    },
    environ_sizes_get(count, size) {
      view().setUint32(count, variables.length, true);
      view().setUint32(size, variables.reduce((sum, bytes) => sum + bytes.length, 0), true);
      return 0;
    },
    environ_get(places, at) {
      for (const [number, bytes] of variables.entries()) {
        view().setUint32(places + 4 * number, at, true);
        new Uint8Array(memory.buffer).set(bytes, at);
      }
      return 0;
    },
    args_sizes_get(count, size) {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return 0;
    },
    args_get: () => 0,
    // Debian's library of C has no threads; the program goes on with one.
    pthread_attr_init: () => 0,
    pthread_attr_setstacksize: () => 0,
    pthread_attr_destroy: () => 0,
    pthread_create: () => 58,
    proc_exit(code) {
      throw new Error(`the program ended with ${code}: ${printed}`);
    },
  };
  const module = await WebAssembly.compile(bytes);
  // It has no files: 8 says so.
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = system[name] ?? (() => 8);
  }
  const instance = await WebAssembly.instantiate(module, imports);
  ({ memory } = instance.exports);
  instance.exports._start();
  return printed;
}

const [path, variable = ""] = process.argv.slice(2);
const browser = await launch();
try {
  const page = await browser.newPage();
  const encoded = (await readFile(path)).toString("base64");
  process.stdout.write(await page.evaluate(`(${run})(${JSON.stringify(encoded)}, ${JSON.stringify(variable)})`));
} finally {
  await browser.close();
}
