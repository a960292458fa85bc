// The options of a search, on its form and on the page of its results: models of the selected data sets, a slider and its number.

export function modelChoices(form) {
  const chosen = [...form.elements].filter((field) => field.name === "datasets" && (field.checked || field.type === "hidden"));
  const keys = chosen.map((field) => field.value);
  for (const choice of form.querySelectorAll("[data-serves]")) {
    const serves = choice.dataset.serves.trim().split(" ");
    choice.hidden = !keys.some((key) => serves.includes(key));
    choice.querySelector("input").disabled = choice.hidden; // what is disabled is not sent
  }
}

export function sliders(form) {
  for (const slider of form.querySelectorAll("[data-slider-of]")) {
    const number = document.getElementById(slider.dataset.sliderOf);
    slider.addEventListener("input", () => (number.value = slider.value));
    number.addEventListener("input", () => (slider.value = number.value === "" ? slider.min : number.value));
  }
}
