// Walks the desk in headless Chromium: comes in by keyboard, visits every page in every language and width,
// asks axe-core of each, and prints what was found. Screenshots in Bengali go to a folder.
//
// node desk.mjs ADDRESS KEYS.json REGISTER.csv OUT
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launch } from "./browser.mjs";

const [address, keysFile, register, out] = process.argv.slice(2);
const keys = JSON.parse(readFileSync(keysFile, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(out, { recursive: true });

const browser = await launch();
const WIDTHS = [360, 1280];
const faults = [];
const report = { pages: [], violations: [], wide: [], faults };

function watch(page) {
  page.on("pageerror", (fault) => faults.push(fault.message));
  page.on("console", (message) => {
    // A page that is refused is said to be so; all else is a fault, a breach of the policy among them.
    if (message.type() === "error" && !/status of (401|403|404|422)/.test(message.text())) faults.push(message.text());
  });
  return page;
}

// Comes in with nothing but a keyboard.
async function enter(role) {
  const context = await browser.newContext({ locale: "bn-IN" });
  const page = watch(await context.newPage());
  await page.goto(`${address}/desk/enter`);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.className);
  await page.keyboard.press("Enter");
  const jumped = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Tab");
  const field = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.type(keys[role]);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${address}/desk`);
  if (role === "office") report.keyboard = { first, jumped, field };
  return page;
}

async function look(page, path, name) {
  for (const language of ["bn", "hi", "en"]) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
      await page.goto(`${address}${path}${path.includes("?") ? "&" : "?"}lang=${language}`);
      await page.evaluate(() => document.fonts.ready);
      // What axe-core asks of structure is the same in each language: by default it is asked once narrow and once wide.
      const asked = process.env.PRAMAN_THOROUGH || (width === 360 ? language === "bn" : language === "en");
      let passes = 0;
      if (asked) {
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
        for (const one of found.violations) {
          report.violations.push({ path, language, width, rule: one.id, nodes: one.nodes.slice(0, 3).map((node) => node.html) });
        }
        passes = found.passes.length;
        report.asked = (report.asked ?? 0) + 1;
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      if (wide) report.wide.push({ path, language, width });
      const title = await page.textContent("h1");
      report.pages.push({ name, path, language, width, title, passes });
      if (language === "bn") await page.screenshot({ path: join(out, `${name}-${width}.png`), fullPage: true });
    }
  }
}

// Every element that can be focused is reached by Tab, and shows that it is.
async function tabThrough(page, path) {
  await page.goto(`${address}${path}`);
  const expected = await page.$$eval("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']", (all) => all.filter((one) => one.checkVisibility()).length);
  const seen = new Set();
  for (let step = 0; step < expected + 5; step++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const all = [...document.querySelectorAll("*")];
      const style = getComputedStyle(document.activeElement);
      return { place: all.indexOf(document.activeElement), outline: style.outlineStyle, name: document.activeElement.tagName };
    });
    if (focus.name === "BODY") break;
    if (focus.outline === "none") faults.push(`${path}: a focus is not seen on ${focus.name}`);
    seen.add(focus.place);
  }
  return { path, expected, reached: seen.size };
}

try {
  const office = await enter("office");
  // A register is brought by the page, and its page moves by itself until it is issued.
  await office.goto(`${address}/desk/offices/0/registers`);
  await office.setInputFiles("#file", register);
  await office.check("input[name=secrets]");
  await office.click("main form button");
  await office.waitForURL(/registers\/[0-9a-f]{64}$/);
  const place = new URL(office.url()).pathname;
  await office.waitForSelector("main dl", { timeout: 60000 });
  report.moved = true;
  await office.goto(`${address}${place}/duplicates`);
  const pairs = await office.$$eval("article", (all) => all.length);
  await office.click("button[value=other-person]");
  await office.waitForSelector(".notice");
  report.reviewed = { pairs, left: await office.$$eval("button[value=other-person]", (all) => all.length) };
  // A case is opened, and its slip shown.
  await office.goto(`${address}/desk/cases/new`);
  await office.selectOption("#cause", "account-closed");
  await office.click("main form button");
  const code = await office.textContent(".slip-code code");
  const number = (await office.textContent(".slip h2")).match(/[০-৯0-9]+/)[0];
  await office.screenshot({ path: join(out, "slip-printed.png"), fullPage: true });

  for (const [path, name] of [
    ["/desk", "home-office"], ["/desk/registers", "registers"], ["/desk/offices/0/registers", "register-list"],
    [place, "register"], [`${place}/rows`, "rows"], [`${place}/duplicates`, "duplicates"],
    ["/desk/revocations", "revocations"], ["/desk/cases", "cases-office"], ["/desk/cases/new", "case-new"],
  ]) await look(office, path, name);
  report.tabs = [await tabThrough(office, "/desk/revocations"), await tabThrough(office, "/desk/cases/new")];

  const oversight = await enter("oversight");
  for (const [path, name] of [
    ["/desk", "home"], ["/desk/schemes", "schemes"], ["/desk/schemes/krishak-bandhu", "scheme"],
    ["/desk/schemes/annapurna/changes", "changes"], ["/desk/claims", "claims"], ["/desk/payments", "payments"],
    ["/desk/disputes", "disputes"], ["/desk/cases", "cases"], ["/desk/cases/figures", "exclusion"],
    ["/desk/approvals", "approvals"], ["/desk/principals", "principals"], ["/desk/workers", "workers"],
    ["/desk/audit", "audit"], ["/desk/nowhere", "not-found"], ["/desk/registers", "forbidden"],
  ]) await look(oversight, path, name);
  // Rules are changed, and whom it would affect is shown.
  await oversight.goto(`${address}/desk/schemes/annapurna/changes?lang=bn`);
  const rules = await oversight.inputValue("#rules");
  await oversight.fill("#rules", rules.replace("amount = 3000", "amount = 3500").replace("25 to 60", "21 to 59"));
  await oversight.fill("#month", "2026-12");
  await oversight.click("main form button");
  await oversight.waitForSelector("#affected");
  await oversight.evaluate(axe);
  const compared = await oversight.evaluate(() => axe.run(document));
  report.violations.push(...compared.violations.filter((one) => one.impact !== "moderate").map((one) => ({ path: "compared", rule: one.id, nodes: one.nodes.slice(0, 3).map((node) => node.html) })));
  for (const width of WIDTHS) {
    await oversight.setViewportSize({ width, height: 900 });
    await oversight.screenshot({ path: join(out, `compared-${width}.png`), fullPage: true });
  }
  report.compared = await oversight.$$eval("ins, del", (all) => all.length);
  await oversight.fill("#rules", "id = ");
  await oversight.click("main form button");
  report.wrong = await oversight.textContent(".notice.bad");

  // Who has no credential: the entrance, the rules, and the slip; without JavaScript as well.
  const plain = await browser.newContext({ locale: "bn-IN", javaScriptEnabled: false });
  const reader = await plain.newPage();
  await reader.goto(`${address}/desk/schemes/krishak-bandhu`);
  report.withoutScripts = { title: await reader.textContent("h1"), rules: await reader.$$eval(".rules li", (all) => all.length).catch(() => -1) };
  await reader.goto(`${address}/desk/slip`);
  await reader.fill("#number", number);
  await reader.fill("#code", code.toLowerCase());
  await reader.click("main form button");
  report.slip = (await reader.textContent(".slip")) ?? "";
  await reader.goto(`${address}/desk/enter`);
  await reader.fill("#key", keys.office);
  await reader.click("main form button");
  report.enteredWithoutScripts = new URL(reader.url()).pathname;
  const anybody = watch(await (await browser.newContext()).newPage());
  for (const [path, name] of [["/desk/enter", "enter"], ["/desk/slip", "slip"]]) await look(anybody, path, name);
  await anybody.goto(`${address}/desk/claims`);
  report.entrance = { key: await anybody.$$eval("#key", (all) => all.length) };

  // What letters are drawn with: the fonts that are served, whose conjuncts are shaped.
  const fonts = await oversight.evaluate(() => [...document.fonts].filter((font) => font.status === "loaded").map((font) => font.unicodeRange.slice(0, 6)));
  report.fonts = fonts;
  const joined = await oversight.evaluate(() => {
    const width = (text) => {
      const span = document.createElement("span");
      span.textContent = text;
      span.lang = "bn";
      document.querySelector("main").append(span);
      const measured = span.getBoundingClientRect().width;
      span.remove();
      return measured;
    };
    // A conjunct is narrower than its letters beside each other with the sign that parts them.
    return ["ক্ষ", "জ্ঞ", "ন্ত্র", "স্ক", "ঙ্ক"].map((text) => width(text) < width(text.replaceAll("্", "্\u200c")));
  });
  report.conjuncts = joined;
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
