// Speaks with a service by grpc-js: every call of praman.v1, by the description alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, ...requests] = process.argv.slice(2);
const proto = join(dirname(fileURLToPath(import.meta.url)), "../../service/proto");
const description = loader.loadSync("praman/v1/praman.proto", {
  includeDirs: [proto], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
const { v1 } = grpc.loadPackageDefinition(description).praman;
const plain = grpc.credentials.createInsecure();
const [claims, proving, schemes, snapshots, verification] =
  ["Claims", "Proving", "Schemes", "Snapshots", "Verification"].map((name) => new v1[name](address, plain));

const call = (client, method, message, metadata = new grpc.Metadata()) =>
  new Promise((done, fail) =>
    client[method](message, metadata, (error, answer) => (error ? fail(error) : done(answer))));
const all = (stream) =>
  new Promise((done, fail) => {
    const told = [];
    stream.on("data", (one) => told.push(one)).on("end", () => done(told)).on("error", fail);
  });
const refused = async (promise, code, word) => {
  const error = await promise.then(() => assert.fail("it is not refused"), (error) => error);
  assert.equal(error.code, code, `${error}`);
  if (word) assert.equal(error.metadata.get("praman-code")[0], word);
  return error;
};
const { INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION } = grpc.status;

const listed = await call(schemes, "List", {});
assert.equal(listed.schemes.length, 8);
const scheme = await call(schemes, "Get", { id: "krishak-bandhu" });
assert.match(scheme.text, /\[\[version\.tier\]\]/);
await refused(call(schemes, "Get", { id: "nothing" }), NOT_FOUND, "not-found");

const head = await call(snapshots, "Head", {});
assert.equal(head.offices[0].live, 1987);
const part = await call(snapshots, "Subtree", { office: 0, number: 3 });
assert.equal(part.leaves.length, (head.offices[0].places - 3 * 512) * 32);
assert.deepEqual(part.upper_levels.map((level) => level.length), [256, 256, 256]);
assert.ok(part.office_root.equals(head.offices[0].root));
const leaves = Buffer.concat((await all(snapshots.Leaves({ office: 0 }))).map((one) => one.leaves));
assert.ok(leaves.subarray(3 * 512 * 32).equals(part.leaves));
const none = await all(snapshots.Changes({ since: head.root }));
assert.deepEqual(none.map((one) => [one.part, one.head.offices.length]), [["head", 0]]);
await refused(all(snapshots.Changes({ since: Buffer.alloc(32) })), NOT_FOUND, "not-found");
await refused(all(snapshots.Changes({ since: Buffer.alloc(3) })), INVALID_ARGUMENT, "malformed");
await refused(call(snapshots, "Subtree", { office: 5, number: 0 }), NOT_FOUND);

const key = await call(proving, "Key", {});
const asked = requests.map((file) => {
  const { worker_key, sealed } = JSON.parse(readFileSync(file));
  return { worker_key: Buffer.from(worker_key, "hex"), sealed: Buffer.from(sealed, "hex") };
});
assert.ok(asked[0].worker_key.equals(key.worker_key));
assert.equal(asked[0].sealed.length, key.request_bytes);
const job = await call(proving, "Prove", { ...asked[0], wait_seconds: 20 });
assert.equal(job.state, "JOB_STATE_PROVED", job.message);
const told = await all(proving.Watch({ id: job.id }));
assert.equal(told.at(-1).state, "JOB_STATE_PROVED");
await refused(all(proving.Watch({ id: Buffer.alloc(32) })), NOT_FOUND);
await refused(call(proving, "Prove", { ...asked[0], sealed: Buffer.alloc(3) }), INVALID_ARGUMENT, "malformed");
await refused(call(proving, "Prove", { ...asked[0], worker_key: Buffer.alloc(32) }), FAILED_PRECONDITION, "other-key");
const many = proving.ProveMany();
for (const one of asked) many.write({ ...one, priority: "PRIORITY_BATCH" });
many.end();
const jobs = await all(many);
assert.deepEqual(jobs.map((one) => one.state), ["JOB_STATE_PROVED", "JOB_STATE_PROVED"]);
assert.ok(jobs.some((one) => one.id.equals(job.id)), "the same request is the same job");

const first = await call(claims, "Submit", { claim: job.claim, idempotency_key: "a", wait_seconds: 20 });
assert.equal(first.state, "CLAIM_STATE_ACCEPTED", first.message);
assert.deepEqual(await call(claims, "Status", { id: first.id }), first);
const moved = await all(claims.Watch({ id: first.id }));
assert.deepEqual(moved, [first]);
const other = jobs.find((one) => !one.id.equals(job.id));
const conflict = call(claims, "Submit", { claim: other.claim, idempotency_key: "a" });
await refused(conflict, grpc.status.ALREADY_EXISTS, "key-used");
const second = await call(claims, "Submit", { claim: other.claim, wait_seconds: 20 });
assert.equal(second.state, "CLAIM_STATE_ACCEPTED", second.message);
await refused(call(claims, "Status", { id: Buffer.alloc(32) }), NOT_FOUND, "not-found");
await refused(call(claims, "Status", { id: Buffer.alloc(31) }), INVALID_ARGUMENT, "malformed");
await refused(call(claims, "Submit", {}), INVALID_ARGUMENT, "malformed");
const forged = { ...other.claim, payout_commitment: other.claim.nullifier };
const verdict = await call(claims, "Submit", { claim: forged, wait_seconds: 20 });
assert.deepEqual([verdict.state, verdict.reason], ["CLAIM_STATE_REFUSED", "proof-invalid"]);
for (const [field, value] of [["proof", Buffer.alloc(256)], ["proof", Buffer.alloc(255)], ["nullifier", Buffer.alloc(32, 255)]]) {
  const bad = call(claims, "Submit", { claim: { ...other.claim, [field]: value } });
  await refused(bad, value.length === 256 ? FAILED_PRECONDITION : INVALID_ARGUMENT);
}
const no = await call(verification, "Verify", { public_inputs: [Buffer.alloc(32)], proof: job.claim.proof });
assert.equal(no.valid, false);
assert.ok(no.reason);

// Reflection and health, as grpcurl and an orchestrator ask.
const health = loader.fromJSON({ nested: { grpc: { nested: { health: { nested: { v1: { nested: {
  Ask: { fields: { service: { type: "string", id: 1 } } },
  Told: { fields: { status: { type: "uint32", id: 1 } } },
  Health: { methods: { Check: { requestType: "Ask", responseType: "Told" } } },
} } } } } } } });
const Health = grpc.loadPackageDefinition(health).grpc.health.v1.Health;
assert.equal((await call(new Health(address, plain), "Check", { service: "praman.v1.Claims" })).status, 1);
const reflection = loader.fromJSON({ nested: { grpc: { nested: { reflection: { nested: { v1: { nested: {
  Ask: { fields: { list_services: { type: "string", id: 7 } } },
  Service: { fields: { name: { type: "string", id: 1 } } },
  Services: { fields: { service: { rule: "repeated", type: "Service", id: 1 } } },
  Told: { fields: { list_services_response: { type: "Services", id: 6 } } },
  ServerReflection: { methods: { ServerReflectionInfo: {
    requestType: "Ask", responseType: "Told", requestStream: true, responseStream: true } } },
} } } } } } } });
const { ServerReflection } = grpc.loadPackageDefinition(reflection).grpc.reflection.v1;
const mirror = new ServerReflection(address, plain).ServerReflectionInfo();
mirror.write({ list_services: "*" });
mirror.end();
const names = (await all(mirror))[0].list_services_response.service.map((one) => one.name);
for (const name of ["Claims", "Proving", "Schemes", "Snapshots", "Verification"]) {
  assert.ok(names.includes(`praman.v1.${name}`), `${names}`);
}
console.log("all as described");
process.exit(0);
