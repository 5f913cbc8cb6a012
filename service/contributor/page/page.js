"use strict";
const byId = (id) => document.getElementById(id);
/** A browser's memory holds a key about five times while it works. */
const FILE_MAX = 512 * 1024 * 1024;
/** How long the page waits before it asks for its turn again. */
const TURN_SECONDS = 5;
const NO_FILE = new Uint8Array();
const TOO_LARGE = "This key is too large for a browser. Use praman on a computer.";

const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const program = WebAssembly.compile(decoded(byId("program").textContent));
program.catch(() => say("fault", "Your browser can't run this page's program. Use a newer browser, or praman on a computer."));
const workerAddress = URL.createObjectURL(new Blob([byId("worker").textContent], { type: "text/javascript" }));

const DONE = "You have contributed";

/** The key that is open, and where it came from. */
let open = null;
/** What a coordinator has yet to be sent. */
let unsent = null;
/** How often a key was asked for: only the last time counts. */
let asked = 0;

const say = (id, text) => { byId(id).textContent = text; };

/** What a person reads of a fault; of a service's refusal also its code, and whether to ask again is of use. */
class Told extends Error {
  constructor(message, { code, passes = false } = {}) {
    super(message);
    Object.assign(this, { code, passes });
  }
}

/** Has the program answer a request, in a worker that ends with it. */
async function ask(request, file = NO_FILE) {
  const worker = new Worker(workerAddress);
  try {
    const { told, file: made } = await new Promise(async (answer, refuse) => {
      worker.onmessage = ({ data }) => answer(data);
      worker.onerror = (event) => { event.preventDefault(); refuse(new Told("Your browser stopped the work.")); };
      try { worker.postMessage({ module: await program, request, file }); } catch (fault) { refuse(fault); }
    });
    if (told.broken) throw new Told(`The work broke off: ${told.broken}. Your browser may have too little memory for this key.`);
    if (told.fault) throw new Told(`This was refused: ${told.fault}.`);
    return { told, made };
  } finally {
    worker.terminate();
  }
}

/** Does a piece of work; says how long it takes, and what is wrong. */
async function work(words, { state, fault }, act) {
  const began = performance.now();
  // The seconds are not read out: the words alone are.
  const tell = () => say(`${state}-seconds`, `${Math.round((performance.now() - began) / 1000)} seconds`);
  say(fault, "");
  say(state, `${words} …`);
  const clock = setInterval(tell, 1000);
  const buttons = [...document.querySelectorAll("button:not(#stop), #file, #key")];
  for (const button of buttons) button.disabled = true;
  try {
    await act();
  } catch (error) {
    say(fault, error instanceof Told ? error.message : `This did not work: ${error.message}.`);
  } finally {
    clearInterval(clock);
    say(state, "");
    say(`${state}-seconds`, "");
    for (const button of buttons) button.disabled = false;
  }
}
const MAIN = { state: "state", fault: "fault" };
const MAKING = { state: "making-state", fault: "making-fault" };

/** Offers a file for download. */
function offer(list, name, bytes, words) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.textContent = words;
  const item = document.createElement("li");
  item.append(link);
  byId(list).append(item);
}
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** Whether a contribution that a coordinator has yet to be sent may be given up. */
const mayForget = () => !unsent || confirm("Your contribution is not sent yet. Discard it?");
addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); });

function forget() {
  open = unsent = null;
  asked += 1;
  for (const id of ["shown", "contributing", "done"]) byId(id).hidden = true;
}

/** Shows a key, and asks for a contribution to it: at a coordinator until the turn ends. */
async function show(name, bytes, ceremony = null, ends = null) {
  const { told } = await ask({ act: "show", file: name }, bytes);
  open = { name, bytes, ceremony };
  say("shown-file", name);
  say("shown-size", `rows: up to 2^${told.power}; wires: ${told.wires}; public inputs: ${told.public_inputs}`);
  say("shown-hash", told.circuit_hash);
  say("shown-ends", ends ? new Date(ends).toLocaleTimeString() : "");
  byId("shown-turn").hidden = !ends;
  byId("shown-contributions").replaceChildren(...told.contributions.map(({ hash, name, beacon }) => {
    const item = document.createElement("li"), code = document.createElement("code");
    code.textContent = hash;
    item.append(`${name || "no name"}${beacon ? ` (beacon ${beacon})` : ""} `, code);
    return item;
  }));
  byId("shown-none").hidden = told.contributions.length > 0;
  byId("shown").hidden = byId("contributing").hidden = false;
}

byId("file").addEventListener("change", () => {
  const [file] = byId("file").files;
  if (!mayForget()) return;
  forget();
  if (!file) return;
  work("Reading the file", MAIN, async () => {
    if (file.size > FILE_MAX) throw new Told(TOO_LARGE);
    await show(file.name, new Uint8Array(await file.arrayBuffer()));
  });
});

/** Asks the service that gave the page. */
async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
  } catch {
    throw new Told("The service does not answer. Look whether you are connected, and try again.", { passes: true });
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Told(answer.status === 401 ? "The service does not know this access key."
    : error ? `The service refused: ${error.message}.` : `The service refused, with number ${answer.status}.`,
  { code: error?.code, passes: answer.status >= 500 });
}
const post = (ceremony, path, body, kind) => request(`/v1/ceremonies/${ceremony.name}/${path}`, {
  method: "POST", body, headers: { authorization: `Bearer ${ceremony.token}`, ...(kind && { "content-type": kind }) },
});
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

