// Plays a stored toy run in the last of its drawings, from its start to its end, when asked to.

const SECONDS = 6;

const short = (number) => Math.round(10 * number) / 10;

function dots(places) {
  return places.map(([x, y]) => `M${short(x)} ${short(-y)}h0`).join("");
}

function diamonds(places) {
  return places.map(([x, y]) => `M${short(x - 6)} ${short(-y)}l6-6 6 6-6 6z`).join("");
}

function between(frames, at) {
  const first = Math.min(Math.floor(at), frames.length - 2);
  const share = at - first;
  return frames[first].map((place, row) => place.map((value, axis) => value + share * (frames[first + 1][row][axis] - value)));
}

function player(section) {
  const { classes, points, proxies } = JSON.parse(section.querySelector("#toy-frames").textContent);
  const groups = [...section.querySelectorAll("[data-stage] g")];
  const button = section.querySelector("[data-play]");
  let running = 0;

  function draw(at) {
    const now = between(points, at);
    const held = between(proxies, at);
    groups.forEach((group, label) => {
      const own = now.slice((label * now.length) / classes, ((label + 1) * now.length) / classes);
      const ours = held.slice((label * held.length) / classes, ((label + 1) * held.length) / classes);
      group.querySelector(".toy-near").setAttribute("d", dots(own.filter((place) => place[2] >= 0)));
      group.querySelector(".toy-far").setAttribute("d", dots(own.filter((place) => place[2] < 0)));
      group.querySelector(".toy-proxy")?.setAttribute("d", diamonds(ours));
    });
  }

  function stop() {
    cancelAnimationFrame(running);
    running = 0;
    draw(points.length - 1);
    button.textContent = "Play";
  }

  button.addEventListener("click", () => {
    if (running) {
      stop();
      return;
    }
    button.textContent = "Stop";
    let begun = 0;
    const step = (now) => {
      begun ||= now;
      const share = (now - begun) / (1000 * SECONDS);
      if (share >= 1) {
        stop();
        return;
      }
      draw(share * (points.length - 1));
      running = requestAnimationFrame(step);
    };
    running = requestAnimationFrame(step);
  });

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const show = () => {
    button.hidden = still.matches;
    if (still.matches && running) stop();
  };
  still.addEventListener("change", show);
  show();
}

for (const section of document.querySelectorAll("[data-toy]")) player(section);
