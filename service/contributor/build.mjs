// Puts the page together of its parts: node build.mjs PROGRAM.wasm COMPILER [--check]
//
// With --check it writes nothing, and ends with 1 if the committed page is another.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sources } from "./sources.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [wasm, compiler, mode] = process.argv.slice(2);
const check = mode === "--check";
const part = (name) => readFileSync(join(here, "page", name), "utf8");
const digest = (bytes, form) => createHash("sha256").update(bytes).digest(form);
const program = readFileSync(wasm);

/** The page with a program in it. */
function composed(program) {
  const texts = {
    style: part("page.css"),
    script: part("page.js"),
    worker: part("program.js"),
    program: program.toString("base64"),
  };
  for (const [name, text] of Object.entries(texts)) {
    if (/<\/(script|style)/i.test(text)) throw new Error(`${name} would end its element`);
  }
  // Nothing but what the page says itself is run or shown, and it asks the service alone that gave it.
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${digest(texts.script, "base64")}' 'wasm-unsafe-eval'`,
    `style-src 'sha256-${digest(texts.style, "base64")}'`,
    "worker-src blob:",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
  ].join("; ");
  return part("page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => ({ ...texts, policy })[name]);
}
const page = composed(program);
const record = {
  compiler,
  sources: sources(),
  program_sha256: digest(program, "hex"),
  page_sha256: digest(page, "hex"),
};
const recordPath = join(here, "ceremony.json"), pagePath = join(here, "ceremony.html");
console.log(`program ${program.length} bytes, page ${Buffer.byteLength(page)} bytes, SHA-256 ${record.page_sha256}`);
if (!check) {
  writeFileSync(pagePath, page);
  writeFileSync(recordPath, `${JSON.stringify(record, null, 1)}\n`);
} else {
  const kept = JSON.parse(readFileSync(recordPath, "utf8"));
  const committed = readFileSync(pagePath, "utf8");
  const [, text] = /<script type="text\/plain" id="program">([A-Za-z0-9+/=]*)</.exec(committed) ?? [null, ""];
  const its = Buffer.from(text, "base64");
  const fault = (text) => { console.error(`${text}: run service/contributor/build.sh`); process.exitCode = 1; };
  if (kept.sources !== record.sources) fault("the page is of other sources");
  else if (kept.page_sha256 !== digest(committed, "hex") || kept.program_sha256 !== digest(its, "hex")) {
    fault("the page is not the one that was recorded");
  } else if (composed(its) !== committed) fault("the page is not what its parts make");
  else if (kept.compiler !== compiler) {
    console.log(`its program is by ${kept.compiler}, and not compared with what ${compiler} makes`);
  } else if (committed !== page) fault("the program is not what its sources compile to");
}
