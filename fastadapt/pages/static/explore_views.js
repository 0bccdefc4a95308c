// The cards of page 2 that draw: the three views, and the truth beside the plane.

const VIEWS = ["contour", "surface", "cuts"];

function viewsCard(page) {
  const { root, say, state, description: d } = page;
  const tabs = switchOf(
    VIEWS.map((name) => [name, say(`explore.tab.${name}`)]),
    state.tab,
    (name) => page.tab(name),
    { class: "tabs", label: say("explore.control.tabs") },
  );
  const redraw = (name) => (value) => {
    state[name] = value;
    page.draw();
  };
  const metric = switchOf(
    ["loss", "error"].map((name) => [
      name,
      say(`explore.metric.${name}`),
      say(`explore.what.metric_${name}`),
    ]),
    state.metric,
    redraw("metric"),
    { class: "metric", label: say("explore.control.metric") },
  );
  const part = switchOf(
    ["train", "test"].map((name) => [name, say(`explore.part.${name}`), say(`explore.what.part_${name}`)]),
    state.part,
    redraw("part"),
    { class: "part", label: say("explore.control.part") },
  );
  const off = selectOf(
    [0.02, 0.05, 0.1, 0.2, 0.5].map((share) => [
      String(share),
      say("explore.dotted_from", { share: percent(share) }),
    ]),
    String(state.off),
    (value) => redraw("off")(Number(value)),
    {
      class: "off-from",
      "aria-label": say("explore.control.dotted"),
      data: { what: say("explore.what.dotted") },
    },
  );
  page.show(() => {
    const has = (name) => state.training.metrics.includes(name);
    metric.element.hidden = !has("error");
    part.element.hidden = !has("test_loss");
    metric.set(state.metric);
    part.set(state.part);
  });
  const says = el("p", { class: "says" });
  const hosts = {
    contour: el("div", { class: "plot click contour" }),
    surface: el("div", { class: "plot surface" }),
    cuts: el("div", { class: "cuts" }),
    end: el("div", { class: "plot" }),
    along: el("div", { class: "plot" }),
  };
  const cuts = el("div", { class: "table cuts-table" });
  hosts.cuts.append(
    el(
      "div",
      { class: "pair" },
      el("div", {}, el("h2", { text: say("explore.cut.end") }), hosts.end),
      el("div", {}, el("h2", { text: say("explore.cut.along") }), hosts.along),
    ),
    cuts,
  );
  page.tab = (name) => {
    state.tab = name;
    tabs.set(name);
    if (name === "cuts") page.askCuts();
    page.draw();
  };
  page.drawings.push(() => drawView(page, hosts, says, cuts));
  return el(
    "div",
    { class: "card views" },
    el(
      "div",
      { class: "bar" },
      tabs.element,
      el("span", { class: "gap" }),
      off,
      metric.element,
      part.element,
    ),
    says,
    hosts.contour,
    hosts.surface,
    hosts.cuts,
  );
}

function drawView(page, hosts, says, cuts) {
  const { root, say, state, pathStyle: style } = page;
  for (const name of VIEWS) hosts[name].hidden = state.tab !== name;
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
  const legend = el(
    "div",
    { class: "legend" },
    el("span", {}, el("i", {}), say("explore.legend.true")),
    el("span", {}, el("i", { class: "dotted" }), say("explore.legend.plane")),
  );
  page.drawings.push(() => {
    drawBeside(root, hosts, state, say, style);
    table.replaceChildren(besideTable(state, say, style, page.follow));
  });
  return el(
    "div",
    { class: "card beside" },
    el("h2", {}, say("explore.card.beside"), legend),
    hosts.loss,
    hosts.off,
    table,
  );
}
