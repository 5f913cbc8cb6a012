// Speaks with a service by grpc-js: every call of praman.v1, by the description alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { showing, v1 } from "./praman_v1.mjs";

const [address, ...requests] = process.argv.slice(2);
const plain = grpc.credentials.createInsecure();
const [claims, proving, schemes, snapshots, verification, issuing] =
  ["Claims", "Proving", "Schemes", "Snapshots", "Verification", "Issuing"].map((name) => new v1[name](address, plain));

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

// A kiosk's own.
const kiosk = showing(process.env.KIOSK);
const key = await call(proving, "Key", {});
const asked = requests.map((file) => {
  const { worker_key, sealed } = JSON.parse(readFileSync(file));
  return { worker_key: Buffer.from(worker_key, "hex"), sealed: Buffer.from(sealed, "hex") };
});
assert.ok(asked[0].worker_key.equals(key.worker_key));
assert.equal(asked[0].sealed.length, key.request_bytes);
const job = await call(proving, "Prove", { ...asked[0], wait_seconds: 20 }, kiosk);
assert.equal(job.state, "JOB_STATE_PROVED", job.message);
const told = await all(proving.Watch({ id: job.id }, kiosk));
assert.equal(told.at(-1).state, "JOB_STATE_PROVED");
await refused(all(proving.Watch({ id: Buffer.alloc(32) }, kiosk)), NOT_FOUND);
await refused(call(proving, "Prove", { ...asked[0], sealed: Buffer.alloc(3) }, kiosk), INVALID_ARGUMENT, "malformed");
await refused(call(proving, "Prove", { ...asked[0], worker_key: Buffer.alloc(32) }, kiosk), FAILED_PRECONDITION, "other-key");
const many = proving.ProveMany(kiosk);
for (const one of asked) many.write({ ...one, priority: "PRIORITY_BATCH" });
many.end();
const jobs = await all(many);
assert.deepEqual(jobs.map((one) => one.state), ["JOB_STATE_PROVED", "JOB_STATE_PROVED"]);
assert.ok(jobs.some((one) => one.id.equals(job.id)), "the same request is the same job");

await refused(call(proving, "Prove", asked[0]), grpc.status.UNAUTHENTICATED, "not-authorised");

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
const swapped = { ...other.claim, envelope: job.claim.envelope };
for (const claim of [forged, swapped]) {
  const verdict = await call(claims, "Submit", { claim, wait_seconds: 20 });
  assert.deepEqual([verdict.state, verdict.reason], ["CLAIM_STATE_REFUSED", "proof-invalid"]);
}
for (const [field, value] of [["proof", Buffer.alloc(256)], ["proof", Buffer.alloc(255)], ["nullifier", Buffer.alloc(32, 255)]]) {
  const bad = call(claims, "Submit", { claim: { ...other.claim, [field]: value } });
  await refused(bad, value.length === 256 ? FAILED_PRECONDITION : INVALID_ARGUMENT);
}
const no = await call(verification, "Verify", { public_inputs: [Buffer.alloc(32)], proof: job.claim.proof });
assert.equal(no.valid, false);
assert.ok(no.reason);

// An office's own: the sample register is issued to already, so that nobody gets a second credential.
const officer = showing(`Bearer ${process.env.OFFICE_TOKEN}`);
const upload = (parts, metadata = officer) =>
  new Promise((done, fail) => {
    const sent = issuing.Upload(metadata, (error, answer) => (error ? fail(error) : done(answer)));
    for (const part of parts) sent.write(part);
    sent.end();
  });
