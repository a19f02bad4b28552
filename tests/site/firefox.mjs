// Draws and decodes in Firefox: `node firefox.mjs PUPPETEER FIREFOX ADDRESS`, with the folder of puppeteer-core, the
// browser's program and the site's address. Prints what the canvases show, as JSON.
import { pathToFileURL } from "node:url";

const [, , folder, executablePath, address] = process.argv;
const { default: puppeteer } = await import(pathToFileURL(`${folder}/lib/esm/puppeteer/puppeteer-core.js`).href);
const PATIENCE = { timeout: 90_000 };
const pixels = (canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const troubles = [];

async function open(path) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  await page.goto(`${address}/${path}`, { waitUntil: "load" });
  return page;
}

try {
  const play = await open("book/play.html");
  const drawn = () => play.waitForFunction(() => document.querySelector(".live-status").textContent.startsWith("Drawn"), PATIENCE);
  await play.click(".live-exact");
  await play.click(".live-draw");
  await drawn();
  const state = await play.$eval("[data-live]", (root) => ({ ...root.dataset }));
  const picture = await play.$eval(".live-picture", pixels);

  const chapter = await open("book/12-text-to-picture.html");
  await chapter.click("[data-live=paint] .live-draw");
  await chapter.waitForFunction(() => document.querySelector("[data-live=paint]").dataset.decoded, PATIENCE);
  const decoded = await chapter.$eval("[data-live=paint] .live-pair canvas", pixels);
  console.log(JSON.stringify({ version: await browser.version(), product: state.product, milliseconds: state.whole, picture, decoded, troubles }));
} finally {
  await browser.close();
}
