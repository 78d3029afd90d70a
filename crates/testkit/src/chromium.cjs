// Opens the page that it is given in a headless Chromium, does there what the test says, and writes down what was seen last.
const fs = require("node:fs");
const [playwright, moves, log, url] = process.argv.slice(2);
const { chromium } = require(playwright);

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    // the authority of a test is nobody's
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    await require(moves)(page);
    fs.writeFileSync(log, JSON.stringify({ url: page.url(), text: await page.locator("body").innerText() }));
  } finally {
    await browser.close();
  }
})().catch((error) => {
  fs.writeFileSync(log, JSON.stringify({ error: String(error) }));
  process.exit(1);
});
