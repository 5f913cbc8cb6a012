// Comes in at the desk by an OpenID issuer of another site, in headless Chromium, with and without
// JavaScript, and prints where it ends and which cookies it has.
//
// node enter.mjs ADDRESS PAGE
import { launch } from "./browser.mjs";

const [address, wanted] = process.argv.slice(2);
const browser = await launch();
const ended = [];
try {
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ locale: "en-IN", javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(`${address}${wanted}`);
    await page.click("a.button");
    await page.waitForSelector("#yes");
    const issuer = new URL(page.url()).hostname;
    await page.click("#yes");
    await page.waitForURL(`${address}${wanted}`);
    const cookies = await context.cookies(address);
    ended.push({
      issuer,
      path: new URL(page.url()).pathname,
      who: await page.textContent(".who span"),
      cookies: cookies.map(({ name, httpOnly, sameSite }) => `${name} ${httpOnly} ${sameSite}`).sort(),
    });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(ended));
