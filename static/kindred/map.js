// The map: points on a canvas, moved by d3-zoom and found by a quadtree. What it shows stands in words below it.
"use strict";

const COLOURS = 8; // classes that have one at a time
const REACH = 16; // pixels around the pointer within which a point is meant
const MOVE = 80; // pixels of an arrow key
const CLOSEST = 80;
const OFFERED = 50; // names of classes at once

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(key(row))) groups.set(key(row), []);
    groups.get(key(row)).push(row);
  }
  return groups;
}

function mapOf(root) {
  const canvas = root.querySelector("canvas");
  const context = canvas.getContext("2d");
  const note = root.querySelector("[data-note]");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const card = cardOf(root);
  let points = null;
  let tree = null;
  let rows = new Map(); // of a picture's key
  let width = 0;
  let height = 0;
  let ratio = 1;
  let transform = d3.zoomIdentity;
  let current = -1;
  let byKeys = false; // the cross in the middle chooses
  let lit = null; // the label of the class that is lit
  const coloured = new Map(); // the slot of the colour of each class that has one, the oldest first
  let colourBy = "class";
  let stamps = new Map();
  let sheet = null; // the pixels of the whole canvas, by parts of a colour
  let sheetWhole = null; // the same, a pixel a number
  let waiting = 0;

  // --- places: from the map's square to the canvas

  const half = () => 0.47 * Math.min(width, height);
  const left = (row) => transform.applyX(width / 2 + (points.x[row] / points.steps) * half());
  const top = (row) => transform.applyY(height / 2 - (points.y[row] / points.steps) * half());
  const nearest = (x, y, reach) => {
    const across = (transform.invertX(x) - width / 2) / half();
    const up = (height / 2 - transform.invertY(y)) / half();
    return tree.find(across * points.steps, up * points.steps, (reach / (transform.k * half())) * points.steps) ?? -1;
  };

  // --- drawing

  function ink(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  // A dot as the pixels that it covers. Pixels are written one by one: where no graphics card helps, 12,000 images
  // or paths take a canvas ten times as long.
  function stamp(kind, radius) {
    const key = `${kind} ${radius}`;
    if (stamps.has(key)) return stamps.get(key);
    const side = 2 * Math.ceil((1.3 * radius + 1) * ratio);
    const pen = new OffscreenCanvas(side, side).getContext("2d");
    pen.scale(ratio, ratio);
    pen.translate(side / ratio / 2, side / ratio / 2);
    pen.beginPath();
    if (kind === "missed") {
      pen.moveTo(0, -1.25 * radius);
      pen.lineTo(1.2 * radius, 0.95 * radius);
      pen.lineTo(-1.2 * radius, 0.95 * radius);
      pen.closePath();
    } else {
      pen.arc(0, 0, kind === "unasked" ? 0.75 * radius : radius, 0, 2 * Math.PI);
    }
    if (kind === "unasked") {
      pen.strokeStyle = ink("--ink-soft");
      pen.stroke();
    } else {
      pen.fillStyle = ink({ missed: "--accent", found: "--model-0", other: "--edge" }[kind] ?? `--model-${kind}`);
      pen.fill();
      pen.lineWidth = 0.5;
      pen.strokeStyle = ink("--sheet");
      pen.stroke();
    }
    const { data } = pen.getImageData(0, 0, side, side);
    const covered = [...Array(side * side).keys()].filter((at) => data[4 * at + 3] > 15);
    const found = {
      half: side / 2,
      across: Int16Array.from(covered, (at) => (at % side) - side / 2),
      down: Int16Array.from(covered, (at) => Math.floor(at / side) - side / 2),
      colour: Uint8Array.from(covered.flatMap((at) => [...data.subarray(4 * at, 4 * at + 3)])),
      whole: Uint32Array.from(covered, (at) => new Uint32Array(data.buffer)[at]),
      cover: Float32Array.from(covered, (at) => data[4 * at + 3] / 255),
    };
    stamps.set(key, found);
    return found;
  }

  function press(found, x, y, strength) {
    const { data, width: wide } = sheet;
    for (let at = 0; at < found.cover.length; at += 1) {
      const pixel = (y + found.down[at]) * wide + x + found.across[at];
      const share = found.cover[at] * strength;
      if (share > 0.99) {
        sheetWhole[pixel] = found.whole[at];
        continue;
      }
      const place = 4 * pixel;
      for (let part = 0; part < 3; part += 1) {
        data[place + part] += share * (found.colour[3 * at + part] - data[place + part]);
      }
    }
  }

  function clear() {
    if (!sheet) {
      sheet = context.createImageData(canvas.width, canvas.height);
      sheetWhole = new Uint32Array(sheet.data.buffer);
    }
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    pen.fillStyle = ink("--sheet");
    pen.fillRect(0, 0, 1, 1);
    sheetWhole.fill(new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer)[0]);
  }

  function kindOf(row) {
    if (colourBy === "class") return coloured.get(points.labels[row]) ?? "other";
    return points.hits[row] === 1 ? "found" : points.hits[row] === 0 ? "missed" : "unasked";
  }

  function drawRows(chosen, radius, strength) {
    const used = new Map();
    for (const row of chosen) {
      const kind = kindOf(row);
      if (!used.has(kind)) used.set(kind, stamp(kind, radius));
      const dot = used.get(kind);
      const x = Math.round(left(row) * ratio);
      const y = Math.round(top(row) * ratio);
      const inside = x >= dot.half && y >= dot.half && x <= canvas.width - dot.half && y <= canvas.height - dot.half;
      if (inside) press(dot, x, y, strength);
    }
  }

  function draw() {
    waiting = 0;
    if (!points || !canvas.width || !canvas.height) return;
    const begun = performance.now();
    const atRest = Math.max(1.5, Math.min(3.5, (0.25 * Math.min(width, height)) / Math.sqrt(points.ids.length)));
    const radius = Math.round(2 * Math.min(7, atRest * Math.sqrt(transform.k))) / 2; // in halves: few stamps
    clear();
    const strength = lit === null ? 1 : 0.15;
    if (colourBy === "class") {
      drawRows(points.rows.filter((row) => !coloured.has(points.labels[row])), radius, 0.55 * strength);
      for (const label of coloured.keys()) drawRows(points.byLabel.get(label), radius, strength);
    } else {
      drawRows(points.byHit, radius, strength);
    }
    if (lit !== null) drawRows(points.byLabel.get(lit) ?? [], radius + 1, 1);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(sheet, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (current >= 0) drawCurrent(radius);
    if (byKeys) drawCross();
    canvas.dataset.drawMs = (performance.now() - begun).toFixed(1);
  }

  function drawCurrent(radius) {
    const other = rows.get(points.near[current]);
    context.strokeStyle = ink("--ink");
    context.lineWidth = 1.5;
    if (other !== undefined) {
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(left(current), top(current));
      context.lineTo(left(other), top(other));
      context.stroke();
      context.setLineDash([]);
    }
    context.lineWidth = 2;
    context.beginPath();
    context.arc(left(current), top(current), radius + 4, 0, 2 * Math.PI);
    context.stroke();
  }

  function drawCross() {
    context.strokeStyle = ink("--ink-soft");
    context.lineWidth = 1;
    context.beginPath();
    for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(width / 2 + 6 * across, height / 2 + 6 * down);
      context.lineTo(width / 2 + 16 * across, height / 2 + 16 * down);
    }
    context.stroke();
  }

  function later() {
    waiting ||= requestAnimationFrame(draw);
  }

  // --- choosing

  function choose(row) {
    if (row === current) return;
    current = row;
    canvas.classList.toggle("on-point", row >= 0 && !byKeys);
    if (row >= 0) card.show(points, row, rows);
    later();
  }

  function chooseMiddle() {
    if (points && byKeys) choose(nearest(width / 2, height / 2, Infinity));
  }

  function nextMiss() {
    const after = points.misses.find((row) => row > current) ?? points.misses[0];
    if (after === undefined) return;
    center(after);
    choose(after);
  }

  function center(row) {
    const scale = Math.max(transform.k, 4);
    const x = width / 2 + (points.x[row] / points.steps) * half();
    const y = height / 2 - (points.y[row] / points.steps) * half();
    selection.call(zoom.transform, d3.zoomIdentity.translate(width / 2 - scale * x, height / 2 - scale * y).scale(scale));
  }

  // --- zoom

  const zoom = d3.zoom().on("zoom", (event) => {
    transform = event.transform;
    // At rest a finger that goes up or down scrolls the page, as over any picture.
    canvas.style.touchAction = transform.k > 1.01 ? "none" : "pan-y";
    if (event.sourceEvent) byKeys = false;
    chooseMiddle();
    later();
  });
  const selection = d3.select(canvas).call(zoom).on("dblclick.zoom", null);

  function zoomBy(factor) {
    (still.matches ? selection : selection.transition().duration(200)).call(zoom.scaleBy, factor);
  }

  function zoomAll() {
    (still.matches ? selection : selection.transition().duration(300)).call(zoom.transform, d3.zoomIdentity);
  }

  const steps = {
    in: () => zoomBy(1.6),
    out: () => zoomBy(1 / 1.6),
    all: zoomAll,
  };
  for (const button of root.querySelectorAll("[data-zoom]")) button.addEventListener("click", steps[button.dataset.zoom]);

  const moves = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };
  canvas.addEventListener("keydown", (event) => {
    if (!points || event.ctrlKey || event.metaKey || event.altKey) return;
    byKeys = true;
    if (moves[event.key]) {
      selection.call(zoom.translateBy, moves[event.key][0] / transform.k, moves[event.key][1] / transform.k);
    } else if (event.key === "+" || event.key === "=") {
      steps.in();
    } else if (event.key === "-") {
      steps.out();
    } else if (event.key === "0") {
      zoomAll();
    } else if (event.key === "n" || event.key === "N") {
      nextMiss();
    } else if (event.key === "Enter" && current >= 0) {
      card.open();
    } else {
      return;
    }
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => {
    byKeys = canvas.matches(":focus-visible");
    chooseMiddle();
    later();
  });
  canvas.addEventListener("blur", () => {
    byKeys = false;
    later();
  });

  // --- pointing

  const under = (event) => nearest(event.offsetX, event.offsetY, REACH);
  canvas.addEventListener("pointermove", (event) => {
    if (!points || event.buttons || event.pointerType === "touch") return;
    byKeys = false;
    const row = under(event);
    canvas.classList.toggle("on-point", row >= 0);
    if (row >= 0) choose(row);
  });
  canvas.addEventListener("click", (event) => {
    if (!points) return;
    byKeys = false;
    const row = under(event);
    const again = row === current;
    choose(row);
    // A finger cannot hover: its first touch shows, its second one searches.
    if (row >= 0 && (event.pointerType !== "touch" || again)) card.open();
  });

  // --- what is coloured and lit

  for (const radio of root.querySelectorAll("input[name=colour]")) {
    radio.addEventListener("change", () => {
      colourBy = radio.value;
      for (const legend of root.querySelectorAll("[data-legend]")) legend.hidden = legend.dataset.legend !== colourBy;
      later();
    });
  }
  function colour(label) {
    if (coloured.has(label)) return;
    if (coloured.size === COLOURS) coloured.delete(coloured.keys().next().value);
    const used = new Set(coloured.values());
    coloured.set(label, [...Array(COLOURS).keys()].find((slot) => !used.has(slot)));
    listColours();
  }

  function light(label) {
    lit = label;
    listColours();
    later();
  }

  // The classes that have a colour; a click shows one alone, and the others again.
  function listColours() {
    const list = root.querySelector("[data-coloured]");
    const focused = document.activeElement?.dataset.label;
    list.replaceChildren(
      ...[...coloured].map(([label, slot]) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        const mark = document.createElement("span");
        const name = document.createElement("bdi");
        mark.className = `map-dot model-${slot}`;
        name.textContent = points.names[label];
        Object.assign(button, { type: "button", className: "map-name", ariaPressed: String(lit === label) });
        button.dataset.label = label;
        button.append(mark, name);
        button.addEventListener("click", () => light(lit === label ? null : label));
        item.append(button);
        return item;
      }),
    );
    if (focused !== undefined) list.querySelector(`[data-label="${focused}"]`)?.focus();
  }

  const classInput = root.querySelector("[data-class]");
  classInput.addEventListener("input", () => {
    if (!points) return;
    const typed = classInput.value.trim().toLowerCase();
    const found = points.classes.filter(([, name]) => name.toLowerCase().includes(typed));
    root.querySelector("datalist").replaceChildren(...found.slice(0, OFFERED).map(([, name]) => new Option(name, name)));
    const exact = found.find(([, name]) => name.toLowerCase() === typed) ?? (found.length === 1 ? found[0] : undefined);
    lit = typed && exact ? Number(exact[0]) : null;
    if (lit !== null) colour(lit);
    listColours();
    const many = lit === null ? 0 : points.byLabel.get(lit).length;
    note.textContent = lit === null ? (typed && !found.length ? "No class on the map has this name." : "") : `\u2068${exact[1]}\u2069: ${many} picture${many === 1 ? "" : "s"}`;
    later();
  });

  // --- the points arrive, the canvas gets its size

  function take(found) {
    const places = found.ids.map((_, row) => row);
    points = {
      ...found,
      classes: Object.entries(found.names),
      rows: places,
      byLabel: grouped(places, (row) => found.labels[row]),
      misses: places.filter((row) => found.hits[row] === 0),
      // What matters most is drawn last, on top.
      byHit: [-1, 1, 0].flatMap((hit) => places.filter((row) => found.hits[row] === hit)),
    };
    const first = [...root.dataset.first.split(" ").filter(Boolean).map(Number), ...points.byLabel.keys()];
    for (const label of [...new Set(first)].filter((one) => points.byLabel.has(one)).slice(0, COLOURS)) colour(label);
    rows = new Map(found.ids.map((id, row) => [id, row]));
    tree = d3.quadtree(places, (row) => found.x[row], (row) => found.y[row]);
    note.textContent = "";
    canvas.dataset.points = found.ids.length;
    chooseMiddle();
    later();
  }

  function resize() {
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    stamps = new Map();
    sheet = null;
    zoom.extent([[0, 0], [width, height]]).scaleExtent([0.8, CLOSEST]);
    zoom.translateExtent([[-width / 2, -height / 2], [1.5 * width, 1.5 * height]]);
    later();
  }
  new ResizeObserver(resize).observe(canvas);
  const recolour = () => {
    stamps = new Map();
    later();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  document.addEventListener("kindred:theme", recolour);
  canvas.style.touchAction = "pan-y";

  fetch(root.dataset.points)
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
    .then(take)
    .catch((error) => (note.textContent = `The points could not be loaded (${error.message}). Reload the page to try again.`));
}

