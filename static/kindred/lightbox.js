// A result in large, in a dialog over the results. Without this, the link leads to a page that shows the same.

const SWIPE = 40; // px that a finger moves sideways
const OPEN = "#open-"; // then the key of the result

const dialog = document.getElementById("lightbox");
const body = dialog.querySelector("[data-body]");
const words = dialog.querySelector("[data-words]");
let shown = ""; // the key of the result that is shown

function linkOf(key) {
  return key ? document.querySelector(`a[data-lightbox="${CSS.escape(key)}"]`) : null;
}

function keyInUrl() {
  return location.hash.startsWith(OPEN) ? location.hash.slice(OPEN.length) : "";
}

// --- what is shown

function load(key) {
  const link = linkOf(key);
  if (!link) return false;
  shown = key;
  htmx.ajax("GET", link.href, { source: body, target: body, select: "#result-card", swap: "innerHTML show:none" });
  return true;
}

function step(rel) {
  return body.querySelector(`a[rel="${rel}"]`);
}

function arrived() {
  words.textContent = body.querySelector("[data-words]")?.dataset.words ?? "";
  body.scrollTop = 0;
  for (const button of dialog.querySelectorAll("[data-step]")) {
    const link = step(button.dataset.step);
    button.ariaDisabled = String(!link);
    if (link) new Image().src = link.dataset.picture; // it is there when one steps on
  }
}

// --- open, step, close: the URL follows, so that Back closes

function open(key, remember) {
  if (!load(key)) return;
  if (remember) history.pushState({ lightbox: true }, "", OPEN + key);
  if (!dialog.open) dialog.showModal();
}

function go(rel) {
  const link = step(rel);
  if (!link) return;
  history.replaceState(history.state, "", OPEN + link.dataset.key);
  load(link.dataset.key);
}

function shut() {
  if (!dialog.open) return;
  const link = linkOf(shown);
  dialog.close();
  body.replaceChildren();
  link?.closest("details")?.setAttribute("open", "");
  link?.focus();
}

function close() {
  if (history.state?.lightbox) return history.back(); // which closes, see popstate
  if (keyInUrl()) history.replaceState(history.state, "", location.pathname + location.search);
  shut();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-lightbox]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link.dataset.lightbox, true);
});
dialog.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (button) go(button.dataset.step);
  if (event.target === dialog || event.target.closest("[data-close]")) close();
});
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});
dialog.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (!rel) return;
  event.preventDefault();
  go(rel);
});
// Registered before htmx's own, which would load the page anew.
window.addEventListener("popstate", (event) => {
  const key = keyInUrl();
  if (key) open(key, false);
  else if (dialog.open) {
    event.stopImmediatePropagation();
    shut();
  }
});

// --- a finger that moves sideways steps

let began = null;
body.addEventListener("touchstart", (event) => {
  began = event.touches.length === 1 ? event.touches[0] : null; // two zoom
}, { passive: true });
body.addEventListener("touchend", (event) => {
  if (!began || visualViewport.scale > 1.01) return;
  const [dx, dy] = [event.changedTouches[0].clientX - began.clientX, event.changedTouches[0].clientY - began.clientY];
  began = null;
  if (Math.abs(dx) > SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) go(dx < 0 ? "next" : "prev");
}, { passive: true });

// --- what comes in

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === body) arrived();
});
document.addEventListener("htmx:afterSettle", (event) => {
  const marked = dialog.open && body.contains(event.detail.elt) && body.querySelector("form.marks");
  if (!marked) return;
  for (const button of marked.querySelectorAll("button")) { // the list below says the same
    document.getElementById(button.id.replace("card-", ""))?.setAttribute("aria-pressed", button.ariaPressed);
  }
});
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, (event) => {
    if (dialog.contains(event.detail.elt)) close(); // the message stands on the page
  });
}

if (keyInUrl()) open(keyInUrl(), false);
