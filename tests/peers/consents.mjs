// Speaks with a service by grpc-js: every call of praman.v1.Consents, by the description alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { showing, v1 } from "./praman_v1.mjs";

const [address, accessFile, requestFile] = process.argv.slice(2);
const consents = new v1.Consents(address, grpc.credentials.createInsecure());
const requester = showing(process.env.REQUESTER);

const call = (method, message) =>
  new Promise((done, fail) =>
    consents[method](message, requester, (error, answer) => (error ? fail(error) : done(answer))));
const refused = async (promise, code, word) => {
  const error = await promise.then(() => assert.fail("it is not refused"), (error) => error);
  assert.equal(error.code, code, `${error}`);
  assert.equal(error.metadata.get("praman-code")[0], word);
};
const all = (stream) =>
  new Promise((done, fail) => {
    const told = [];
    stream.on("data", (one) => told.push(one)).on("end", () => done(told)).on("error", fail);
  });

/** A decimal element, or a point's coordinate, as 32 bytes. */
const bytes = (decimal) => Buffer.from(BigInt(decimal).toString(16).padStart(64, "0"), "hex");
const access = JSON.parse(readFileSync(accessFile));
const { pi_a: a, pi_b: b, pi_c: c } = access.proof;
const message = {
  request_id: Buffer.from(access.request_id.replaceAll("-", ""), "hex"),
  provider: access.provider,
  requester: access.requester,
  purpose: access.purpose,
  record_type: access.record_type,
  access_mode: access.access_mode,
  manager: access.manager,
  as_of: access.as_of,
  records_root: bytes(access.records_root),
  consents_root: bytes(access.consents_root),
  record: bytes(access.record),
  handle_blinding: bytes(access.handle_blinding),
  nullifier: bytes(access.nullifier),
  // The imaginary part of a coordinate in G2 comes first.
  proof: Buffer.concat([a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]].map(bytes)),
};

const released = await call("Release", message);
assert.ok(released.record.equals(message.record));
assert.equal(released.repeated, false);
assert.equal(released.access_mode, "VIEW");
assert.equal((await call("Release", message)).repeated, true);
await refused(call("Release", { ...message, purpose: "BTG" }), grpc.status.FAILED_PRECONDITION, "break-glass");
await refused(
  call("Release", { ...message, record_type: "Invoice" }), grpc.status.FAILED_PRECONDITION, "access-used");
await refused(
  call("Release", { ...message, nullifier: bytes(1), as_of: message.as_of }),
  grpc.status.FAILED_PRECONDITION, "proof-invalid");
await refused(call("Release", { ...message, nullifier: Buffer.alloc(3) }), grpc.status.INVALID_ARGUMENT, "malformed");
await refused(
  call("Release", { ...message, nullifier: Buffer.alloc(32, 255) }), grpc.status.INVALID_ARGUMENT, "malformed");

const trail = await all(consents.Accesses({ provider: access.provider, from_block: 0 }));
assert.equal(trail.length, 2);
assert.ok(trail.some((one) => one.nullifier.equals(message.nullifier) && one.block === released.block));
const document = readFileSync(requestFile, "utf8");
assert.deepEqual((await call("Ask", { document })).repeated, true);
await refused(
  call("Ask", { document: document.replace("5f7a", "5f7b").replace("VIEW", "READ") }),
  grpc.status.INVALID_ARGUMENT, "malformed");
