// The leaderboard follows the ratings as they come in. It polls the JSON while the page is visible, and reloads the
// table only if a value has changed.

const EVERY = 3000;
const AXIS = 32; // px, as high as a line of names
const MARKS = ["circle", "rect", "triangle", "rectRot", "cross", "circle", "triangle", "rect"];
const HOLLOW = new Set([5, 7]);
const METRIC = { min: 0, times: 100, digits: 1 };
const HUMAN = { min: 1, max: 5, step: 1, times: 1, digits: 2 }; // a ballot-centred mean may lie outside

const charts = document.querySelector("[data-board-url]");
const said = document.querySelector("[data-board-status]");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const drawn = new Map();
let shown = JSON.parse(document.getElementById("board-document").textContent);

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function scaleOf(figure) {
  return figure === "human" ? HUMAN : METRIC;
}

function figureOf(row, figure) {
  return figure === "human" ? { value: row.human_mean, low: row.human_low, high: row.human_high } : row.metrics[figure];
}

function figuresOf(rows, figure) {
  const { times } = scaleOf(figure);
  const scaled = (number) => (number === null ? null : number * times);
  const found = rows.map((row) => figureOf(row, figure));
  return {
    means: found.map(({ value }) => scaled(value)),
    intervals: found.map(({ low, high }) => (low === null ? null : [scaled(low), scaled(high)])),
  };
}

function boundsOf(figure, means, intervals) {
  const { min, max } = scaleOf(figure);
  if (figure !== "human") return { min, max };
  const ends = [...means, ...intervals.flat()].filter((end) => end !== null);
  return { min: Math.min(min, ...ends.map(Math.floor)), max: Math.max(max, ...ends.map(Math.ceil)) };
}

function sentence(row, figure, mean, interval) {
  const { digits } = scaleOf(figure);
  const range = interval ? ` (95 %: ${interval.map((end) => end.toFixed(digits)).join(" to ")})` : "";
  return `${row.model}: ${mean.toFixed(digits)}${range}`;
}

// --- one canvas: a mark for each model, a line over its interval

function makeChart(canvas, rows) {
  const figure = canvas.dataset.figure;
  const { step } = scaleOf(figure);
  const colors = rows.map((row) => color(`--model-${row.color}`));
  const { means, intervals } = figuresOf(rows, figure);
  const marks = {
    type: "line",
    data: means,
    showLine: false,
    clip: 12,
    pointStyle: rows.map((row) => MARKS[row.color]),
    pointRotation: rows.map((row) => (row.color === 6 ? 180 : 0)),
    pointRadius: 6,
    pointHoverRadius: 8,
    pointBorderWidth: 2.5,
    pointBorderColor: colors,
    pointBackgroundColor: rows.map((row, at) => (HOLLOW.has(row.color) ? color("--paper") : colors[at])),
  };
  const lines = { type: "bar", data: intervals, barThickness: 3, backgroundColor: colors };
  const ink = color("--ink-soft");
  return new Chart(canvas, {
    data: { labels: rows.map((row) => row.id), datasets: [marks, lines] },
    options: {
      indexAxis: "y",
      maintainAspectRatio: false,
      animation: false, // at first; what moves later moves visibly
      layout: { autoPadding: false, padding: { left: 10, right: 10 } },
      scales: {
        x: {
          ...boundsOf(figure, means, intervals),
          grace: "5%",
          afterFit: (axis) => (axis.height = AXIS),
          grid: { color: color("--hairline") },
          border: { display: false },
          ticks: { color: ink, maxRotation: 0, maxTicksLimit: 6, stepSize: step, autoSkip: !step, font: { size: 12 } },
        },
        y: { display: false, offset: true },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          displayColors: false,
          callbacks: {
            title: () => "",
            label: ({ chart, dataIndex }) => {
              const [now, ranges] = chart.data.datasets;
              return sentence(chart.rows[dataIndex], figure, now.data[dataIndex], ranges.data[dataIndex]);
            },
          },
        },
      },
    },
  });
}

function draw(section, at) {
  const board = document.querySelector(`[data-board="${at}"]`);
  for (const canvas of board?.querySelectorAll("canvas") ?? []) {
    const chart = drawn.get(canvas) ?? makeChart(canvas, section.rows);
    const { means, intervals } = figuresOf(section.rows, canvas.dataset.figure);
    chart.rows = section.rows;
    [chart.data.datasets[0].data, chart.data.datasets[1].data] = [means, intervals];
    Object.assign(chart.options.scales.x, boundsOf(canvas.dataset.figure, means, intervals));
    chart.update();
    chart.options.animation = still.matches ? false : { duration: 600 };
    canvas.dataset.means = means.join(" "); // the drawn values, for tests and assistive tools
    drawn.set(canvas, chart);
  }
}

function redraw() {
  drawn.forEach((chart) => chart.destroy());
  drawn.clear();
  shown.datasets.forEach(draw);
}

// --- what has changed since

function models(document) {
  return document.datasets.map((section) => section.rows.map((row) => row.id).join()).join(";");
}

function ranksOf(document) {
  return document.datasets.map((section) => section.rows.map((row) => [row.rank_low, row.rank_high]));
}

async function poll() {
  if (document.hidden) return;
  let now;
  try {
    const answer = await fetch(charts.dataset.boardUrl);
    if (!answer.ok) throw new Error(answer.status);
    now = await answer.json();
  } catch {
    said.textContent = "The site does not respond: these values may be out of date.";
    return;
  }
  said.textContent = "";
  if (JSON.stringify(now) === JSON.stringify(shown)) return;
  if (models(now) !== models(shown)) return location.reload(); // a model came or went: other names, other lines
  const ranks = JSON.stringify(ranksOf(shown)) !== JSON.stringify(ranksOf(now));
  if (ranks) return location.reload(); // names in the charts have their ranks
  shown = now;
  shown.datasets.forEach(draw);
  document.querySelectorAll("[data-board-part]").forEach((part) => htmx.trigger(part, "ratings"));
}

// --- what is open stays open when the tables are loaded again

function keyOf(details) {
  return details.dataset.seeds ?? details.dataset.folded;
}

function keepOpen(part) {
  const opened = new Set();
  part.addEventListener("htmx:beforeSwap", () => {
    opened.clear();
    part.querySelectorAll("details[open]").forEach((one) => opened.add(keyOf(one)));
  });
  part.addEventListener("htmx:afterSwap", () => {
    for (const one of part.querySelectorAll("details")) one.open = opened.has(keyOf(one));
  });
}

document.querySelectorAll("[data-board-part]").forEach(keepOpen);

// --- values that changed are highlighted for a moment

function marked(part) {
  const read = () => new Map([...part.querySelectorAll("[data-live]")].map((cell) => [cell.dataset.live, cell]));
  const texts = () => new Map([...read()].map(([name, cell]) => [name, cell.textContent]));
  let before = texts();
  part.addEventListener("htmx:afterSwap", () => {
    for (const [name, cell] of read()) {
      if (before.has(name) && before.get(name) !== cell.textContent) cell.classList.add("moved");
    }
    before = texts();
  });
}

document.querySelectorAll("[data-board-part]").forEach(marked);
redraw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("kindred:theme", redraw);
document.addEventListener("visibilitychange", poll);
setInterval(poll, EVERY);
