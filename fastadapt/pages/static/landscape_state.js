// The state of page 1: what the reader chose, what came for it, and what is drawn.

function makePage(root, ask, description) {
  const page = pageOf(root, ask, description);
  // Parts of an SVG have names in the whole document, in which a notebook may have several pages.
  page.name = `landscape-${Math.random().toString(36).slice(2, 10)}`;
  page.state = firstState(description);
  page.style = (name) => [description.rules[name].colour, description.rules[name].dash];
  addKeys(page);
  addChanges(page);
  addRequests(page);
  addDrawing(page);
  return page;
}

function firstState(d) {
  const scene = d.frozen?.scene ?? { surface: d.surface };
  const settings = { points: 30, batch: 0, noise: 0, seed: 0, steps: 300 };
  for (const name of Object.keys(settings)) settings[name] = scene[name] ?? settings[name];
  const on = new Set(d.frozen ? Object.keys(scene.rules) : d.shown);
  const surface = d.surfaces[scene.surface];
  const rules = Object.keys(d.rules).map((name) => {
    const hyper = scene.rules?.[name] ?? { lr: surface.rates[name] };
    return [name, { on: on.has(name), hyper: { ...hyper } }];
  });
  return {
    surface: scene.surface,
    parameter: scene.parameter ?? surface.parameter?.default ?? null,
    settings,
    start: [...(scene.start ?? surface.start)],
    rules: Object.fromEntries(rules),
    left: {},
    // Rules that have no rate yet that suits the reader's function.
    unrated: new Set(d.own && !d.frozen ? Object.keys(d.rules) : []),
    tab: "contour",
    map: "all",
    followed: d.shown.includes("Adam") ? "Adam" : d.shown[0],
    coordinate: 0,
    step: Infinity,
    field: null,
    paths: new Map(),
    basins: new Map(),
    judged: new Map(),
    tuned: new Map(),
  };
}

// What is asked for, and the keys by which an answer is known to be the one to what is asked now.
function addKeys(page) {
  const { state, description: d } = page;
  page.surface = () => d.surfaces[state.surface];
  page.problem = () => {
    const { points, batch, noise, seed, steps } = state.settings;
    const line = page.surface().line ? { points, batch: batch >= points ? 0 : batch } : {};
    const parameter = state.parameter === null ? {} : { parameter: state.parameter };
    return { surface: state.surface, ...parameter, ...line, noise, seed, steps };
  };
  page.on = () => Object.keys(state.rules).filter((name) => state.rules[name].on);
  page.fieldKey = () => {
    const { surface, parameter, points, seed } = page.problem();
    return JSON.stringify([surface, parameter, points, points && seed]);
  };
  page.pathKey = (name) => JSON.stringify([page.problem(), state.start, state.rules[name].hyper]);
  page.basinsKey = (name) => JSON.stringify([page.problem(), state.rules[name].hyper]);
  page.tunedKey = (name) =>
    JSON.stringify([page.problem(), state.start, { ...state.rules[name].hyper, lr: 0 }]);
  page.request = (what, names) => ({
    do: what,
    ...page.problem(),
    start: state.start,
    rules: Object.fromEntries(names.map((name) => [name, state.rules[name].hyper])),
  });
  // The rules that are on and have a path on the surface that is drawn.
  page.seenPaths = () =>
    page
      .on()
      .map((name) => [name, state.paths.get(name)])
      .filter(([, path]) => path && !path.error && path.field === state.field?.key);
}

// What the reader can change.
function addChanges(page) {
  const { state, description: d } = page;
  page.setSurface = (name) => {
    const rates = Object.fromEntries(
      Object.entries(state.rules).map(([rule, { hyper }]) => [rule, hyper.lr]),
    );
    state.left[state.surface] = { start: state.start, parameter: state.parameter, rates };
    const surface = d.surfaces[name];
    const fresh = {
      start: [...surface.start],
      parameter: surface.parameter?.default ?? null,
      rates: surface.rates,
    };
    const known = state.left[name] ?? fresh;
    Object.assign(state, { surface: name, start: known.start, parameter: known.parameter });
    for (const [rule, lr] of Object.entries(known.rates)) state.rules[rule].hyper.lr = lr;
    page.fillRules();
    page.changed();
  };
  page.setParameter = (value) => {
    state.parameter = value;
    page.changed();
  };
  page.setSetting = (name, value) => {
    state.settings[name] = value;
    page.changed();
  };
  page.setStart = (at) => {
    state.start = at.map((value) => Number(value.toPrecision(12)));
    page.changed();
  };
  page.setHyper = (name, hyper, value) => {
    state.rules[name].hyper = { ...state.rules[name].hyper, [hyper]: value };
    if (hyper === "lr" && state.surface === "own") state.unrated.delete(name);
    page.changed();
  };
  page.setOn = (name, on) => {
    state.rules[name].on = on;
    if (on) page.follow(name);
    page.changed();
  };
  page.follow = (name) => {
    state.followed = name;
    page.draw();
  };
}

// Drawing in the next frame: all of the page, or only what a step moves.
function addDrawing(page) {
  const { root, state } = page;
  const [views, shows] = [[], []];
  let [frame, whole, drawn] = [0, false, 0];
  page.show = (act) => shows.push(act);
  page.views = (view) => views.push(view);
  const run = () => {
    frame = 0;
    const all = whole;
    whole = false;
    if (state.field) {
      if (all) shows.forEach((act) => act());
      for (const view of views) (all ? view.draw : view.step)();
      drawn += 1;
      root.dataset.start = state.start.join(" ");
      root.dataset.drawn = `${drawn} ${state.tab} ${page.stepNow()}`;
    }
    if (page.waiting === 0) delete root.dataset.busy;
  };
  const soon = () => (frame = frame || requestAnimationFrame(run));
  page.draw = () => {
    whole = true;
    soon();
  };
  page.stepped = soon;
  page.stepNow = () => Math.min(state.step, state.settings.steps);
}