const csv = readFileSync(process.env.REGISTER);
const pieces = [];
for (let at = 0; at < csv.length; at += 50_000) pieces.push({ csv: csv.subarray(at, at + 50_000) });
const uploaded = await upload([{ head: { office: 0, makes_secrets: true } }, ...pieces]);
const register = { office: 0, id: uploaded.id };
const progress = await all(issuing.Watch(register, officer));
assert.equal(progress.at(-1).state, "REGISTER_STATE_ISSUED", progress.at(-1).message);
const issued = await call(issuing, "Status", { ...register, wait_seconds: 20 }, officer);
assert.deepEqual([issued.outcome.issued, issued.outcome.already_issued], [0, 1987]);
assert.equal(issued.bytes, csv.length);
const report = Buffer.concat((await all(issuing.Download({ ...register, content: "CONTENT_REPORT" }, officer)))
  .map((one) => one.bytes)).toString();
assert.equal(report.trim().split("\n").length, 2192);
await refused(all(issuing.Download({ ...register, content: "CONTENT_CREDENTIALS" }, officer)), NOT_FOUND);
await refused(all(issuing.Download(register, officer)), INVALID_ARGUMENT, "malformed");
assert.equal((await call(issuing, "List", { office: 0 }, officer)).registers.length, 1);
const revoked = await call(issuing, "Revoke", { office: 0, register_nos: ["WB070000009"] }, officer);
assert.equal(revoked.revoked, 1);
const newer = await all(snapshots.Changes({ since: head.root }));
assert.equal(newer[0].head.offices[0].live, 1986);
assert.equal(newer[1].leaves.places.length, 1);
await refused(call(issuing, "Revoke", { office: 0, register_nos: ["WB070000009"] }, officer), FAILED_PRECONDITION, "no-live-credential");
await call(issuing, "Forget", register, officer);
await refused(call(issuing, "Status", register, officer), NOT_FOUND);
const { UNAUTHENTICATED } = grpc.status;
await refused(call(issuing, "List", { office: 0 }), UNAUTHENTICATED, "not-authorised");
await refused(upload([{ head: { office: 0 } }], new grpc.Metadata()), UNAUTHENTICATED);
await refused(call(issuing, "List", { office: 7 }, officer), NOT_FOUND);
await refused(upload([{ csv: Buffer.from("a") }]), INVALID_ARGUMENT, "malformed");

// Reflection and health, as grpcurl and an orchestrator ask.
const health = loader.fromJSON({ nested: { grpc: { nested: { health: { nested: { v1: { nested: {
  Ask: { fields: { service: { type: "string", id: 1 } } },
  Told: { fields: { status: { type: "uint32", id: 1 } } },
  Health: { methods: { Check: { requestType: "Ask", responseType: "Told" } } },
} } } } } } } });
const Health = grpc.loadPackageDefinition(health).grpc.health.v1.Health;
assert.equal((await call(new Health(address, plain), "Check", { service: "praman.v1.Claims" })).status, 1);
// Both versions of reflection: clients of before 2024 ask by the earlier one.
for (const version of ["v1", "v1alpha"]) {
const reflection = loader.fromJSON({ nested: { grpc: { nested: { reflection: { nested: { [version]: { nested: {
  Ask: { fields: { list_services: { type: "string", id: 7 } } },
  Service: { fields: { name: { type: "string", id: 1 } } },
  Services: { fields: { service: { rule: "repeated", type: "Service", id: 1 } } },
  Told: { fields: { list_services_response: { type: "Services", id: 6 } } },
  ServerReflection: { methods: { ServerReflectionInfo: {
    requestType: "Ask", responseType: "Told", requestStream: true, responseStream: true } } },
} } } } } } } });
const { ServerReflection } = grpc.loadPackageDefinition(reflection).grpc.reflection[version];
const mirror = new ServerReflection(address, plain).ServerReflectionInfo();
mirror.write({ list_services: "*" });
mirror.end();
const names = (await all(mirror))[0].list_services_response.service.map((one) => one.name);
for (const name of ["Claims", "Proving", "Schemes", "Snapshots", "Verification", "Issuing"]) {
  assert.ok(names.includes(`praman.v1.${name}`), `${names}`);
}
}
console.log("all as described");
process.exit(0);
