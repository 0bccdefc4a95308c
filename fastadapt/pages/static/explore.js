// Page 2: the state of the page, what it asks Python for, and what it draws when an answer comes.

const RETRAIN = 250;

function mount(root, ask, description) {
  const page = makePage(root, ask, description);
  root.classList.add("explore");
  root.tabIndex = -1;
  const left = el("div", { class: "left" }, trainingCard(page), rulesCard(page), planeCard(page));
  const middle = el("div", { class: "middle" }, viewsCard(page), playerCard(page));
  const right = el("div", { class: "right" }, besideCard(page), pointCard(page));
  root.append(topBar(page), left, middle, right, whatLine(root, page.say));
  root.addEventListener("keydown", (event) => pressed(page, event));
  new ResizeObserver(() => page.resize()).observe(middle);
  // A page of its own takes keys at once; in a notebook they are the notebook's until one clicks.
  if (root.closest(".fastadapt-body")) root.focus({ preventScroll: true });
  page.replane();
}

function makePage(root, ask, description) {
  const say = wordsOf(description.words);
  const state = {
    setup: structuredClone(description.setup), plane_: { kind: "honest", seed: 0, pair: [0, 1], centre: null, zoom: 1, around: [0, 0] },
    metric: "loss", part: "train", tab: "contour", off: 0.1, step: Infinity, picked: { at: null, path: null }, trains: description.trains, given: description.can.directions,
    training: null, plane: null, grid: null, cuts: null, point: null, steps: [], frozenEpochs: description.frozen?.epochs ?? 1,
  };
  const shows = [];
  const page = { root, ask, description, say, state, frozen: Boolean(description.frozen), show: (act) => shows.push(act), drawings: [], bar: progressBar(say) };
  page.style = (name) => description.styles[name] ?? ["#868d94", "solid"];
  page.pathStyle = (k) => {
    const style = page.style(state.training.paths[k].name);
    return k < basePaths(state).length ? style : [mixed(style[0], colour(root, "ink"), 0.45), style[1]];
  };
  page.unit = (name) => `explore.${description.trains ? "epoch" : "point_number"}.${name}`;
  page.showAll = () => shows.forEach((act) => act());
  page.needsRun = (control) => {
    control.disabled = true;
    control.title = say("explore.needs_run", { command: description.frozen.command });
    control.dataset.what = control.title;
  };
  addRequests(page);
  addDrawing(page);
  return page;
}

// What is asked of Python. Only the newest view counts; an older one that is still on its way is dropped.
function addRequests(page) {
  const { state, ask, say } = page;
  let serial = 0;
  let timer = 0;
  page.failed = (error) => {
    page.problem.textContent = String(error.message ?? error);
    page.problem.hidden = false;
  };
  page.replane = async (side) => {
    serial += 1;
    const mine = serial;
    page.problem.hidden = true;
    page.root.dataset.busy = "1";
    const have = [state.training?.key, state.plane?.key].filter(Boolean);
    const request = { do: "view", setup: state.setup, plane: state.plane_, side: side ?? page.description.stages.at(-1), have };
    const current = (answer) => mine === serial && answer && page.take(answer);
    try {
      const job = runJob(ask, request, (look) => {
        if (mine !== serial) return;
        page.bar.told(look);
        current(look.partial);
      });
      current(await page.bar.follow(job));
    } catch (error) {
      if (mine === serial) page.failed(error);
    }
    if (mine === serial) delete page.root.dataset.busy;
  };
  page.retrain = () => {
    clearTimeout(timer);
    state.setup.branches = [];
    state.plane_ = { ...state.plane_, centre: null, zoom: 1, pair: [0, Math.min(1, state.setup.rules.length - 1)] };
    timer = setTimeout(page.replane, RETRAIN);
    page.root.dataset.busy = "1";
  };
  page.askPoint = newestOnly(async () => {
    const { at, path } = state.picked;
    const where = at ? { at } : { path, index: reached(state.training.paths[path], state.step) - 1 };
    try {
      state.point = await ask({ do: "point", setup: state.setup, plane: at ? state.picked.plane : state.plane_, ...where });
      // A saved page answers with the nearest of its points.
      if (at && state.point.at) {
        state.picked.at = state.point.at;
        page.draw();
      }
      page.drawPoint();
    } catch (error) {
      page.failed(error);
    }
  });
  page.askCuts = async () => {
    if (state.cuts && state.cuts.length === state.training.paths.length && state.cutsOf === state.training.key) return page.draw();
    const key = state.training.key;
    const took = (answer) => {
      if (!answer || key !== state.training.key) return;
      state.cuts = answer.cuts;
      state.cutsOf = key;
      page.draw();
    };
    try {
      took(await page.bar.follow(runJob(ask, { do: "cuts", setup: state.setup }, (look) => {
        page.bar.told(look);
        took(look.partial);
      })));
    } catch (error) {
      page.failed(error);
    }
  };
}

