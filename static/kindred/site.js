// What the pages do beyond links and forms. Every page works without it, by plain forms.

// --- one picture, lit wherever it appears

function light(event) {
  const id = event.target.closest?.("[data-light] [data-image]")?.dataset.image;
  for (const tile of document.querySelectorAll("[data-light] [data-image]")) {
    tile.classList.toggle("lit", tile.dataset.image === id);
  }
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
for (const name of ["mouseover", "focusin"]) document.addEventListener(name, light); // also what htmx brings later
for (const input of document.querySelectorAll("[data-select-all]")) input.addEventListener("focus", () => input.select());
