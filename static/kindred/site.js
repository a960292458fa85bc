// What the pages do beyond links and forms. Every page works without it, by plain forms.

const LARGE = 1024 * 1024;

function sizeOf(bytes) {
  return bytes < LARGE ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / LARGE).toFixed(1)} MB`;
}

// --- the search form: drop anywhere, paste, choose, preview, clear

function pictureForm(form) {
  const frame = form.querySelector("[data-frame]");
  const input = frame.querySelector("input[type=file]");
  const preview = frame.querySelector("[data-preview]");
  const prompt = frame.querySelector("[data-prompt]");
  const chosen = frame.querySelector("[data-chosen]");
  const clear = frame.querySelector("[data-clear]");
  const gallery = form.querySelector("input[name=image]");
  let address = "";

  function show() {
    const file = input.files[0];
    URL.revokeObjectURL(address);
    address = file ? URL.createObjectURL(file) : "";
    preview.hidden = clear.hidden = !file;
    prompt.hidden = Boolean(file);
    if (file) {
      preview.src = address;
      gallery.value = "";
    } else {
      preview.removeAttribute("src");
    }
    chosen.textContent = file ? `${file.name}, ${sizeOf(file.size)}` : "";
  }

  function take(files) {
    const picture = [...files].find((file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name));
    if (!picture) {
      chosen.textContent = "That is not a picture.";
      return;
    }
    const transfer = new DataTransfer();
    transfer.items.add(picture);
    input.files = transfer.files;
    show();
    form.scrollIntoView({ block: "nearest" });
  }

  preview.addEventListener("error", () => {
    if (!address) return;
    preview.hidden = true; // HEIC and the like: the server reads them, this browser cannot
    chosen.textContent += " (your browser cannot show it, the search can read it)";
  });
  input.addEventListener("change", show);
  clear.addEventListener("click", () => {
    input.value = gallery.value = "";
    show();
    input.focus();
  });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-quick-pick]")) input.value = "";
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

// --- one picture, lit wherever it appears

function lighting(columns) {
  const light = (event) => {
    const id = event.target.closest?.("[data-image]")?.dataset.image;
    for (const tile of columns.querySelectorAll("[data-image]")) {
      tile.classList.toggle("lit", event.type !== "mouseleave" && event.type !== "focusout" && tile.dataset.image === id);
    }
  };
  for (const name of ["mouseover", "focusin", "mouseleave", "focusout"]) columns.addEventListener(name, light);
}

// --- forms that take a while say so, and are sent once

function busy(form) {
  const button = form.querySelector("[data-submit]");
  form.addEventListener("submit", (event) => {
    if (button.ariaBusy === "true") event.preventDefault();
    button.ariaBusy = "true";
  });
  window.addEventListener("pageshow", () => (button.ariaBusy = null)); // Back finds it ready again
}

document.documentElement.classList.add("scripted");
for (const form of document.querySelectorAll("form:has([data-submit])")) busy(form);
for (const form of document.querySelectorAll("[data-picture-form]")) pictureForm(form);
for (const columns of document.querySelectorAll("[data-light]")) lighting(columns);
for (const input of document.querySelectorAll("[data-select-all]")) input.addEventListener("focus", () => input.select());
