// Rating by keyboard alone. The pages work without it, by forms and links.

const SWITCH = "kindred-keys-off";

function keysAreOn() {
  return localStorage.getItem(SWITCH) === null;
}

// --- the columns of a ballot: which one the keys rate

function columnsOf(form) {
  const columns = [...form.querySelectorAll("[data-column]")];
  let current = 0;

  function go(to) {
    current = Math.max(0, Math.min(columns.length - 1, to));
    columns.forEach((column, at) => column.classList.toggle("current", at === current));
  }

  function move(step) {
    go(current + step);
    const column = columns[current];
    (column.querySelector("input:checked") ?? column.querySelector("input")).focus({ focusVisible: true });
    column.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function rate(value) {
    const radio = columns[current].querySelector(`input[value="${value}"]`);
    radio.checked = true;
    radio.focus({ focusVisible: true });
  }

  columns.forEach((column, at) => column.addEventListener("focusin", () => go(at)));
  go(0);
  return { move, rate };
}

// --- a form is sent once, whichever button or key sends it

function sentOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    event.submitter?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    sent = false; // Back finds it ready again
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
}

// --- columns without a rating say so beside themselves, and the first is focused

function missing(form) {
  const columns = [...form.querySelectorAll("[data-column]")];
  const rated = (column) => column.querySelector("input:checked") !== null;

  function tell() {
    const without = columns.filter((column) => !rated(column));
    columns.forEach((column) => (column.querySelector("[data-missing]").hidden = rated(column)));
    if (without.length === 0) return true;
    without[0].querySelector("input").focus({ focusVisible: true });
    without[0].scrollIntoView({ block: "nearest", inline: "nearest" });
    return false;
  }

  form.noValidate = true; // the browser's bubble names no column
  form.addEventListener(
    "submit",
    (event) => {
      if (event.submitter?.hasAttribute("formnovalidate") || tell()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  form.addEventListener("change", (event) => {
    event.target.closest("[data-column]").querySelector("[data-missing]").hidden = true;
  });
}

// --- pictures in large

function zoom() {
  const dialog = document.querySelector("[data-zoom-dialog]");
  if (!dialog) return;
  const large = dialog.querySelector("img");
  for (const button of document.querySelectorAll("[data-zoom]")) {
    const small = button.querySelector("img");
    button.disabled = false;
    button.addEventListener("click", () => {
      large.src = small.dataset.full ?? small.src;
      large.alt = small.alt;
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog.querySelector("button")) dialog.close();
  });
}

// --- what the keys do: the list, and its switch

function help(dialog) {
  const open = document.querySelector("[data-keys-open]");
  const toggle = dialog.querySelector("[data-keys-on]");
  const hint = document.querySelector("[data-keys-hint]");

  function show() {
    toggle.checked = keysAreOn();
    hint.hidden = !keysAreOn();
  }

  open.hidden = false;
  open.addEventListener("click", () => dialog.showModal());
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "1");
    show();
  });
  show();
  return () => (dialog.open ? dialog.close() : dialog.showModal());
}

function ask(question) {
  question.open = true;
  question.querySelector("button").focus();
}

function keys() {
  const form = document.querySelector("[data-ballot]");
  const undo = document.querySelector("[data-undo]");
  const none = document.querySelector("[data-none]");
  const dialog = document.querySelector("[data-keys]");
  const columns = form && columnsOf(form);
  const toggleHelp = dialog && help(dialog);
  const skip = document.querySelector("[data-skip]");
  const names = document.querySelector("[data-names]");
  const change = document.querySelector("[data-change]");
  const zoomed = document.querySelector("[data-zoom-dialog]");
  if (form) missing(form); // first: what is not whole is not sent
  if (form) sentOnce(form);
  if (undo) sentOnce(undo);
  document.querySelectorAll("[data-once]").forEach(sentOnce);

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const typing = event.target.closest("select, textarea, input:not([type=radio], [type=checkbox])");
    const single = event.key.length === 1 && keysAreOn() && !typing;
    const key = event.key.toLowerCase();
    if (single && key === "?" && toggleHelp) toggleHelp();
    else if (dialog?.open || zoomed?.open) return;
    else if (single && columns && /^[1-5]$/.test(key)) columns.rate(key);
    else if (single && key === "n" && none) none.click();
    else if (single && key === "s" && skip) skip.click();
    else if (single && key === "c" && change) change.click();
    else if (single && key === "u" && undo) ask(undo.querySelector("details"));
    else if (columns && !typing && key === "arrowleft") columns.move(-1);
    else if (columns && !typing && key === "arrowright") columns.move(1);
    else if (columns && key === "enter" && !event.target.closest("a, button, select, textarea")) {
      document.querySelector("[data-submit]").click();
    } else if (names && key === "enter" && !event.target.closest("a, button")) {
      names.click();
    } else return;
    event.preventDefault();
  });
}

zoom();
keys();
