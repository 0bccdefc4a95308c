// The landscape of page 2: a contour plot and a surface, with the paths where they fall on the plane.

const startColour = { light: "#1f2328", dark: "#f2f4f6" };

// Values as they are drawn: losses by their logarithm, shares of errors as they are.
function drawn(state, value) {
  if (value === null || value === undefined) return null;
  return state.metric === "loss" ? Math.log10(Math.max(value, 1e-6)) : value;
}

// The name of the metric in Python's answers.
const metricOf = (state) => (state.part === "test" ? `test_${state.metric}` : state.metric);

// Ticks of a logarithmic colour bar or axis: 1, 2 and 5 times powers of ten.
function lossTicks(low, high) {
  const steps = high - low > 4 ? [1] : high - low > 2.5 ? [1, 3] : high - low > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const values = [];
  for (let power = Math.floor(low) - 1; power <= Math.ceil(high); power += 1)
    for (const step of steps) values.push(power + Math.log10(step));
  const inside = values.filter((value) => value >= low && value <= high);
  return { tickvals: inside, ticktext: inside.map((value) => shown(10 ** value, 3)) };
}

// The same arrays as long as the same is drawn: Plotly then need not look for what changed.
function gridValues(state) {
  const key = `${state.grid.key} ${metricOf(state)}`;
  if (state.z?.key !== key) state.z = { key, rows: state.grid.values[metricOf(state)].map((row) => row.map((value) => drawn(state, value))) };
  return state.z.rows;
}

function bounds(rows) {
  const flat = rows.flat().filter((value) => value !== null);
  return flat.length ? [Math.min(...flat), Math.max(...flat)] : [0, 1];
}

function colourBar(state, say, low, high, up = [0.03, 0.97]) {
  const ticks = state.metric === "loss" ? lossTicks(low, high) : { tickformat: ".0%" };
  return { thickness: 9, outlinewidth: 0, xpad: 6, len: up[1] - up[0], y: (up[0] + up[1]) / 2, ypad: 0, x: 1.0, xanchor: "left", ...ticks, title: { text: say(`explore.metric.${state.metric}`), side: "right" } };
}

// A colour between two, as plotly wants scales.
function scaleOf(root) {
  return [
    [0, colour(root, "low")],
    [1, colour(root, "high")],
  ];
}

// How many points of a path are behind the step that is shown.
function reached(path, step) {
  let count = 0;
  while (count < path.steps.length && path.steps[count] <= step) count += 1;
  return Math.max(1, count);
}

const isOff = (state, where, k) => where.off[k] > state.off * state.plane.reach;

// The stretches of a path, each whole with the point that it shares with the next: {dotted, indices}.
function stretches(state, where, from, to) {
  const found = [];
  for (let k = from; k + 1 < to; k += 1) {
    const dotted = isOff(state, where, k) || isOff(state, where, k + 1);
    const last = found[found.length - 1];
    if (last && last.dotted === dotted) last.indices.push(k + 1);
    else found.push({ dotted, indices: [k, k + 1] });
  }
  return found;
}

// The points of all solid, or of all dotted stretches, with a gap between two.
function joined(pieces, dotted, pick) {
  return pieces.filter((piece) => piece.dotted === dotted).flatMap((piece) => [...piece.indices.map(pick), null]);
}

function flatPath(state, style, path, where, edge) {
  const now = reached(path, state.step);
  const traces = [];
  const line = (pieces, dotted, opacity, edge) => {
    const x = joined(pieces, dotted, (k) => where.a[k]);
    const y = joined(pieces, dotted, (k) => where.b[k]);
    const dash = dotted ? "3px,4px" : style[1];
    const width = dotted ? 2.6 : 3;
    // A pale edge, so that grey and blue lines show on a grey-blue ground.
    if (edge) traces.push({ type: "scatter", mode: "lines", x, y, opacity: 0.75, line: { color: edge, width: width + 2.4, dash }, hoverinfo: "skip" });
    traces.push({ type: "scatter", mode: "lines", x, y, opacity, line: { color: style[0], width, dash }, hoverinfo: "skip" });
  };
  const ahead = stretches(state, where, now - 1, path.steps.length);
  const behind = stretches(state, where, 0, now);
  for (const dotted of [false, true]) line(ahead, dotted, 0.3);
  for (const dotted of [false, true]) line(behind, dotted, 1, edge);
  return traces;
}

function dots(root, x, y, marker, more = {}) {
  return { type: "scatter", mode: "markers", x, y, marker, hoverinfo: "skip", ...more };
}

// Where each path is now, where it began, and what was clicked.
function marks(root, state, style) {
  const heads = state.training.paths.map((path, k) => {
    const at = reached(path, state.step) - 1;
    const where = state.plane.paths[k];
    return dots(root, [where.a[at]], [where.b[at]], { size: 11, color: style(k)[0], line: { color: colour(root, "card"), width: 2 } });
  });
  const begin = state.plane.paths.map((where) => [where.a[0], where.b[0]]);
  const ink = startColour[themeOf(root)];
  const start = dots(root, begin.map((at) => at[0]), begin.map((at) => at[1]), { size: 9, color: colour(root, "card"), line: { color: ink, width: 2 } });
  const picked = state.picked.at;
  const star = dots(root, picked ? [picked[0]] : [], picked ? [picked[1]] : [], { size: 15, symbol: "star", color: "#f3c623", line: { color: ink, width: 1.5 } });
  return [start, ...heads, star];
}

// Around each head a circle with the radius of its distance off the plane.
function distances(root, state, style) {
  return state.training.paths.map((path, k) => {
    const where = state.plane.paths[k];
    const at = reached(path, state.step) - 1;
    const [a, b, r] = [where.a[at], where.b[at], where.off[at]];
    const line = { color: style(k)[0], width: 1, dash: "dot" };
    return { type: "circle", x0: a - r, x1: a + r, y0: b - r, y1: b + r, line, opacity: 0.55, layer: "above" };
  });
}

