// Contributes in headless Chromium by the page service/contributor/ceremony.html, and prints what was shown and asked.
//
// node contributor.mjs PAGE FOLDER KEY.zkey WRONG.zkey,...      the page as a file, with a key that it makes
// node contributor.mjs ADDRESS FOLDER CEREMONY SIGNING-KEY.json at a coordinator; TOKEN and PASSPHRASE are variables
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [place, out, key, more] = process.argv.slice(2);
const afar = place.startsWith("http");
const address = afar ? `${place}/ceremony#${key}` : pathToFileURL(place).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(out, { recursive: true });
const report = { requests: [], faults: [], refused: [], violations: [], files: [] };
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, bypassCSP: false });
  context.on("request", (request) => report.requests.push(`${request.method()} ${request.url().replace(/[0-9a-f-]{36}$/, "")}`));
  const page = await context.newPage();
  page.on("pageerror", (fault) => report.faults.push(fault.message));
  page.on("console", (message) => { if (message.type() === "error") report.faults.push(message.text()); });
  await page.goto(address);
  const idle = () => page.waitForFunction(() => document.getElementById("state").textContent === "" && document.getElementById("making-state").textContent === "", null, { timeout: 120_000 });
  const fault = () => page.textContent("#fault");
  const look = async () => {
    // Playwright's evaluation is not the page's: its policy stays as it is.
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    report.violations.push(...found.violations.map((one) => ({ rule: one.id, nodes: one.nodes.slice(0, 3).map((node) => node.html) })));
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) report.faults.push("wider than the window");
  };
  const save = async (selector) => {
    for (const link of await page.$$(`${selector} a`)) {
      const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
      await download.saveAs(join(out, download.suggestedFilename()));
      report.files.push(download.suggestedFilename());
    }
  };
  await look();
  report.atCoordinator = await page.isVisible("#coordinator");

  let signing = more, passphrase = process.env.PASSPHRASE;
  if (!afar) {
    for (const wrong of more.split(",")) {
      await page.setInputFiles("#file", wrong);
      await page.waitForFunction(() => document.getElementById("fault").textContent !== "", null, { timeout: 60_000 });
      await idle();
      report.refused.push(await fault());
      if (await page.isVisible("#contributing")) report.faults.push(`${wrong} is asked to be contributed to`);
    }
    passphrase = "correct horse";
    await page.click("summary:has-text('Make a signing key')");
    await page.fill("#making-name", "Asha Roy");
    await page.fill("#making-passphrase", passphrase);
    await page.fill("#making-again", "another horse");
    await page.click("#making button");
    await idle();
    report.refused.push(await page.textContent("#making-fault"));
    await page.fill("#making-again", passphrase);
    await page.click("#making button");
    await page.waitForSelector("#making-public", { timeout: 60_000 });
    report.publicKey = await page.textContent("#making-public");
    await save("#making-files");
    signing = join(out, "signing-key.json");
    await page.setInputFiles("#file", key);
  } else {
    report.shownCeremony = await page.inputValue("#ceremony");
    await page.fill("#token", "praman_" + "0".repeat(64));
    await page.click("#turn");
    await page.waitForFunction(() => document.getElementById("fault").textContent !== "");
    report.refused.push(await fault());
    await page.fill("#token", process.env.TOKEN);
    await page.click("#turn");
  }
  await page.waitForSelector("#contributing", { state: "visible", timeout: 60_000 });
  await idle();
  const text = (id) => page.textContent(`#${id}`);
  report.shown = { size: await text("shown-size"), hash: await text("shown-hash"),
    contributions: await page.$$eval("#shown-contributions code", (all) => all.map((one) => one.textContent)) };
  await page.fill("#name", "Asha Roy");
  await page.fill("#typed", "ljdfg sdkjfh wqeoiu zxmnb");
  await page.click("#signing summary");
  await page.setInputFiles("#key", signing);
  await page.fill("#passphrase", "not this one");
  await page.fill("#organisation", "High Court");
  await page.fill("#statement", "in a browser");
  await look();
  await page.click("#contributing button");
  await page.waitForFunction(() => document.getElementById("fault").textContent !== "", null, { timeout: 60_000 });
  await idle();
  report.refused.push(await fault());
  await page.fill("#passphrase", passphrase);
  const began = performance.now();
  await page.click("#contributing button");
  await page.waitForSelector("#done", { state: "visible", timeout: 120_000 });
  report.seconds = (performance.now() - began) / 1000;
  await idle();
  report.fault = await fault();
  report.hash = await text("done-hash");
  report.next = await text("done-next");
  report.left = [await page.inputValue("#typed"), await page.inputValue("#passphrase")];
  await look();
  await save("#done-files");
  // Nothing else could be asked either: the page's own policy forbids it.
  report.barred = await page.evaluate(() => new Promise((told) => {
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => told(effectiveDirective));
    fetch("https://example.invalid/").then(() => told("sent"), () => {});
  }));
  report.faults = report.faults.filter((told) => !told.includes("example.invalid"));
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
