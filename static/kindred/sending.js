// A form sent with its progress. The site answers 204 with the URL of the results, or a page that says what is wrong.

export function sent(url, data, told) {
  const request = new XMLHttpRequest();
  const ended = new Promise((resolve) => {
    request.open("POST", url);
    request.setRequestHeader("HX-Request", "true"); // so that an ended session leads to the sign-in, and back
    request.setRequestHeader("HX-Current-URL", location.href);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && told(event.loaded / event.total));
    request.addEventListener("loadend", () => resolve(request));
    request.send(data);
  });
  return { ended, stop: () => request.abort() };
}

// --- what is wrong, beside its cause

export function complain(place, text) {
  const list = Object.assign(document.createElement("ul"), { className: "errorlist", tabIndex: -1 });
  list.append(Object.assign(document.createElement("li"), { textContent: text }));
  const alert = Object.assign(document.createElement("div"), { role: "alert" });
  alert.append(list);
  place.replaceChildren(alert);
  attend(list);
}

export function attend(list) {
  if (!list) return;
  for (let part = list.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  list.focus({ preventScroll: true });
  list.scrollIntoView({ block: "center" });
}

export function forget(form) {
  for (const place of form.querySelectorAll("[data-errors]")) place.replaceChildren();
}

// Returns whether the answer has this form, with what is wrong in it.
export function showErrors(form, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const other = answer.querySelector("[data-picture-form]");
  for (const list of answer.querySelectorAll("[autofocus]")) list.autofocus = false; // `attend` is for pages that stand
  if (!other) return answer.querySelector("main .lead")?.textContent ?? "";
  for (const place of form.querySelectorAll("[data-errors]")) {
    place.replaceChildren(...(other.querySelector(`[data-errors="${place.dataset.errors}"]`)?.childNodes ?? []));
  }
  attend(form.querySelector(".errorlist"));
  return null;
}