// What an axis of the plane is.
function axisTitle(state, say, axis) {
  const paths = basePaths(state);
  const [first, second] = state.plane_.pair.map((k) => paths[k]?.name ?? "");
  return say(`explore.axis.${state.plane.kind === "own" && state.given ? "given" : state.plane.kind}.${axis}`, { first, second });
}

// Which share of the host each axis takes, so that a unit is as long along both.
function domains(host, margin, box, square) {
  if (!square) return [[0, 1], [0, 1]];
  const room = [host.clientWidth - margin.l - margin.r, host.clientHeight - margin.t - margin.b];
  const size = [box[1] - box[0], box[3] - box[2]];
  const scale = Math.min(room[0] / size[0], room[1] / size[1]);
  return range(2).map((k) => {
    const share = Math.min(1, (scale * size[k]) / room[k]);
    return k === 0 ? [0, share] : [1 - share, 1];
  });
}

function drawContour(root, host, state, say, style) {
  const z = gridValues(state);
  const [low, high] = bounds(z);
  const box = state.plane.box;
  const margin = { l: 46, r: 74, t: 6, b: 36 };
  const [across, up] = domains(host, margin, box, state.plane.kind !== "random");
  const contour = {
    type: "contour", x: state.grid.a, y: state.grid.b, z, zmin: low, zmax: high,
    colorscale: scaleOf(root), ncontours: 24, line: { width: 0.7, color: colour(root, "card") }, hoverinfo: "none",
    colorbar: colourBar(state, say, low, high, up),
  };
  const paths = state.training.paths.flatMap((path, k) => flatPath(state, style(k), path, state.plane.paths[k], colour(root, "card")));
  const layout = plotLayout(root, {
    margin,
    clickanywhere: true, hovermode: "closest", dragmode: false, uirevision: "fixed",
    xaxis: { domain: across, range: [box[0], box[1]], title: { text: axisTitle(state, say, "a"), standoff: 6 }, showgrid: false, zeroline: false },
    yaxis: { domain: up, range: [box[2], box[3]], title: { text: axisTitle(state, say, "b"), standoff: 4 }, showgrid: false, zeroline: false },
    shapes: distances(root, state, style),
  });
  return plotIn(host, [contour, ...paths, ...marks(root, state, style)], layout);
}

function solidPath(state, style, path, where) {
  const now = reached(path, state.step);
  const metric = metricOf(state);
  const height = (k) => drawn(state, where.below[metric][k]) + state.lift;
  const pieces = stretches(state, where, 0, now);
  return [false, true].map((dotted) => ({
    type: "scatter3d", mode: "lines", hoverinfo: "skip",
    x: joined(pieces, dotted, (k) => where.a[k]),
    y: joined(pieces, dotted, (k) => where.b[k]),
    z: joined(pieces, dotted, height),
    line: { color: style[0], width: dotted ? 6 : 9, dash: dotted ? "dot" : "solid" },
  }));
}

// Where a path truly is at the step shown: a point above or below the surface, and a stalk to its place on it.
function trueHead(state, style, path, where) {
  const at = reached(path, state.step) - 1;
  const metric = metricOf(state);
  const z = [drawn(state, where.below[metric][at]) + state.lift, drawn(state, path.true[metric][at])];
  return {
    type: "scatter3d", mode: "lines+markers", hoverinfo: "skip", x: [where.a[at], where.a[at]], y: [where.b[at], where.b[at]], z,
    line: { color: style[0], width: 3 }, marker: { color: style[0], size: [3, 6], line: { width: 0 } },
  };
}

function drawSurface(root, host, state, say, style) {
  const z = gridValues(state);
  const [low, high] = bounds(z);
  state.lift = 0.035 * (high - low);
  const surface = {
    type: "surface", x: state.grid.a, y: state.grid.b, z, cmin: low, cmax: high, colorscale: scaleOf(root), hoverinfo: "none",
    colorbar: colourBar(state, say, low, high), lighting: { ambient: 0.8, diffuse: 0.45, specular: 0.04, roughness: 0.95 },
    contours: { z: { show: true, width: 1, color: colour(root, "card"), start: low, end: high, size: (high - low) / 16 || 1 } },
  };
  const lines = state.training.paths.flatMap((path, k) => [
    ...solidPath(state, style(k), path, state.plane.paths[k]),
    trueHead(state, style(k), path, state.plane.paths[k]),
  ]);
  const axis = (text, more = {}) => ({ title: { text }, showbackground: false, gridcolor: colour(root, "line"), zeroline: false, showspikes: false, ...more });
  const ticks = state.metric === "loss" ? lossTicks(low, high) : { tickformat: ".0%" };
  const box = state.plane.box;
  const layout = plotLayout(root, {
    margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: "fixed",
    scene: {
      xaxis: axis(axisTitle(state, say, "a"), { range: [box[0], box[1]] }), yaxis: axis(axisTitle(state, say, "b"), { range: [box[2], box[3]] }),
      zaxis: axis(say(`explore.metric.${state.metric}`), ticks),
      aspectmode: "manual", aspectratio: surfaceRatio(box), camera: { eye: { x: 0.8, y: -1.88, z: 1.05 }, center: { x: 0, y: 0, z: -0.14 } },
    },
  });
  return plotIn(host, [surface, ...lines], layout);
}

function surfaceRatio(box) {
  const [width, depth] = [box[1] - box[0], box[3] - box[2]];
  const longest = Math.max(width, depth);
  return { x: 1.1 * (width / longest), y: 1.1 * (depth / longest), z: 0.75 };
}
