// The player of page 1: a scrubber over the steps, play at several speeds, single steps forward and back.

const SPEEDS = [5, 15, 30, 60, 150, 500];

function playerCard(page) {
  const { say, state } = page;
  const told = el("span", { class: "at" });
  const speeds = SPEEDS.map((speed) => [String(speed), say("landscape.speed", { n: speed })]);
  const speed = selectOf(speeds, "60", () => {}, {
    class: "speed",
    "aria-label": say("landscape.control.speed"),
    data: { what: say("landscape.what.speed") },
  });
  const go = (step) => {
    state.step = Math.max(0, Math.min(state.settings.steps, step));
    page.stepped();
  };
  const { stop, toggle } = playing(
    page,
    go,
    () => Number(speed.value),
    (on) => player.shows(on),
  );
  page.scrub = (step) => {
    stop();
    go(step);
  };
  const acts = {
    first: () => page.scrub(0),
    back: () => page.scrub(page.stepNow() - 1),
    play: toggle,
    forward: () => page.scrub(page.stepNow() + 1),
    last: () => page.scrub(state.settings.steps),
  };
  const player = playerOf(page, acts, page.scrub, say("landscape.what.scrubber"));
  const write = () => {
    player.scrubber.max = state.settings.steps;
    player.scrubber.value = page.stepNow();
    told.textContent = say("landscape.at_step", { step: page.stepNow(), steps: state.settings.steps });
  };
  page.views({ draw: write, step: write });
  return player.card(told, speed);
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
