// A box drawn on a picture: by mouse, finger or keys. The number fields beside it are its truth.

const SIDES = ["left", "top", "right", "bottom"];
const WHOLE = [0, 0, 100, 100];
const LEAST = 4; // per cent of a side
const PATIENCE = 500; // ms after the last key

const within = (value, low, high) => Math.min(high, Math.max(low, value));

export function cropping(crop, fields) {
  const image = crop.querySelector("img");
  const box = crop.querySelector("[data-crop-box]");
  const inputs = SIDES.map((side) => fields.querySelector(`[name=${side}]`));
  let drag = null;
  let waiting;

  function read() {
    return inputs.map((input, at) => (input.value === "" ? WHOLE[at] : within(Number(input.value) || 0, 0, 100)));
  }

  function write(sides) {
    const whole = sides.every((side, at) => Math.abs(side - WHOLE[at]) < 0.05);
    inputs.forEach((input, at) => (input.value = whole ? "" : String(Math.round(10 * sides[at]) / 10)));
    place();
  }

  function changed() {
    inputs[0].dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Where the picture lies in its element, which is a square that it may not fill.
  function picture() {
    const frame = image.getBoundingClientRect();
    const outer = crop.getBoundingClientRect();
    const scale = Math.min(frame.width / image.naturalWidth, frame.height / image.naturalHeight);
    const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    return {
      left: frame.left - outer.left + (frame.width - width) / 2,
      top: frame.top - outer.top + (frame.height - height) / 2,
      width,
      height,
    };
  }

  function place() {
    box.classList.toggle("placed", Boolean(image.naturalWidth)); // until then it is there, so that focus finds it
    if (!image.naturalWidth) return;
    const [left, top, right, bottom] = read();
    const shown = picture();
    box.classList.toggle("whole", inputs.every((input) => input.value === ""));
    box.style.left = `${shown.left + (shown.width * left) / 100}px`;
    box.style.top = `${shown.top + (shown.height * top) / 100}px`;
    box.style.width = `${(shown.width * Math.max(0, right - left)) / 100}px`;
    box.style.height = `${(shown.height * Math.max(0, bottom - top)) / 100}px`;
  }

  function moved(grip, [left, top, right, bottom], x, y) {
    if (grip === "move") {
      const dx = within(x, -left, 100 - right);
      const dy = within(y, -top, 100 - bottom);
      return [left + dx, top + dy, right + dx, bottom + dy];
    }
    return [
      grip.includes("w") ? within(left + x, 0, right - LEAST) : left,
      grip.includes("n") ? within(top + y, 0, bottom - LEAST) : top,
      grip.includes("e") ? within(right + x, left + LEAST, 100) : right,
      grip.includes("s") ? within(bottom + y, top + LEAST, 100) : bottom,
    ];
  }

  function point(event) {
    const outer = crop.getBoundingClientRect();
    const shown = picture();
    return [
      (100 * (event.clientX - outer.left - shown.left)) / shown.width,
      (100 * (event.clientY - outer.top - shown.top)) / shown.height,
    ];
  }

  crop.addEventListener("pointerdown", (event) => {
    if (!image.naturalWidth || event.button) return;
    const whole = box.classList.contains("whole");
    let grip = event.target.dataset?.grip ?? "draw";
    if (grip === "move" && whole) grip = "draw"; // there is nowhere to move the whole picture to
    if (grip === "draw" && event.pointerType === "touch") return; // a finger scrolls there; corners are to be dragged
    const [x, y] = point(event);
    drag = { grip, x, y, from: read(), before: inputs.map((input) => input.value).join() };
    crop.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.target.closest("[data-grip]")?.focus();
  });
  crop.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = point(event).map((value) => within(value, 0, 100));
    if (drag.grip !== "draw") return write(moved(drag.grip, drag.from, x - drag.x, y - drag.y));
    const sides = [Math.min(x, drag.x), Math.min(y, drag.y), Math.max(x, drag.x), Math.max(y, drag.y)];
    if (sides[2] - sides[0] >= LEAST && sides[3] - sides[1] >= LEAST) write(sides);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    crop.addEventListener(name, () => {
      const began = drag;
      drag = null;
      if (began && began.before !== inputs.map((input) => input.value).join()) changed();
    });
  }
  crop.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 5 : 1;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!way || !event.target.dataset.grip) return;
    event.preventDefault();
    write(moved(event.target.dataset.grip, read(), ...way));
    clearTimeout(waiting);
    waiting = setTimeout(changed, PATIENCE);
  });
  for (const input of inputs) input.addEventListener("input", place);
  fields.querySelector("[data-whole]").addEventListener("click", () => {
    write(WHOLE);
    changed();
  });
  image.addEventListener("load", place);
  new ResizeObserver(place).observe(crop);
  place();
  return { whole: () => write(WHOLE), place };
}
