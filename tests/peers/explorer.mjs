// Opens network/explorer.html in headless Chromium, asks a node, and prints what the page shows.
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [node, claims, participants, settlements, disputes] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  const faults = [];
  page.on("pageerror", (fault) => faults.push(fault.message));
  await page.goto(pathToFileURL(join(here, "../../network/explorer.html")).href);
  await page.fill("#node", node);
  await page.fill("#claims", claims);
  await page.fill("#participants", participants);
  await page.fill("#settlements", settlements);
  await page.fill("#disputes", disputes);
  await page.click("button");
  await page.waitForFunction(() => /up to block|does not answer/.test(document.getElementById("state").textContent));
  const rows = (id) => page.$$eval(`#${id} tr`, (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  const shown = { state: await page.textContent("#state"), openings: await rows("openings"),
    roles: await rows("roles"), orders: await rows("orders"), settled: await rows("settled"), faults, wide };
  console.log(JSON.stringify(shown));
} finally {
  await browser.close();
}
