// Hands in a claim that `praman prove` has made by gRPC, and follows it until the ledger has decided.
//
//   npm install --prefix examples @grpc/grpc-js @grpc/proto-loader
//   node examples/claim.mjs 127.0.0.1:8080 proof/claim.json
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, file, protos = new URL("../service/server/proto", import.meta.url).pathname] = process.argv.slice(2);
const description = loader.loadSync("praman/v1/praman.proto", { includeDirs: [protos], keepCase: true, enums: String });
const { v1 } = grpc.loadPackageDefinition(description).praman;
const claims = new v1.Claims(address, grpc.credentials.createInsecure());

// Field elements are decimal in files, and 32 bytes with the highest first on the wire.
const element = (decimal) => Buffer.from(BigInt(decimal).toString(16).padStart(64, "0"), "hex");
const text = JSON.parse(readFileSync(file));
const { pi_a: a, pi_b: b, pi_c: c } = text.proof;
const claim = {
  scheme: text.scheme,
  period: text.period,
  window: text.window,
  state_root: element(text.state_root),
  as_of: text.as_of,
  nullifier: element(text.nullifier),
  payout_commitment: element(text.payout_commitment),
  envelope: Buffer.from(text.envelope, "hex"),
  // A, B, C as the contracts take them: of B's coordinates the imaginary part is first.
  proof: Buffer.concat([a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]].map(element)),
};

const receipt = await new Promise((done, fail) =>
  claims.Submit({ claim, wait_seconds: 20 }, (error, answer) => (error ? fail(error) : done(answer))));
let last = receipt;
for await (const moved of claims.Watch({ id: receipt.id })) last = moved;
console.log(JSON.stringify({ id: last.id.toString("hex"), state: last.state, message: last.message }));
