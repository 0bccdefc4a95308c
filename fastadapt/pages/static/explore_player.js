// The player of page 2: a scrubber over the steps that were kept, play, and single steps.

const FRAME = 70;

function playerCard(page) {
  const { say, state } = page;
  let timer = 0;
  const told = el("span", { class: "at", tabindex: 0, data: { what: say("explore.what.step") } });
  const last = () => state.steps.length - 1;
  const index = () => Number(player.scrubber.value);
  const put = (next) => {
    const inside = Math.max(0, Math.min(last(), next));
    player.scrubber.value = inside;
    state.step = state.steps[inside];
    const epoch = state.step / epochOf(state);
    told.textContent = page.description.trains
      ? say("explore.at_step", { epoch: shown(Number(epoch.toFixed(1)), 3), step: state.step })
      : say("explore.at_point", { n: state.step });
  };
  const go = (next) => {
    put(next);
    page.stepped();
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    player.shows(false);
  };
  const tick = () => {
    if (index() >= last()) return stop();
    go(index() + 1);
    timer = setTimeout(tick, FRAME);
  };
  const toggle = () => {
    if (timer) return stop();
    if (index() >= last()) go(0);
    player.shows(true);
    timer = setTimeout(tick, FRAME);
  };
  const scrub = (next) => {
    stop();
    go(next);
  };
  const acts = {
    first: () => scrub(0),
    back: () => scrub(index() - 1),
    play: toggle,
    forward: () => scrub(index() + 1),
    last: () => scrub(last()),
  };
  const player = playerOf(page, acts, scrub, say("explore.what.scrubber"));
  page.newSteps = (keep) => {
    player.scrubber.max = last();
    put(keep ? state.steps.findLastIndex((step) => step <= state.step) : last());
  };
  return player.card(told);
}

// All steps at which some path was kept.
function commonSteps(training) {
  return [...new Set(training.paths.flatMap((path) => path.steps))].sort((a, b) => a - b);
}