// --- the picture that is pointed at

function cardOf(root) {
  const image = root.querySelector("[data-card] img");
  const said = root.querySelector("[data-said]");
  const form = root.querySelector("[data-search]");
  const button = form?.querySelector("button");
  const whole = root.querySelector("[data-whole]");
  const address = (kind, id) => root.dataset[kind].replace(/\/0(?=\/|$)/, `/${id}`);

  function hitText(points, row, rows) {
    if (points.hits[row] === 1) return "Hit: the nearest picture is of the same class.";
    if (points.hits[row] === -1) return "";
    const other = rows.get(points.near[row]);
    return other === undefined ? "Miss." : `Miss: the nearest picture is of \u2068${points.names[points.labels[other]]}\u2069.`;
  }

  return {
    show(points, row, rows) {
      const id = points.ids[row];
      const split = { train: "for training", test: "held out", query: "a held-out query", gallery: "held out" };
      image.hidden = false;
      image.src = address("thumbnail", id);
      said.textContent = `\u2068${points.names[points.labels[row]]}\u2069, ${split[points.split_names[points.splits[row]]]}. ${hitText(points, row, rows)}`;
      whole.hidden = false;
      whole.href = address("picture", id);
      if (button) {
        button.disabled = false;
        button.value = id;
      }
    },
    open() {
      if (form) form.requestSubmit(button);
      else window.location.assign(whole.href);
    },
  };
}

const begin = () => {
  for (const root of document.querySelectorAll("[data-map]:not([data-begun])")) {
    root.dataset.begun = "";
    mapOf(root);
  }
};
document.addEventListener("htmx:afterSwap", begin); // the map comes when its job has ended
begin();
