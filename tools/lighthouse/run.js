// Lighthouse's mobile preset over eight pages of a running demo: node tools/lighthouse/run.js URL FOLDER-OF-ITS-DATA.
// Prints a table and what is below the bounds; exits with 1 if anything is. KINDRED_LIGHTHOUSE_PAGES: names, comma-separated.

import { existsSync, readFileSync } from "node:fs";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const [site, folder] = process.argv.slice(2);
const email = "admin@kindred.example";
const CHROMIUM = process.env.CHROME_PATH ?? "/usr/bin/chromium";
const BOUNDS = { performance: 0.95, accessibility: 1, "best-practices": 1, seo: 1 };
const PAGES = {
  welcome: "/",
  search: "/",
  results: null, // a search that is made here
  "data set": "/datasets/wings/",
  class: "/datasets/wings/classes/0/",
  leaderboard: "/leaderboard/",
  algorithm: "/algorithms/multi_similarity/",
  lab: "/lab/",
};
const ONLY_MEMBERS = ["is-crawlable"]; // what crawlers never see needs not be open to them
const wanted = process.env.KINDRED_LIGHTHOUSE_PAGES?.split(",") ?? Object.keys(PAGES);

if (!folder) throw new Error("usage: node tools/lighthouse/run.js URL FOLDER");
const password = JSON.parse(readFileSync(`${folder}/demo_accounts.json`))[email];
await fetch(site).catch(() => {
  throw new Error(`${site} does not answer; start the site first: make demo`);
});
if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not there; CHROME_PATH names another Chromium`);

const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--no-proxy-server"] });

async function signIn() {
  const page = await browser.newPage();
  await page.goto(`${site}/accounts/login/`);
  await page.type("input[name=login]", email);
  await page.type("input[name=password]", password);
  await Promise.all([page.waitForNavigation({ timeout: 120_000 }), page.click("main form button:not(.link)")]);
  await Promise.all([page.waitForNavigation({ timeout: 180_000 }), page.click("[data-quick-pick]")]);
  const results = new URL(page.url()).pathname;
  await page.close();
  return results;
}

async function measure(name, path, member) {
  const page = await browser.newPage();
  const session = await page.createCDPSession();
  await session.send("Network.clearBrowserCache");
  const settings = {
    formFactor: "mobile",
    onlyCategories: Object.keys(BOUNDS),
    disableStorageReset: true, // the session stays
    skipAudits: member ? ONLY_MEMBERS : [],
    maxWaitForLoad: 90_000,
  };
  const { lhr } = await lighthouse(site + path, { output: "json", logLevel: "error" }, { extends: "lighthouse:default", settings }, page);
  await page.close();
  if (lhr.runtimeError) throw new Error(`${name}: ${lhr.runtimeError.message}`);
  const scores = Object.keys(BOUNDS).map((key) => lhr.categories[key].score);
  const weight = lhr.audits["total-byte-weight"]?.numericValue ?? 0;
  const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time"].map((key) => Math.round(lhr.audits[key].numericValue));
  const shift = lhr.audits["cumulative-layout-shift"].numericValue.toFixed(3);
  console.log([name.padEnd(12), ...scores.map((score) => String(Math.round(100 * score)).padStart(5)), ...times.map((ms) => String(ms).padStart(6)), shift.padStart(6), String(Math.round(weight / 1000)).padStart(6)].join(" "));
  return Object.entries(BOUNDS).flatMap(([key, bound]) => {
    const { score, auditRefs } = lhr.categories[key];
    if (score >= bound) return [];
    const failed = auditRefs.filter(({ id, weight: counts }) => counts && (lhr.audits[id].score ?? 1) < 0.9).map(({ id }) => lhr.audits[id]);
    return [`${name}: ${key} ${score}`, ...failed.map((audit) => `  ${audit.id} ${audit.displayValue ?? ""} ${(audit.details?.items ?? []).slice(0, 3).map((item) => item.node?.snippet ?? item.url ?? item.description ?? "").join(" | ")}`)];
  });
}

const faults = [];
console.log("page          perf  acce  best   seo    FCP    LCP    TBT    CLS     kB");
if (wanted.includes("welcome")) faults.push(...(await measure("welcome", PAGES.welcome, false)));
const results = await signIn();
for (const name of wanted.filter((one) => one !== "welcome")) faults.push(...(await measure(name, PAGES[name] ?? results, true)));
await browser.close();
console.log(faults.join("\n"));
process.exitCode = faults.length ? 1 : 0;
