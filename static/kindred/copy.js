// Buttons that copy a text: a checksum, or the program in the <pre> before them. Without scripts one selects it.

async function copy(button) {
  const words = button.dataset.copyText || button.previousElementSibling.textContent;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(words);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy";
  }
  setTimeout(() => (button.textContent = label), 2000);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy-text]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
