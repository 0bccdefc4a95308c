// The player of page 1: a scrubber over the steps, play at several speeds, single steps forward and back.

const SPEEDS = [5, 15, 30, 60, 150, 500];

function playerCard(page) {
  const { say, state } = page;
  const scrubber = el("input", {
    type: "range",
    class: "scrubber",
    min: 0,
    max: 1,
    step: 1,
    value: 0,
    "aria-label": say("landscape.control.scrubber"),
    data: { what: say("landscape.what.scrubber") },
  });
  const told = el("span", { class: "at" });
  const button = (name) => {
    const label = say(`landscape.control.${name}`);
    return el("button", { type: "button", class: name, title: label, "aria-label": label }, icon(name));
  };
  const [first, back, play, forward, last] = ["first", "back", "play", "forward", "last"].map(button);
  play.classList.add("main");
  const speeds = SPEEDS.map((speed) => [String(speed), say("landscape.speed", { n: speed })]);
  const label = {
    class: "speed",
    "aria-label": say("landscape.control.speed"),
    data: { what: say("landscape.what.speed") },
  };
  const speed = selectOf(speeds, "60", () => {}, label);
  const write = () => {
    scrubber.max = state.settings.steps;
    scrubber.value = page.stepNow();
    told.textContent = say("landscape.at_step", { step: page.stepNow(), steps: state.settings.steps });
  };
  const go = (step) => {
    state.step = Math.max(0, Math.min(state.settings.steps, step));
    page.stepped();
  };
  const player = playing(
    page,
    go,
    () => Number(speed.value),
    (on) => play.replaceChildren(icon(on ? "pause" : "play")),
  );
  const to = (where) => () => {
    player.stop();
    go(where());
  };
  const acts = {
    first: to(() => 0),
    back: to(() => page.stepNow() - 1),
    forward: to(() => page.stepNow() + 1),
    last: to(() => state.settings.steps),
  };
  page.scrub = (step) => to(() => step)();
  scrubber.addEventListener(
    "input",
    to(() => Number(scrubber.value)),
  );
  first.addEventListener("click", acts.first);
  back.addEventListener("click", acts.back);
  forward.addEventListener("click", acts.forward);
  last.addEventListener("click", acts.last);
  play.addEventListener("click", player.toggle);
  Object.assign(page.keys, {
    " ": player.toggle,
    ArrowLeft: acts.back,
    ArrowRight: acts.forward,
    Home: acts.first,
    End: acts.last,
  });
  page.views({ draw: write, step: write });
  return el(
    "div",
    { class: "card player" },
    el("div", { class: "row" }, first, back, play, forward, last, scrubber, told, speed),
  );
}

// Playing by the clock: a slow machine draws fewer frames, and takes no longer.
function playing(page, go, speed, shows) {
  const { state } = page;
  let [frame, before, exact] = [0, 0, 0];
  const stop = () => {
    if (frame) cancelAnimationFrame(frame);
    frame = 0;
    shows(false);
  };
  const tick = (now) => {
    exact += (speed() * Math.min(250, now - before)) / 1000;
    before = now;
    if (Math.floor(exact) > state.step) go(Math.floor(exact));
    if (state.step >= state.settings.steps) return stop();
    frame = requestAnimationFrame(tick);
  };
  const toggle = () => {
    if (frame) return stop();
    if (page.stepNow() >= state.settings.steps) go(0);
    exact = state.step = page.stepNow();
    before = performance.now();
    shows(true);
    frame = requestAnimationFrame(tick);
  };
  return { stop, toggle };
}
