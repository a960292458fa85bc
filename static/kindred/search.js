// The search page and the results page. Both work without this, by plain forms.

import { cropping } from "./crop.js";

const LARGE = 1024 * 1024;
const PATIENCE = 250; // ms between the last change and the search that it starts
const PRIVATE = ["csrfmiddlewaretoken", "picture", "url", "class_name"]; // never in the URL

function sizeOf(bytes) {
  return bytes < LARGE ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / LARGE).toFixed(1)} MB`;
}

// --- the picture: drop anywhere, paste, choose, take a photo, preview, clear

function pictureForm(form) {
  const frame = form.querySelector("[data-frame]");
  const input = frame.querySelector("#id_picture");
  const camera = frame.querySelector("[data-camera]");
  const crop = frame.querySelector("[data-crop]");
  const preview = frame.querySelector("[data-preview]");
  const prompt = frame.querySelector("[data-prompt]");
  const chosen = frame.querySelector("[data-chosen]");
  const clear = frame.querySelector("[data-clear]");
  const box = cropping(crop, frame.querySelector("[data-box-fields]"));
  let objectUrl = "";

  function show() {
    const file = input.files[0];
    URL.revokeObjectURL(objectUrl);
    objectUrl = file ? URL.createObjectURL(file) : "";
    crop.hidden = clear.hidden = !file;
    prompt.hidden = Boolean(file);
    preview.hidden = false;
    if (file) preview.src = objectUrl;
    else preview.removeAttribute("src");
    form.elements.image.value = form.elements.like.value = "";
    chosen.textContent = file ? `${file.name}, ${sizeOf(file.size)}` : "";
    box.whole();
    keepInUrl(form);
  }

  function take(files) {
    const picture = [...files].find((file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name));
    if (!picture) {
      chosen.textContent = "Not a picture: choose an image file.";
      return;
    }
    const transfer = new DataTransfer();
    transfer.items.add(picture);
    input.files = transfer.files;
    show();
    form.scrollIntoView({ block: "nearest" });
  }

  preview.addEventListener("error", () => {
    if (!objectUrl) return;
    crop.hidden = true; // HEIC and the like: the server reads them, this browser cannot
    chosen.textContent += " (no preview in this browser; the search can read it)";
  });
  input.addEventListener("change", show);
  camera.addEventListener("change", () => {
    take(camera.files);
    camera.value = "";
  });
  clear.addEventListener("click", () => {
    input.value = "";
    show();
    input.focus();
  });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-quick-pick]")) box.whole(); // the box was drawn on another picture
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) take(event.clipboardData.files);
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.documentElement.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.documentElement.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.documentElement.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  window.addEventListener("pageshow", () => input.files.length && show()); // Back keeps the file, not its preview
}

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

function keepInUrl(form) {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "" && !PRIVATE.includes(name)) said.append(name, value);
  history.replaceState(history.state, "", `${location.pathname}?${said}`);
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
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened.clear();
  const live = document.querySelector("[data-announce]");
  if (live) live.textContent = document.querySelector(".errorlist")?.textContent ?? document.querySelector(live.dataset.announce).textContent;
});
begin();
