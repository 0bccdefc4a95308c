// What makes page 2 honest: the true loss beside that of the plane, the distance off it, and a table of both.

// Of the way to the mean end: distances off the plane are drawn on an axis that reaches at least so far.
const LEAST_OFF = 0.01;

function besideTraces(state, style, pick) {
  return state.training.paths.flatMap((path, k) =>
    pick(path, state.plane.paths[k]).map(([y, dash]) => ({
      type: "scatter",
      mode: "lines",
      x: path.steps.map((step) => step / epochOf(state)),
      y,
      hoverinfo: "skip",
      line: { color: style(k)[0], width: dash ? 1.6 : 1.8, dash: dash ?? style(k)[1] },
    })),
  );
}

const epochOf = (state) => state.training.paths[0].epoch;

function stepLine(root, state) {
  const x = state.step / epochOf(state);
  return [
    {
      type: "line",
      x0: x,
      x1: x,
      yref: "paper",
      y0: 0,
      y1: 1,
      line: { color: colour(root, "soft"), width: 1 },
    },
  ];
}

function besideLayout(root, state, title, bottom, more = {}) {
  return plotLayout(root, {
    margin: { l: 48, r: 6, t: 4, b: bottom ? 36 : 8 },
    shapes: stepLine(root, state),
    xaxis: {
      showticklabels: bottom,
      title: bottom ? { text: more.across, standoff: 2 } : undefined,
      nticks: 6,
    },
    yaxis: { title: { text: title, standoff: 4 }, nticks: 5, ...more.y },
  });
}

function drawBeside(root, hosts, state, say, style) {
  const metric = metricOf(state);
  const key = [state.plane.key, metric, themeOf(root), hosts.loss.clientWidth].join(" ");
  if (hosts.loss.dataset.key === key) {
    // Only the step is another.
    for (const host of [hosts.loss, hosts.off]) Plotly.relayout(host, { shapes: stepLine(root, state) });
    return;
  }
  hosts.loss.dataset.key = key;
  const both = besideTraces(state, style, (path, where) => [
    [path.true[metric]],
    [where.below[metric], "2px,3px"],
  ]);
  const y = valueAxis(state, both);
  plotIn(hosts.loss, both, besideLayout(root, state, say(`explore.metric.${state.metric}`), false, { y }));
  const off = besideTraces(state, style, (path, where) => [[where.off]]);
  const across = say(epochOf(state) > 1 || state.trains ? "explore.axis.epoch" : "explore.axis.point");
  plotIn(
    hosts.off,
    off,
    besideLayout(root, state, say("explore.axis.off"), true, { across, y: offAxis(state) }),
  );
}

// From zero on; what is rounding alone is not drawn at full scale.
function offAxis({ plane }) {
  const least = LEAST_OFF * plane.reach;
  const flat = plane.paths.every(({ off }) => off.every((value) => value < least));
  return flat ? { range: [0, least] } : { rangemode: "tozero" };
}

// An axis of losses or errors: shares from zero on, losses by their logarithm where all that is drawn is above zero.
function valueAxis(state, traces) {
  if (state.metric !== "loss") return { tickformat: ".0%", rangemode: "tozero" };
  const positive = traces.every((trace) => trace.y.every((value) => value === null || value > 0));
  return positive && traces.length ? logAxis(traces) : {};
}

// A logarithmic axis with plain numbers at its ticks.
function logAxis(traces) {
  const [low, high] = bounds(traces.map((trace) => trace.y.filter((value) => value > 0)));
  const { tickvals, ticktext } = lossTicks(Math.log10(low) - 0.05, Math.log10(high) + 0.05);
  return { type: "log", tickvals: tickvals.map((value) => 10 ** value), ticktext };
}

// One row for each path at the step shown; a click on it shows the weights there.
function besideTable(state, say, style, follow) {
  const metric = metricOf(state);
  const heads = ["rule", "true", "plane", "off", "away"].map((name) =>
    el("th", {
      text: say(`explore.table.${name}`),
      tabindex: name === "rule" ? undefined : 0,
      data: name === "rule" ? {} : { what: say(`explore.what.${name}`) },
    }),
  );
  const form = (value) => (state.metric === "loss" ? shown(value, 3) : percent(value));
  const rows = state.training.paths.map((path, k) => {
    const at = reached(path, state.step) - 1;
    const where = state.plane.paths[k];
    const cell = (name, text) => el("td", { class: name, text, data: { what: say(`explore.what.${name}`) } });
    const called = pathName(state, say, k);
    const name = el("td", {}, swatch(style(k)), el("span", { class: "path-name", text: called, title: called }));
    if (path.diverged !== null)
      name.append(el("span", { class: "problem", text: say("explore.diverged", { step: path.diverged }) }));
    return followsRow(
      () => follow(k),
      state.picked.path === k,
      { path: k },
      name,
      cell("true", form(path.true[metric][at])),
      cell("plane", form(where.below[metric][at])),
      cell("off", shown(where.off[at], 3)),
      cell("away", shown(path.away[at], 3)),
    );
  });
  return tableOf(heads, rows);
}

// The name of a path; one that began at a clicked point has a star.
function pathName(state, say, k) {
  const path = state.training.paths[k];
  return k < basePaths(state).length ? path.name : say("explore.from_star", { rule: path.name });
}
