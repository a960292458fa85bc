// Curves of trainings: drawn by Chart.js from an address that is asked again while one is at work.

const EVERY = 2000; // ms
const STYLES = ["circle", "rect", "triangle", "rectRot", "cross", "crossRot", "star", "rectRounded"];
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function optionsOf(title) {
  const ink = token("--ink-soft");
  const line = token("--hairline");
  const axis = (text) => ({
    title: { display: Boolean(text), text, color: ink },
    ticks: { color: ink, precision: text ? 0 : undefined },
    grid: { color: line },
    border: { color: line },
  });
  return {
    animation: still.matches ? false : { duration: 300 },
    maintainAspectRatio: false,
    parsing: false,
    interaction: { mode: "nearest", axis: "x", intersect: false },
    plugins: { legend: { display: title === "loss", position: "bottom", align: "start", labels: { color: ink, usePointStyle: true, boxWidth: 8, boxHeight: 8 } } },
    scales: { x: { type: "linear", ...axis("epoch") }, y: axis("") },
  };
}

function datasetsOf(runs, curve) {
  return runs
    .filter((run) => run[curve].length)
    .map((run) => ({
      label: run.title,
      data: run[curve].map(([x, y]) => ({ x, y })),
      borderColor: token(`--model-${run.color}`),
      backgroundColor: token(`--model-${run.color}`),
      pointStyle: STYLES[run.color],
      pointRadius: run[curve].length > 40 ? 0 : 3,
      borderWidth: 1.5,
    }));
}

function draw(place, runs) {
  for (const figure of place.querySelectorAll("[data-curve]")) {
    const curve = figure.dataset.curve;
    const datasets = datasetsOf(runs, curve);
    figure.hidden = datasets.length === 0;
    const canvas = figure.querySelector("canvas");
    const chart = Chart.getChart(canvas);
    if (figure.hidden) continue;
    if (!chart) {
      new Chart(canvas, { type: "line", data: { datasets }, options: optionsOf(curve) });
      continue;
    }
    chart.data.datasets = datasets;
    chart.options = optionsOf(curve);
    chart.update();
  }
  place.querySelector("[data-curves-empty]").hidden = runs.length > 0;
  place.querySelector("[data-no-recall]").hidden = runs.length === 0 || runs.some((run) => run.recall.length);
}

async function follow(place) {
  let runs = [];
  dark.addEventListener("change", () => draw(place, runs));
  document.addEventListener("kindred:theme", () => draw(place, runs));
  for (;;) {
    const answer = await fetch(place.dataset.curves, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok) {
      const told = await answer.json();
      runs = told.runs;
      draw(place, runs);
      if (!told.active) return;
    }
    await new Promise((done) => setTimeout(done, EVERY));
    if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}

for (const place of document.querySelectorAll("[data-curves]")) follow(place);
