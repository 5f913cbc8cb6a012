// The digest of what the page is made of, as src/tests.rs computes it as well.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** What it does is in these; build.sh --check holds all else that is compiled into it. */
const OF = readFileSync(join(root, "service/contributor/sources.txt"), "utf8").trim().split("\n");

/** SHA-256 of a list of digests and names, as sha256sum writes it. */
export function sources() {
  const files = OF.flatMap((name) => statSync(join(root, name)).isDirectory()
    ? readdirSync(join(root, name), { recursive: true }).map((file) => `${name}/${file.split(sep).join("/")}`)
    : [name]);
  const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
  const lines = files.filter((name) => statSync(join(root, name)).isFile()).sort()
    .map((name) => `${digest(readFileSync(join(root, name)))}  ${name}\n`);
  return digest(lines.join(""));
}
