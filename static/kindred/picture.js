// The picture of a new search: photo, file, drop or paste; it is searched with at once.

import { cropping } from "./crop.js";
import { keep, kept } from "./kept.js";
import { attend, complain, forget, sent, showErrors } from "./sending.js";

const LARGE = 1024 * 1024;
const LOST = "The connection was lost. Try again.";
const LOST_WITH_PICTURE = "The connection was lost. Your picture is still here: press Search to try again.";
const PRIVATE = ["csrfmiddlewaretoken", "picture", "url", "class_name"]; // never in the URL

function sizeOf(bytes) {
  return bytes < LARGE ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / LARGE).toFixed(1)} MB`;
}

function surelyNoPicture(file) {
  return file.type !== "" && !file.type.startsWith("image/"); // without a type the server looks
}

export function keepInUrl(form) {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "" && !PRIVATE.includes(name)) said.append(name, value);
  history.replaceState(history.state, "", `${location.pathname}?${said}`);
}

export function pictureForm(form) {
  const frame = form.querySelector("[data-frame]");
  const input = frame.querySelector("#id_picture");
  const camera = frame.querySelector("[data-camera]");
  const crop = frame.querySelector("[data-crop]");
  const preview = frame.querySelector("[data-preview]");
  const prompt = frame.querySelector("[data-prompt]");
  const chosen = frame.querySelector("[data-chosen]");
  const clear = frame.querySelector("[data-clear]");
  const going = frame.querySelector("[data-going]");
  const upload = frame.querySelector("[data-upload]");
  const button = form.querySelector("[data-submit]");
  const beside = frame.querySelector("[data-errors=picture]");
  const box = cropping(crop, form.querySelector("[data-box-fields]"));
  let current = []; // the files that are selected, also while a wrong one is refused
  let objectUrl = "";
  let stop = () => {};
  let underway = false;
  camera.removeAttribute("name"); // its photo goes to the other field

  function hold(files) {
    const carried = new DataTransfer();
    for (const file of files) carried.items.add(file);
    input.files = carried.files;
    current = files;
  }

  function show() {
    const [file] = current;
    URL.revokeObjectURL(objectUrl);
    objectUrl = file ? URL.createObjectURL(file) : "";
    crop.hidden = clear.hidden = !file;
    prompt.hidden = Boolean(file);
    preview.hidden = false;
    if (file) preview.src = objectUrl;
    else preview.removeAttribute("src");
    form.elements.image.value = form.elements.like.value = "";
    const several = current.length > 1 ? `${current.length} pictures: ` : "";
    chosen.textContent = several + current.map((one) => `${one.name}, ${sizeOf(one.size)}`).join("; ");
    box.whole();
    keepInUrl(form);
  }

  // Returns why these files cannot be searched with, "" if they can.
  function fault(files) {
    if (files.length > Number(form.dataset.mostPictures)) return `${files.length} pictures are selected; the limit is ${form.dataset.mostPictures} at once.`;
    const large = files.find((file) => file.size > Number(form.dataset.mostBytes));
    if (large) return `${large.name} has ${sizeOf(large.size)}; the limit is ${sizeOf(Number(form.dataset.mostBytes))}.`;
    return files.every(surelyNoPicture) ? `${files[0].name} is not a picture. Use ${form.dataset.formats}.` : "";
  }

  function take(files) {
    const wrong = fault(files);
    if (wrong) {
      hold(current);
      complain(beside, current.length ? `${wrong} Still selected: ${current.map((file) => file.name).join(", ")}.` : wrong);
      return;
    }
    stop();
    rest();
    hold(files);
    forget(form);
    show();
    if (form.querySelector("[data-crop-first]").checked) frame.scrollIntoView({ block: "nearest" });
    else form.requestSubmit(button);
  }

  function say(text, lost = false) {
    going.textContent = text;
    going.classList.toggle("lost", lost);
  }

  function rest(text = "", lost = false) {
    say(text, lost);
    upload.hidden = true;
    button.ariaBusy = null;
    underway = false;
    stop = () => {};
  }

  function progress(share) {
    upload.hidden = share >= 1;
    upload.value = 100 * share;
    say(share < 1 ? "Uploading…" : "Searching…");
  }

  async function lead(url) {
    const signIn = url.startsWith(form.dataset.signIn);
    if (signIn && current.length) await keep(current);
    location.assign(url);
  }

  async function submit(event) {
    const again = event.defaultPrevented || underway;
    event.preventDefault();
    if (again) return; // it is on its way
    underway = true;
    forget(form);
    const pick = event.submitter?.closest("[data-quick-pick]");
    const data = new FormData(form);
    if (pick) {
      box.whole(); // it was drawn on another picture
      data.set("image", pick.value);
      for (const name of ["picture", "left", "top", "right", "bottom"]) data.delete(name);
    }
    const several = !pick && current.length > 1;
    say(data.get("picture")?.size > LARGE ? "Uploading…" : "Searching…");
    going.scrollIntoView({ block: "nearest" });
    const sending = sent(several ? form.dataset.batchUrl : form.action, data, progress);
    let stopped = false;
    stop = () => {
      stopped = true;
      sending.stop();
    };
    const answer = await sending.ended;
    if (stopped) return;
    const where = answer.getResponseHeader("HX-Redirect");
    if (where) return lead(where);
    rest();
    if (answer.status === 0) return fail(current.length ? LOST_WITH_PICTURE : LOST);
    const said = showErrors(form, answer.responseText);
    if (said !== null) fail(said || `The search failed (error ${answer.status}). Press Search to try again.`);
  }

  function fail(text) {
    complain(beside, text);
    button.focus({ preventScroll: true }); // one key, or one tap, tries again
  }

  async function takeBack() {
    const files = await kept();
    if (!files) return;
    if (files.length) {
      hold(files);
      show();
      say("You are signed in again, and your picture is still here: press Search.", true);
      button.focus();
    } else say("You are signed in again. Choose the picture once more.", true);
  }

  preview.addEventListener("error", () => {
    if (!objectUrl) return;
    crop.hidden = true; // HEIC and the like: the server reads them, this browser cannot
    chosen.textContent += " (no preview in this browser; the search can read it)";
  });
  input.addEventListener("change", () => input.files.length ? take([...input.files]) : hold(current));
  camera.addEventListener("change", () => {
    const files = [...camera.files];
    camera.value = "";
    if (files.length) take(files);
  });
  clear.addEventListener("click", () => {
    stop();
    rest();
    hold([]);
    forget(form);
    show();
    input.focus();
  });
  form.addEventListener("submit", submit);
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) take([...event.clipboardData.files]);
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.documentElement.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.documentElement.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.documentElement.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) rest();
    if (underway || current.length || !input.files.length) return; // taken already
    if (!event.persisted && performance.getEntriesByType("navigation")[0]?.type === "navigate") {
      take([...input.files]); // it was chosen before this script had come
      return;
    }
    current = [...input.files]; // Back keeps the files, not their preview
    show();
  });
  attend(form.querySelector(".errorlist"));
  takeBack();
}
