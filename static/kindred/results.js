// The results page: refining at every change, sharing, panels. It works without this, by plain forms.

import { cropping } from "./crop.js";
import { modelChoices, sliders } from "./options.js";

const PATIENCE = 250; // ms between the last change and the search that it starts

// --- refining

// htmx sends the value of a button within its form only.
function sendWith(form, button, event) {
  event.preventDefault();
  const value = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
  form.append(value);
  form.requestSubmit();
  value.remove();
}

function refining(form) {
  const page = form.closest("#search-page");
  const crop = form.querySelector("[data-crop]");
  if (crop) cropping(crop, form.querySelector("[data-box-fields]"));
  sliders(form);
  modelChoices(form);
  let waiting;
  page.addEventListener("change", (event) => {
    if (event.target.form !== form || event.target.matches("[data-not-an-option]")) return;
    modelChoices(form);
    clearTimeout(waiting);
    waiting = setTimeout(() => form.isConnected && form.reportValidity() && form.requestSubmit(), PATIENCE);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
  page.addEventListener("click", (event) => {
    const outside = event.target.closest("button[form][name]");
    if (outside?.form === form) sendWith(form, outside, event);
    const chip = event.target.closest("[data-untick]");
    if (!chip) return;
    const box = document.getElementById(chip.dataset.untick);
    box.checked = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// --- panels: one opens by its button, by a link to it, or by the URL

function open(id) {
  const panel = document.getElementById(id);
  if (panel?.matches("details")) panel.open = true;
}

function panels() {
  for (const link of document.querySelectorAll("[data-opens]")) link.addEventListener("click", () => open(link.dataset.opens));
}

// --- sharing: hand the link to the system

function sharing() {
  for (const button of document.querySelectorAll("[data-send]")) {
    button.hidden = !navigator.share;
    button.addEventListener("click", () => {
      const url = document.getElementById(button.dataset.send).value;
      navigator.share({ title: `Results for ${button.dataset.title}`, url }).catch(() => {}); // closing the sheet is no error
    });
  }
}

// --- marks: once there is one, the search can be repeated with them

function afterMark() {
  document.querySelector("[data-after-marks]")?.removeAttribute("data-after-marks");
}

// --- the page anew

const begun = new WeakSet();
const opened = new Set();
let focused = ""; // the id of what had the focus, which htmx cannot give back while its panel is closed

function announce() {
  const live = document.querySelector("[data-announce]");
  const error = document.querySelector("#search-page .errorlist");
  live.textContent = (error ?? document.querySelector(live.dataset.announce)).textContent;
}

function begin() {
  const page = document.getElementById("search-page");
  if (begun.has(page)) return;
  begun.add(page);
  const form = page.querySelector("[data-refine]");
  if (form) refining(form);
  panels();
  sharing();
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "search-page") return;
  focused = document.activeElement.id;
  opened.clear();
  for (const part of document.querySelectorAll("#search-page details[id][open]")) opened.add(part.id);
  if ([400, 503].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true; // the same page, saying what is wrong
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.closest?.("form.marks") || event.detail.elt.matches?.("form.marks")) afterMark();
  if (!document.getElementById("search-page") || begun.has(document.getElementById("search-page"))) return;
  for (const id of opened) open(id); // before the new page is painted, so that nothing jumps
  if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  begin();
  announce();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.matches?.("form.marks")) afterMark();
});
window.addEventListener("hashchange", () => open(location.hash.slice(1)));

begin();
open(location.hash.slice(1));
setTimeout(announce, 500); // a region that is filled later is read out, one that is there from the start is not