/** Waits for a turn, for hours if need be, until it is there or the person stops; says when it ends. */
async function turn(ceremony) {
  const mine = asked;
  byId("stop").hidden = false;
  try {
    for (let first = true; mine === asked; first = false) {
      try {
        const { holding, ends_at: ends } = await (await post(ceremony, "turns")).json();
        if (holding) return ends ?? Date.now();
      } catch (fault) {
        if (first || !fault.passes) throw fault;
      }
      await pause(TURN_SECONDS);
    }
    return null;
  } finally {
    byId("stop").hidden = true;
  }
}
byId("stop").addEventListener("click", () => { asked += 1; });

byId("coordinator").hidden = !location.protocol.startsWith("http");
byId("ceremony").value = /^#[a-z0-9-]{1,64}$/.test(location.hash) ? location.hash.slice(1) : "";
byId("opening").addEventListener("submit", (event) => {
  event.preventDefault();
  const ceremony = { name: byId("ceremony").value.trim(), token: byId("token").value.trim() };
  if (!mayForget()) return;
  forget();
  byId("file").value = "";
  work("Waiting for your turn", MAIN, async () => {
    if (!ceremony.name || !ceremony.token) throw new Told("Give the name of the ceremony and your access key.");
    const ends = await turn(ceremony);
    if (ends === null) return;
    const answer = await request(`/v1/ceremonies/${ceremony.name}/file`);
    if (Number(answer.headers.get("content-length")) > FILE_MAX) throw new Told(TOO_LARGE);
    await show(`${ceremony.name}.zkey`, new Uint8Array(await answer.arrayBuffer()), ceremony, ends);
  });
});

/** Brings a contribution. A turn that has ended meanwhile is taken again: the file still counts if nobody contributed. */
async function bring(ceremony, file) {
  const once = async () => (await post(ceremony, "contributions", file, "application/octet-stream")).json();
  try {
    return await once();
  } catch (fault) {
    if (fault.code === "contribution") {
      throw new Told(`${fault.message} This contribution does not count: take your turn and contribute again.`);
    }
    if (fault.code !== "not-your-turn") throw fault;
    if (await turn(ceremony) === null) throw new Told("Your contribution is not sent yet. Send it again.");
    return once();
  }
}

/** Sends a coordinator what it has yet to get. */
async function send() {
  const mine = unsent;
  byId("done-again").hidden = false;
  if (mine.file) {
    const receipt = await bring(mine.ceremony, mine.file);
    offer("done-files", "receipt.json", json(receipt), "The service's receipt: keep it");
    mine.file = null;
    say("done-title", DONE);
  }
  if (mine.attestation) await post(mine.ceremony, "attestations", json(mine.attestation), "application/json");
  unsent = null;
  say("done-next", "The service has taken your contribution. You are done.");
  byId("done-again").hidden = true;
}
byId("again").addEventListener("click", () => work("Sending", MAIN, send));

byId("contributing").addEventListener("submit", (event) => {
  event.preventDefault();
  work("Working. Leave this page open", MAIN, async () => {
    const { name: from, bytes, ceremony } = open;
    const name = byId("name").value.trim();
    const [key] = byId("key").files;
    const signer = key ? {
      key: await key.text(), passphrase: byId("passphrase").value,
      organisation: byId("organisation").value.trim(), statement: byId("statement").value.trim(),
    } : null;
    if (signer && !signer.organisation) throw new Told("Give your organisation: it is signed.");
    const { told, made } = await ask({ act: "contribute", file: from, name, typed: byId("typed").value, signer }, bytes);
    byId("typed").value = byId("passphrase").value = "";
    const file = `${from.replace(/\.zkey$/, "")}-${told.number}.zkey`;
    byId("contributing").hidden = true;
    byId("done-files").replaceChildren();
    say("done-hash", told.contribution);
    offer("done-files", file, made, `The new key: ${file}`);
    offer("done-files", `${file}.hash.txt`, `${told.contribution}\n`, "The hash of your contribution");
    if (told.attestation) offer("done-files", `${file}.attestation.json`, json(told.attestation), "Your signed attestation");
    say("done-title", ceremony ? "Your contribution is made, and not sent yet" : DONE);
    say("done-next", ceremony ? "" : "Save the files. Give the new key to the next contributor or to the department.");
    byId("done").hidden = false;
    byId("done-title").focus();
    if (!ceremony) return;
    unsent = { ceremony, file: made, attestation: told.attestation };
    await send();
  });
});

byId("making").addEventListener("submit", (event) => {
  event.preventDefault();
  work("Making the key", MAKING, async () => {
    const [name, passphrase, again] = ["making-name", "making-passphrase", "making-again"].map((id) => byId(id).value);
    if (passphrase !== again) throw new Told("The two passphrases are not the same.");
    const { told, made } = await ask({ act: "make-key", name: name.trim(), passphrase });
    byId("making-passphrase").value = byId("making-again").value = "";
    byId("making-files").replaceChildren();
    offer("making-files", "signing-key.json", made, "Your signing key: save it");
    const item = document.createElement("li"), code = document.createElement("code");
    code.id = "making-public";
    code.textContent = told.public_key;
    item.append("Your public key, for the department: ", code);
    byId("making-files").append(item);
  });
});
