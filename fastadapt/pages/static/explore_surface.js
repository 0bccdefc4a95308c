// The plane of page 2 as a surface, with the paths on it and stalks to their true losses.

function solidPath(state, style, path, where) {
  const now = reached(path, state.step);
  const metric = metricOf(state);
  const height = (k) => drawn(state, where.below[metric][k]) + state.lift;
  const pieces = stretches(state, where, 0, now);
  return [false, true].map((dotted) => ({
    type: "scatter3d",
    mode: "lines",
    hoverinfo: "skip",
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
    type: "scatter3d",
    mode: "lines+markers",
    hoverinfo: "skip",
    x: [where.a[at], where.a[at]],
    y: [where.b[at], where.b[at]],
    z,
    line: { color: style[0], width: 3 },
    marker: { color: style[0], size: [3, 6], line: { width: 0 } },
  };
}

function drawSurface(root, host, state, say, style) {
  const z = gridValues(state);
  const [low, high] = bounds(z);
  state.lift = 0.035 * (high - low);
  const colorbar = colourBar(state, say, low, high);
  const surface = surfaceTrace(root, { x: state.grid.a, y: state.grid.b, z }, [low, high], 16, { colorbar });
  const lines = state.training.paths.flatMap((path, k) => [
    ...solidPath(state, style(k), path, state.plane.paths[k]),
    trueHead(state, style(k), path, state.plane.paths[k]),
  ]);
  const box = state.plane.box;
  const layout = spaceLayout(root, {
    x: [box[0], box[1]],
    y: [box[2], box[3]],
    titles: [axisTitle(state, say, "a"), axisTitle(state, say, "b"), say(`explore.metric.${state.metric}`)],
    ticks: ticksOf(state, low, high),
    height: 0.75,
    camera: { eye: { x: 0.8, y: -1.88, z: 1.05 }, center: { x: 0, y: 0, z: -0.14 } },
    uirevision: "fixed",
  });
  return plotIn(host, [surface, ...lines], layout);
}