// Answers taken into the state, and the page drawn from it.
function addDrawing(page) {
  const { root, state } = page;
  page.take = (answer) => {
    // Nothing is drawn of a training or a plane before there is a grid of it.
    const plane = answer.plane ?? state.plane;
    if (!answer.grid || !answer.grid.key.startsWith(plane.key)) return;
    const trained = answer.training && answer.training.key !== state.training?.key;
    if (trained) page.takeTraining(answer.training);
    Object.assign(state, { plane, grid: answer.grid });
    if (trained) page.askPoint();
    page.showAll();
    page.draw();
  };
  page.takeTraining = (training) => {
    const grew = state.training && state.setup.branches.length > 0;
    state.training = training;
    state.cuts = null;
    state.steps = commonSteps(training);
    if (!training.metrics.includes(metricOf(state))) [state.metric, state.part] = ["loss", "train"];
    page.newSteps(grew);
    if (grew) state.picked = { at: null, path: training.paths.length - 1 };
    else if (state.picked.path === null || state.picked.path >= training.paths.length || state.picked.at) state.picked = { at: null, path: preferred(training) };
  };
  let frame = 0;
  page.draw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => page.drawings.forEach((act) => act()));
  };
  page.stepped = () => {
    page.draw();
    if (!state.picked.at) page.askPoint();
  };
  page.pick = (at) => {
    state.picked = { at, path: null, plane: structuredClone(state.plane_) };
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
  page.resize = () => state.grid && page.draw();
}

