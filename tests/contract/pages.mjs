// Opens each page in a browser, light and dark, wide and narrow, and checks it with axe.
import { strict as assert } from "node:assert";
import { mkdir, readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const url = process.env.GATEWAY_URL;
const axe = await readFile("node_modules/axe-core/axe.min.js", "utf8");
const PAGES = ["/", "/docs", "/docs/errors", "/docs/errors/slippage_exceeded", "/docs/compatibility"];
const WIDTHS = [390, 1280];

await mkdir("pages", { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const faults = [];
for (const colorScheme of ["light", "dark"]) {
  for (const width of WIDTHS) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 844 }, bypassCSP: false });
    for (const path of PAGES) {
      const where = `${path} ${colorScheme} ${width}`;
      const page = await context.newPage();
      page.on("console", message => { if (message.type() === "error") faults.push(`${where}: ${message.text()}`); });
      page.on("pageerror", error => faults.push(`${where}: ${error.message}`));
      page.on("request", request => { if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(`${where}: loads ${request.url()}`); });
      await page.goto(url + path, { waitUntil: "networkidle" });
      if (path === "/docs") {
        await page.waitForSelector(".opblock");
        await page.locator("#operations-Orders-placeOrder .opblock-summary-control").click();
        await page.waitForSelector(".opblock.is-open .opblock-body");
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) faults.push(`${where}: ${overflow} px wider than the screen`);
      // In the page's main world by the debugger's protocol, which the content security policy does not bind.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, impact, nodes } of violations) {
        const line = `${where}: axe ${impact} ${id} at ${nodes.slice(0, 4).map(node => node.target.join(" ")).join(" | ")} (${nodes.length})`;
        if (impact === "serious" || impact === "critical") faults.push(line); else console.log(`note ${line}`);
      }
      const name = `${path === "/" ? "start" : path.slice(1).replaceAll("/", "-")}-${colorScheme}-${width}.png`;
      await page.screenshot({ path: `pages/${name}`, fullPage: path !== "/docs/errors" });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
assert.equal(faults.length, 0, `${faults.length} faults of pages`);
console.log(`${PAGES.length} pages are sound, light and dark, at ${WIDTHS.join(" and ")} px`);
