// Choosing pictures: all of a page, a stretch with Shift, and how many there are.

function choosing(form) {
  const boxes = [...form.querySelectorAll("input[name=image]")];
  const bar = form.querySelector("[data-choose-all]");
  const all = bar.querySelector("button");
  const said = bar.querySelector("[data-chosen]");
  let last = null;

  function count() {
    const chosen = boxes.filter((box) => box.checked).length;
    said.textContent = chosen ? `${chosen} selected.` : "None selected.";
    all.textContent = chosen === boxes.length ? "Select none" : "Select all on this page";
  }

  form.addEventListener("click", (event) => {
    if (event.target.name !== "image") return;
    const at = boxes.indexOf(event.target);
    if (event.shiftKey && last !== null) {
      for (const box of boxes.slice(Math.min(at, last), Math.max(at, last) + 1)) box.checked = event.target.checked;
    }
    last = at;
    count();
  });
  form.addEventListener("change", count);
  all.addEventListener("click", () => {
    const choose = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = choose;
    count();
  });
  bar.hidden = false;
  count();
}

for (const form of document.querySelectorAll("[data-choosing]")) choosing(form);
