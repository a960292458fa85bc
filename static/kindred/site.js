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

for (const form of document.querySelectorAll("form:has([data-submit])")) busy(form);
for (const name of ["mouseover", "focusin"]) document.addEventListener(name, light); // also what htmx brings later
document.addEventListener("focusin", (event) => event.target.matches?.("[data-select-all]") && event.target.select());

// --- a request of htmx that fails says so

function failure(status) {
  if (status === 0) return "The site did not answer. Check your connection, then try again.";
  if (status === 401 || status === 403) return "Permission denied. Reload the page, sign in if asked, then try again.";
  if (status === 404) return "Not found: it was removed. Reload the page.";
  if (status === 429 || status === 503) return "The site is busy. Wait a moment, then try again.";
  return status < 500 ? "The request was rejected. Reload the page, then try again." : "Internal error. Try again; if it persists, tell the site's operator.";
}

function tell(said) {
  const shown = document.getElementById("request-failed") ?? document.createElement("p");
  Object.assign(shown, { id: "request-failed", className: "message error request-failed", role: "alert" });
  if (!shown.isConnected) document.body.append(shown);
  if (shown.textContent !== said) shown.textContent = said; // once for a page that asks every two seconds
}

function tellFailure(event) {
  tell(failure(event.detail.xhr?.status ?? 0));
  for (const button of event.detail.elt.querySelectorAll("[data-submit]")) button.ariaBusy = null;
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, tellFailure);
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("request-failed")?.remove();
});

// --- moments in the reader's own time zone

const STYLES = {
  day: { dateStyle: "medium" },
  minute: { dateStyle: "medium", timeStyle: "short" },
  second: { dateStyle: "medium", timeStyle: "medium" },
};

function ago(moment) {
  const minutes = Math.round((Date.now() - moment) / 60_000);
  if (minutes < 0 || minutes >= 24 * 60) return null;
  if (minutes === 0) return "just now";
  return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
}

function localize(root) {
  for (const time of root.querySelectorAll("time[data-when]")) {
    const moment = new Date(time.dateTime);
    const style = STYLES[time.dataset.when] ?? STYLES.minute;
    time.title ||= time.textContent;
    time.textContent = (time.dataset.when === "ago" && ago(moment)) || new Intl.DateTimeFormat("en-GB", style).format(moment);
  }
}

localize(document);
document.addEventListener("htmx:load", (event) => localize(event.detail.elt.parentElement ?? document));

// --- an offer to undo goes when its time is over

function vanish(root) {
  for (const toast of root.querySelectorAll("[data-vanish]")) {
    setTimeout(() => toast.remove(), 1000 * Number(toast.dataset.vanish));
    delete toast.dataset.vanish;
  }
}

vanish(document);
document.addEventListener("htmx:oobAfterSwap", (event) => vanish(event.detail.target.parentElement ?? document));

// --- the theme changes at once, and what stands in a form stays; charts hear of it

function wear(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  const media = { light: "not all", dark: "all", system: "(prefers-color-scheme: dark)" };
  document.querySelector("link[data-dark]").media = media[theme];
  document.querySelector("meta[name=color-scheme]").content = theme === "system" ? "light dark" : theme;
  for (const button of document.querySelectorAll("[data-theme-form] button")) button.ariaPressed = String(button.value === theme);
  document.dispatchEvent(new Event("kindred:theme"));
}

document.addEventListener("submit", async (event) => {
  if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  const body = new FormData(event.target, event.submitter);
  const answer = await fetch(event.target.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) wear(event.submitter.value);
  else tell(failure(answer?.status ?? 0));
});

// --- buttons that copy the text of the element they name, and say so in the region after them

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = button.nextElementSibling;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    said.textContent = "Copied";
  } catch {
    if (source.select) source.select(); // no clipboard without HTTPS, or it was refused: the text is selected instead
    else getSelection().selectAllChildren(source);
    said.textContent = "Selected: copy it with Ctrl+C, or hold it.";
  }
}

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

showCopyButtons(document);
document.addEventListener("htmx:load", (event) => showCopyButtons(event.detail.elt.parentElement ?? document));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
