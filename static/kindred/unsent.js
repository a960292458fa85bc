// What was typed into a form stays, in this tab alone, while its owner signs in again.

const KEY = "kindred-unsent";
const KEPT = "input:not([type=hidden], [type=file], [type=password], [type=submit]), select, textarea";

const forms = () => [...document.querySelectorAll("main form[method=post]")];
const fields = (form) => [...form.querySelectorAll(KEPT)].filter((field) => field.name);
const isTicked = (field) => field.type === "checkbox" || field.type === "radio";

function valuesOf(form) {
  const chosen = (field) => (field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value);
  return fields(form).map((field) => [field.name, isTicked(field) ? field.checked : chosen(field)]);
}

function fill(form, values) {
  fields(form).forEach((field, place) => {
    const value = values[place][1];
    if (isTicked(field)) field.checked = value;
    else if (field.multiple) for (const option of field.options) option.selected = value.includes(option.value);
    else field.value = value;
  });
  form.dispatchEvent(new Event("change", { bubbles: true })); // estimates and previews listen
}

// The same person, back from the sign-in on the same page, with the same form on it.
function restore({ person, page, place, values }) {
  const form = forms()[place];
  const isBack = new URL(document.referrer || location.href).pathname.includes("/accounts/");
  if (!form || !isBack || person !== document.body.dataset.person || page !== location.pathname) return;
  const names = (those) => those.map(([name]) => name).join();
  if (names(valuesOf(form)) === names(values)) fill(form, values);
}

function remember(event) {
  const form = event.target.closest?.("main form[method=post]");
  if (!form || !fields(form).includes(event.target)) return;
  const { person } = document.body.dataset;
  sessionStorage.setItem(KEY, JSON.stringify({ person, page: location.pathname, place: forms().indexOf(form), values: valuesOf(form) }));
}

const unsent = sessionStorage.getItem(KEY);
sessionStorage.removeItem(KEY);
if (unsent) restore(JSON.parse(unsent));
for (const name of ["input", "change"]) document.addEventListener(name, remember);
