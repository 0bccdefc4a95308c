// The player of page 2: a scrubber over the steps that were kept, play, and single steps.

const FRAME = 70;

function playerCard(page) {
  const { say, state } = page;
  let timer = 0;
  const scrubber = el("input", {
    type: "range",
    class: "scrubber",
    min: 0,
    max: 1,
    step: 1,
    value: 0,
    "aria-label": say("explore.control.scrubber"),
    data: { what: say("explore.what.scrubber") },
  });
  const told = el("span", { class: "at", tabindex: 0, data: { what: say("explore.what.step") } });
  const button = (name) =>
    el(
      "button",
      {
        type: "button",
        class: name,
        title: say(`explore.control.${name}`),
        "aria-label": say(`explore.control.${name}`),
      },
      icon(name),
    );
  const [first, back, play, forward, last] = ["first", "back", "play", "forward", "last"].map(button);
  play.classList.add("main");
  const steps = () => state.steps;
  const write = () => {
    const epoch = state.step / epochOf(state);
    told.textContent = page.description.trains
      ? say("explore.at_step", { epoch: shown(Number(epoch.toFixed(1)), 3), step: state.step })
      : say("explore.at_point", { n: state.step });
  };
  const go = (index) => {
    const inside = Math.max(0, Math.min(steps().length - 1, index));
    scrubber.value = inside;
    state.step = steps()[inside];
    write();
    page.stepped();
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    play.replaceChildren(icon("play"));
  };
  const tick = () => {
    const next = Number(scrubber.value) + 1;
    if (next >= steps().length) return stop();
    go(next);
    timer = setTimeout(tick, FRAME);
  };
  const toggle = () => {
    if (timer) return stop();
    if (Number(scrubber.value) >= steps().length - 1) go(0);
    play.replaceChildren(icon("pause"));
    timer = setTimeout(tick, FRAME);
  };
  const by = (count) => () => {
    stop();
    go(Number(scrubber.value) + count);
  };
  const to = (index) => () => {
    stop();
    go(index());
  };
  scrubber.addEventListener(
    "input",
    to(() => Number(scrubber.value)),
  );
  first.addEventListener(
    "click",
    to(() => 0),
  );
  last.addEventListener(
    "click",
    to(() => steps().length - 1),
  );
  back.addEventListener("click", by(-1));
  forward.addEventListener("click", by(1));
  play.addEventListener("click", toggle);
  page.keys = {
    " ": toggle,
    ArrowLeft: by(-1),
    ArrowRight: by(1),
    Home: to(() => 0),
    End: to(() => steps().length - 1),
  };
  page.newSteps = (keep) => {
    scrubber.max = steps().length - 1;
    const index = keep ? steps().findLastIndex((step) => step <= state.step) : steps().length - 1;
    scrubber.value = Math.max(0, index);
    state.step = steps()[Math.max(0, index)];
    write();
  };
  return el(
    "div",
    { class: "card player" },
    el("div", { class: "row" }, first, back, play, forward, last, scrubber, told),
  );
}

// All steps at which some path was kept.
function commonSteps(training) {
  return [...new Set(training.paths.flatMap((path) => path.steps))].sort((a, b) => a - b);
}
