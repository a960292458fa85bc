// The search page and the results page. Both work without this, by plain forms.

import { cropping } from "./crop.js";
import { keepInUrl, pictureForm } from "./picture.js";

const PATIENCE = 250; // ms between the last change and the search that it starts

// --- the options: models of the selected data sets, slider and number, the URL

function modelChoices(form) {
  const chosen = [...form.elements].filter((field) => field.name === "datasets" && (field.checked || field.type === "hidden"));
  const keys = chosen.map((field) => field.value);
  for (const choice of form.querySelectorAll("[data-serves]")) {
    const serves = choice.dataset.serves.trim().split(" ");
    choice.hidden = !keys.some((key) => serves.includes(key));
    choice.querySelector("input").disabled = choice.hidden; // what is disabled is not sent
  }
}

function sliders(form) {
  for (const slider of form.querySelectorAll("[data-slider-of]")) {
    const number = document.getElementById(slider.dataset.sliderOf);
    slider.addEventListener("input", () => (number.value = slider.value));
    number.addEventListener("input", () => (slider.value = number.value === "" ? slider.min : number.value));
  }
}

// Who selected models keeps them when the data sets change; for others the best of those data sets are taken.
function keepsModels(form) {
  let touched = false;
  const mark = () => touched && form.querySelector("#model-choices")?.setAttribute("data-touched", "");
  form.addEventListener("change", (event) => {
    touched ||= ["models", "all_models"].includes(event.target.name);
    mark();
  });
  document.addEventListener("htmx:afterSettle", mark);
}

// --- searching again at every change

function refining(form) {
  const crop = document.querySelector("[data-crop]");
  if (crop) cropping(crop, form.querySelector("[data-box-fields]"));
  let waiting;
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-not-an-option]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => form.isConnected && form.reportValidity() && form.requestSubmit(), PATIENCE);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-untick]");
    if (!chip) return;
    const box = document.getElementById(chip.dataset.untick);
    box.checked = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

const known = new WeakSet();
const opened = new Set();

function begin() {
  for (const form of document.querySelectorAll("[data-in-url], [data-refine]")) {
    if (known.has(form)) continue;
    known.add(form);
    sliders(form);
    modelChoices(form);
    form.addEventListener("change", () => modelChoices(form));
    if (form.matches("[data-refine]")) refining(form);
    else {
      pictureForm(form);
      keepsModels(form);
      form.addEventListener("change", (event) => event.target.name !== "picture" && keepInUrl(form));
      window.addEventListener("pageshow", () => modelChoices(form));
    }
  }
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "search-page") return;
  for (const part of document.querySelectorAll("#search-page details[id]")) {
    if (part.open) opened.add(part.id);
    else opened.delete(part.id);
  }
  if ([400, 503].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true; // the same page, saying what is wrong
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:afterSettle", () => {
  begin();
  for (const form of document.querySelectorAll("[data-in-url]")) modelChoices(form);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened.clear();
  const live = document.querySelector("[data-announce]");
  if (live) live.textContent = document.querySelector(".errorlist")?.textContent ?? document.querySelector(live.dataset.announce).textContent;
});
begin();
