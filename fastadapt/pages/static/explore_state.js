// The state of page 2: what was asked, what came, and what is drawn of it.

function makePage(root, ask, description) {
  const page = pageOf(root, ask, description);
  const state = {
    setup: structuredClone(description.setup),
    spec: { kind: "honest", seed: 0, pair: [0, 1], centre: null, zoom: 1, around: [0, 0] },
    metric: "loss",
    part: "train",
    tab: "contour",
    off: 0.1,
    step: Infinity,
    picked: { at: null, path: null },
    trains: description.trains,
    given: description.can.directions,
    shown: null,
    training: null,
    plane: null,
    grid: null,
    cuts: null,
    point: null,
    steps: [],
    frozenEpochs: description.frozen?.epochs ?? 1,
  };
  const shows = [];
  Object.assign(page, { state, show: (act) => shows.push(act), drawings: [] });
  page.style = (name) => description.styles[name] ?? ["#868d94", "solid"];
  page.pathStyle = (k) => {
    const style = page.style(state.training.paths[k].name);
    return k < basePaths(state).length ? style : [mixed(style[0], colour(root, "ink"), 0.45), style[1]];
  };
  const unit = description.trains ? "epoch" : "point_number";
  page.unit = (name) => `explore.${unit}.${name}`;
  page.showAll = () => shows.forEach((act) => act());
  addRequests(page);
  addDrawing(page);
  return page;
}

// Answers taken into the state, and the page drawn from it.
function addDrawing(page) {
  const { root, state } = page;
  page.take = (answer, asked) => {
    // Nothing is drawn of a training or a plane before there is a grid of it.
    const plane = answer.plane ?? state.plane;
    if (!answer.grid || !answer.grid.key.startsWith(plane.key)) return;
    state.shown = asked;
    const trained = answer.training && answer.training.key !== state.training?.key;
    if (trained) page.takeTraining(answer.training);
    Object.assign(state, { plane, grid: answer.grid });
    if (trained) page.askPoint();
    page.showAll();
    page.draw();
  };
  page.takeTraining = (training) => {
    const grew = state.training && state.shown.setup.branches.length > 0;
    state.training = training;
    state.cuts = null;
    state.steps = commonSteps(training);
    if (!training.metrics.includes(metricOf(state))) [state.metric, state.part] = ["loss", "train"];
    page.newSteps(grew);
    if (grew) state.picked = { at: null, path: training.paths.length - 1 };
    else if (state.picked.path === null || state.picked.path >= training.paths.length || state.picked.at)
      state.picked = { at: null, path: preferred(training) };
  };
  let frame = 0;
  page.draw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => state.grid && page.drawings.forEach((act) => act()));
  };
  page.stepped = () => {
    page.draw();
    if (!state.picked.at) page.askPoint();
  };
  page.pick = (at) => {
    state.picked = { at, path: null, spec: state.shown.spec };
    page.draw();
    page.askPoint();
  };
  page.follow = (path) => {
    state.picked = { at: null, path };
    page.draw();
    page.askPoint();
  };
  page.shownPoint = () => {
    if (state.picked.at) return state.picked.at;
    const where = state.plane.paths[state.picked.path];
    const at = reached(state.training.paths[state.picked.path], state.step) - 1;
    return [where.a[at], where.b[at]];
  };
}

// A colour between two of the form #rrggbb.
function mixed(from, to, share) {
  const part = (text, k) => parseInt(text.slice(2 * k + 1, 2 * k + 3), 16);
  const parts = range(3).map((k) => Math.round(part(from, k) * (1 - share) + part(to, k) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

// The path whose weights are shown first: Adam's, if it is there.
const preferred = (training) =>
  Math.max(
    0,
    training.paths.findIndex((path) => path.name === "Adam"),
  );
