// The search page: its options and its picture. It works without this, by plain forms.

import { modelChoices, sliders } from "./options.js";
import { keepInUrl, pictureForm } from "./picture.js";

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

const form = document.querySelector("[data-in-url]");
if (form) {
  sliders(form);
  modelChoices(form);
  pictureForm(form);
  keepsModels(form);
  form.addEventListener("change", (event) => {
    modelChoices(form);
    if (event.target.name !== "picture") keepInUrl(form);
  });
  window.addEventListener("pageshow", () => modelChoices(form));
  document.addEventListener("htmx:afterSettle", () => modelChoices(form));
}