// A colour between two of the form #rrggbb.
function mixed(from, to, share) {
  const part = (text, k) => parseInt(text.slice(2 * k + 1, 2 * k + 3), 16);
  const parts = range(3).map((k) => Math.round(part(from, k) * (1 - share) + part(to, k) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

// The path whose weights are shown first: Adam's, if it is there.
const preferred = (training) => Math.max(0, training.paths.findIndex((path) => path.name === "Adam"));

function topBar(page) {
  const { say } = page;
  page.problem = el("span", { class: "problem", role: "alert", hidden: true });
  const theme = themeButton(page.root, say, () => {
    page.draw();
    page.drawPoint();
  });
  const lead = say(page.frozen ? "explore.lead_frozen" : "explore.lead", { command: page.description.frozen?.command ?? "" });
  return el("header", { class: "top" }, el("h1", { text: say("explore.title") }), el("span", { class: "lead soft", text: lead }), page.problem, page.bar.element, theme);
}

function viewsCard(page) {
  const { root, say, state, description: d } = page;
  const tabs = switchOf(["contour", "surface", "cuts"].map((name) => [name, say(`explore.tab.${name}`)]), state.tab, (name) => page.tab(name), { class: "tabs", label: say("explore.control.tabs") });
  const redraw = (name) => (value) => {
    state[name] = value;
    page.draw();
  };
  const metric = switchOf(["loss", "error"].map((name) => [name, say(`explore.metric.${name}`), say(`explore.what.metric_${name}`)]), state.metric, redraw("metric"), { class: "metric", label: say("explore.control.metric") });
  const part = switchOf(["train", "test"].map((name) => [name, say(`explore.part.${name}`), say(`explore.what.part_${name}`)]), state.part, redraw("part"), { class: "part", label: say("explore.control.part") });
  const off = selectOf([0.02, 0.05, 0.1, 0.2, 0.5].map((share) => [String(share), say("explore.dotted_from", { share: percent(share) })]), String(state.off), (value) => redraw("off")(Number(value)), { class: "off-from", "aria-label": say("explore.control.dotted"), data: { what: say("explore.what.dotted") } });
  page.show(() => {
    const has = (name) => state.training.metrics.includes(name);
    metric.element.hidden = !has("error");
    part.element.hidden = !has("test_loss");
    metric.set(state.metric);
    part.set(state.part);
  });
  const says = el("p", { class: "says" });
  const hosts = { contour: el("div", { class: "plot click contour" }), surface: el("div", { class: "plot surface" }), cuts: el("div", { class: "cuts" }), end: el("div", { class: "plot" }), along: el("div", { class: "plot" }) };
  const cuts = el("div", { class: "table cuts-table" });
  hosts.cuts.append(el("div", { class: "pair" }, el("div", {}, el("h2", { text: say("explore.cut.end") }), hosts.end), el("div", {}, el("h2", { text: say("explore.cut.along") }), hosts.along)), cuts);
  page.tab = (name) => {
    state.tab = name;
    tabs.set(name);
    if (name === "cuts") page.askCuts();
    page.draw();
  };
  page.drawings.push(() => drawView(page, hosts, says, cuts));
  return el("div", { class: "card views" }, el("div", { class: "bar" }, tabs.element, el("span", { class: "gap" }), off, metric.element, part.element), says, hosts.contour, hosts.surface, hosts.cuts);
}

function drawView(page, hosts, says, cuts) {
  const { root, say, state, pathStyle: style } = page;
  for (const name of ["contour", "surface", "cuts"]) hosts[name].hidden = state.tab !== name;
  says.textContent = say(`explore.says.${state.tab}`);
  if (state.tab === "contour") {
    drawContour(root, hosts.contour, state, say, style).then(() => listenForClicks(page, hosts.contour));
  } else if (state.tab === "surface") drawSurface(root, hosts.surface, state, say, style);
  else if (state.cuts && state.cutsOf === state.training.key) {
    cuts.replaceChildren(cutsTable(state, say, style));
    drawCuts(root, hosts, state, say, style);
  }
  root.dataset.drawn = `${state.grid.key} ${state.tab} ${metricOf(state)} ${state.step}`;
}

function listenForClicks(page, host) {
  if (host.dataset.listens) return;
  host.dataset.listens = "1";
  host.on("plotly_click", (event) => {
    const [x, y] = [event.xvals?.[0] ?? event.points?.[0]?.x, event.yvals?.[0] ?? event.points?.[0]?.y];
    if (Number.isFinite(x) && Number.isFinite(y)) page.pick([x, y]);
  });
}

function besideCard(page) {
  const { root, say, state, pathStyle: style } = page;
  const hosts = { loss: el("div", { class: "plot true" }), off: el("div", { class: "plot off" }) };
  const table = el("div", { class: "table beside-table" });
  const legend = el("div", { class: "legend" }, el("span", {}, el("i", {}), say("explore.legend.true")), el("span", {}, el("i", { class: "dotted" }), say("explore.legend.plane")));
  page.drawings.push(() => {
    drawBeside(root, hosts, state, say, style);
    table.replaceChildren(besideTable(state, say, style, page.follow));
  });
  return el("div", { class: "card beside" }, el("h2", {}, say("explore.card.beside"), legend), hosts.loss, hosts.off, table);
}

function pointCard(page) {
  const { root, say, state, description: d } = page;
  const heading = el("span", {});
  const body = el("div", { class: "body" });
  page.drawPoint = () => {
    if (!state.point) return;
    const at = state.picked.at;
    heading.textContent = at ? say("explore.point.clicked", { a: shown(at[0], 3), b: shown(at[1], 3) }) : say("explore.point.path", { rule: pathName(state, say, state.picked.path) });
    body.replaceChildren(pointFacts(state.point, say), predictionsOf(root, state.point.predictions, say));
    root.dataset.point = at ? at.join(" ") : `path ${state.picked.path} ${state.step}`;
  };
  return el("div", { class: "card point" }, el("h2", {}, heading), body, d.can.train ? branchControls(page) : el("p", { class: "soft", text: say("explore.no_grad") }));
}

// "Train from here": real steps in all weights, from the plane's point that was clicked, or is below the path.
function branchControls(page) {
  const { say, state, description: d } = page;
  const data = () => (d.trains ? state.setup.data : "yours");
  const lr = el("input", { type: "number", class: "branch-lr", step: "any", min: d.limits.lr[0], max: d.limits.lr[1], "aria-label": say("explore.control.lr"), data: { what: say("explore.what.lr") } });
  const rule = selectOf(d.rules.map((name) => [name, name]), "Adam", () => fill(), { class: "branch-rule", "aria-label": say("explore.control.branch_rule") });
  const fill = () => {
    const used = state.setup.rules.find((each) => each.name === rule.value);
    lr.value = used ? used.lr : (d.rates[data()][rule.value] ?? "");
    lr.disabled = page.frozen || d.rates[data()][rule.value] === null;
  };
  const train = el("button", { type: "button", class: "main train-here", text: say("explore.control.train_here"), data: { what: say("explore.what.train_here") } });
  const clear = el("button", { type: "button", class: "quiet clear", text: say("explore.control.clear") });
  train.addEventListener("click", () => {
    const epochs = d.trains ? state.setup.epochs : Math.max(1, state.steps.at(-1));
    const plane = structuredClone(state.picked.at ? state.picked.plane : state.plane_);
    state.setup.branches.push({ rule: rule.value, lr: Number(lr.value) || undefined, epochs: Math.min(epochs, d.limits.epochs), plane, at: page.shownPoint() });
    page.replane();
  });
  clear.addEventListener("click", () => {
    state.setup.branches = [];
    state.picked = { at: null, path: null };
    page.replane();
  });
  page.show(() => {
    clear.hidden = state.setup.branches.length === 0;
    train.disabled = page.frozen || state.setup.branches.length >= d.limits.branches;
    if (document.activeElement !== lr) fill();
  });
  if (page.frozen) [train, rule].forEach((control) => page.needsRun(control));
  return el("div", { class: "row branch" }, train, rule, lr, clear);
}

function pressed(page, event) {
  const inText = event.target.closest("select, textarea, input:not([type=range])");
  const act = page.keys[event.key];
  if (inText || event.altKey || event.ctrlKey || event.metaKey) return;
  // Space presses a button that has the focus, but for those of the player: there it plays.
  if (event.key === " " && event.target.closest("button") && !event.target.closest(".player")) return;
  if (event.target.matches("input[type=range]") && event.key !== " ") return;
  const tab = { 1: "contour", 2: "surface", 3: "cuts" }[event.key];
  if (!act && !tab) return;
  event.preventDefault();
  if (tab) page.tab(tab);
  else act();
}
