"use strict";
// Runs the page's program, in a worker of its own that ends with it. The program is a WASI command: a request comes in,
// its answer goes out. It is given chance, and nothing else: no file, no network, no clock.

const BAD_DESCRIPTOR = 8, NOT_THERE = 52, NO_THREADS = 58;
/** How many bytes a browser gives of its generator at once. */
const CHANCE = 65536;

class Ended extends Error {}

/** Runs a compiled program on an input, which is wiped, and returns its output. */
async function run(module, input) {
  let read = 0, said = "", memory;
  const out = [];
  const view = () => new DataView(memory.buffer);
  const parts = (list, count) => Array.from({ length: count }, (_, place) => {
    const at = list + 8 * place;
    return new Uint8Array(memory.buffer, view().getUint32(at, true), view().getUint32(at + 4, true));
  });
  const counted = (at, count) => { view().setUint32(at, count, true); return 0; };
  const none = (count, size) => { counted(count, 0); return counted(size, 0); };
  const known = {
    wasi_snapshot_preview1: {
      fd_read(descriptor, list, count, at) {
        if (descriptor !== 0) return BAD_DESCRIPTOR;
        let taken = 0;
        for (const part of parts(list, count)) {
          const piece = input.subarray(read, read + part.length);
          part.set(piece);
          piece.fill(0);
          read += piece.length;
          taken += piece.length;
        }
        return counted(at, taken);
      },
      fd_write(descriptor, list, count, at) {
        if (descriptor !== 1 && descriptor !== 2) return BAD_DESCRIPTOR;
        let written = 0;
        for (const part of parts(list, count)) {
          if (descriptor === 1) out.push(part.slice());
          else said += new TextDecoder().decode(part);
          written += part.length;
        }
        return counted(at, written);
      },
      random_get(at, length) {
        for (let place = 0; place < length; place += CHANCE) {
          crypto.getRandomValues(new Uint8Array(memory.buffer, at + place, Math.min(CHANCE, length - place)));
        }
        return 0;
      },
      environ_sizes_get: none,
      environ_get: () => 0,
      args_sizes_get: none,
      args_get: () => 0,
      proc_exit(code) { throw new Ended(`it ended with ${code}`); },
    },
    // Debian's library of C has no threads; the program goes on with one.
    env: {
      pthread_attr_init: () => 0,
      pthread_attr_setstacksize: () => 0,
      pthread_attr_destroy: () => 0,
      pthread_create: () => NO_THREADS,
    },
  };
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = known[from]?.[name] ?? (() => NOT_THERE);
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  memory = exports.memory;
  try {
    exports._start();
  } catch (fault) {
    if (!(fault instanceof Ended) || said) throw new Error(said.trim() || fault.message);
  }
  const whole = new Uint8Array(out.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of out) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** A request as the program reads it: a line of JSON, and a file. */
function written(request, file) {
  const line = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
  const input = new Uint8Array(line.length + file.length);
  input.set(line);
  input.set(file, line.length);
  line.fill(0);
  return input;
}

/** The program's answer: what it tells, and the file that it made. */
function answered(output) {
  const end = output.indexOf(10);
  return { told: JSON.parse(new TextDecoder().decode(output.subarray(0, end))), file: output.slice(end + 1) };
}

// In a page's worker.
if (typeof WorkerGlobalScope !== "undefined") {
  self.onmessage = async ({ data: { module, request, file } }) => {
    try {
      const answer = answered(await run(module, written(request, file)));
      self.postMessage(answer, [answer.file.buffer]);
    } catch (fault) {
      self.postMessage({ told: { broken: fault.message } });
    }
  };
}
