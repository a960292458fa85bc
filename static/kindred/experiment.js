// The form of an experiment: one click selects a whole family of losses, another clears it.

for (const button of document.querySelectorAll("[data-family]")) {
  const boxes = [...button.closest(".family").querySelectorAll("input[type=checkbox]")];
  const label = () => {
    const all = boxes.every((box) => box.checked);
    button.textContent = all ? "Clear family" : "Select family";
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/^\w+/, all ? "Clear" : "Select"));
  };
  button.hidden = boxes.length < 2;
  button.addEventListener("click", () => {
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !all;
    label();
    button.dispatchEvent(new Event("change", { bubbles: true })); // the estimate listens
  });
  for (const box of boxes) box.addEventListener("change", label);
  label();
}
