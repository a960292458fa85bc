// Buttons that copy the text beside them. Without scripts the text can be selected.

for (const button of document.querySelectorAll("[data-copy]")) {
  const status = button.parentElement.querySelector("[data-copy-status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(source); // no clipboard without HTTPS: the text is selected instead
      status.textContent = "Selected. Press Ctrl+C or ⌘C to copy.";
    }
  });
}
