// Speaks with a service as a page does: gRPC-Web over HTTP/1.1, by Connect's client and by hand as text.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, create, toBinary, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import loader from "@grpc/proto-loader";

const [host, request] = process.argv.slice(2);
const baseUrl = `http://${host}`;
const proto = join(dirname(fileURLToPath(import.meta.url)), "../../service/server/proto");
const description = loader.loadSync("praman/v1/praman.proto", { includeDirs: [proto], keepCase: true });
const file = fromBinary(FileDescriptorProtoSchema, description["praman.v1.Claim"].fileDescriptorProtos[0]);
// The loader leaves names as they are written.
const whole = (name) => (!name || name.startsWith(".") ? name : `.praman.v1.${name}`);
for (const field of file.messageType.flatMap((message) => message.field)) field.typeName = whole(field.typeName);
for (const method of file.service.flatMap((service) => service.method)) {
  method.inputType = whole(method.inputType);
  method.outputType = whole(method.outputType);
}
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
const transport = createGrpcWebTransport({ baseUrl });
const client = (name) => createClient(registry.getService(`praman.v1.${name}`), transport);
const all = async (stream) => {
  const told = [];
  for await (const one of stream) told.push(one);
  return told;
};
const refused = async (promise, code, word) => {
  const error = await promise.then(() => assert.fail("it is not refused"), ConnectError.from);
  assert.equal(error.code, code, `${error}`);
  assert.equal(error.metadata.get("praman-code"), word);
};

const listed = await client("Schemes").list({});
assert.equal(listed.schemes.length, 8);
await refused(client("Schemes").get({ id: "nothing" }), Code.NotFound, "not-found");
const head = await client("Snapshots").head({});
const leaves = await all(client("Snapshots").leaves({ office: 0 }));
const bytes = leaves.reduce((sum, part) => sum + part.leaves.length, 0);
assert.equal(bytes, Number(head.offices[0].places) * 32);
await refused(all(client("Snapshots").changes({ since: new Uint8Array(3) })), Code.InvalidArgument, "malformed");

// What is not for anyone is asked for with a credential, as over gRPC.
const { worker_key, sealed } = JSON.parse(readFileSync(request));
const asked = { workerKey: Buffer.from(worker_key, "hex"), sealed: Buffer.from(sealed, "hex"), waitSeconds: 20 };
await refused(client("Proving").prove(asked), Code.Unauthenticated, "not-authorised");
const headers = { authorization: process.env.KIOSK.replace("Authorization: ", "") };
const job = await client("Proving").prove(asked, { headers });
const receipt = await client("Claims").submit({ claim: job.claim, waitSeconds: 20 });
assert.equal(registry.getEnum("praman.v1.ClaimState").value[receipt.state].name, "CLAIM_STATE_ACCEPTED");
assert.deepEqual(await all(client("Claims").watch({ id: receipt.id })), [receipt]);
const wrong = { ...job.claim, proof: job.claim.proof.slice(1) };
await refused(client("Claims").submit({ claim: wrong }), Code.InvalidArgument, "malformed");

// As text, which the first clients of browsers send: base64 of the same frames.
const framed = (schema, message) => {
  const body = toBinary(schema, create(schema, message));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
};
const text = async (method, message) => {
  const { input } = registry.getService("praman.v1.Schemes").method[method];
  const answer = await fetch(`${baseUrl}/praman.v1.Schemes/${method[0].toUpperCase()}${method.slice(1)}`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web-text", accept: "application/grpc-web-text" },
    body: framed(input, message).toString("base64"),
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/grpc-web-text/);
  // Each frame is a text of its own, with its own padding.
  const frames = (await answer.text()).match(/[^=]+=*/g).map((frame) => Buffer.from(frame, "base64"));
  return Buffer.concat(frames);
};
const listing = await text("list", {});
const length = listing.readUInt32BE(1);
const { output } = registry.getService("praman.v1.Schemes").method.list;
assert.equal(fromBinary(output, listing.subarray(5, 5 + length)).schemes.length, 8);
assert.equal(listing[5 + length], 0x80);
assert.match(listing.subarray(10 + length).toString(), /^grpc-status: ?0\r\n/m);

// Other answers of the same port stay as they are.
const page = await fetch(`${baseUrl}/v1/schemes`);
assert.match(page.headers.get("content-type"), /^application\/json/);
const got = await fetch(`${baseUrl}/praman.v1.Schemes/List`, { headers: { "content-type": "application/grpc-web" } });
assert.equal(got.status, 405);
console.log("all as described");
process.exit(0);
