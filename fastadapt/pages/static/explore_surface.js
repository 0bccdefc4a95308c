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
  const surface = {
    type: "surface",
    x: state.grid.a,
    y: state.grid.b,
    z,
    cmin: low,
    cmax: high,
    colorscale: scaleOf(root),
    hoverinfo: "none",
    colorbar: colourBar(state, say, low, high),
    lighting: { ambient: 0.8, diffuse: 0.45, specular: 0.04, roughness: 0.95 },
    contours: {
      z: {
        show: true,
        width: 1,
        color: colour(root, "card"),
        start: low,
        end: high,
        size: (high - low) / 16 || 1,
      },
    },
  };
  const lines = state.training.paths.flatMap((path, k) => [
    ...solidPath(state, style(k), path, state.plane.paths[k]),
    trueHead(state, style(k), path, state.plane.paths[k]),
  ]);
  const axis = (text, more = {}) => ({
    title: { text },
    showbackground: false,
    gridcolor: colour(root, "line"),
    zeroline: false,
    showspikes: false,
    ...more,
  });
  const ticks = ticksOf(state, low, high);
  const box = state.plane.box;
  const layout = plotLayout(root, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    uirevision: "fixed",
    scene: {
      xaxis: axis(axisTitle(state, say, "a"), { range: [box[0], box[1]] }),
      yaxis: axis(axisTitle(state, say, "b"), { range: [box[2], box[3]] }),
      zaxis: axis(say(`explore.metric.${state.metric}`), ticks),
      aspectmode: "manual",
      aspectratio: surfaceRatio(box),
      camera: { eye: { x: 0.8, y: -1.88, z: 1.05 }, center: { x: 0, y: 0, z: -0.14 } },
    },
  });
  return plotIn(host, [surface, ...lines], layout);
}

function surfaceRatio(box) {
  const [width, depth] = [box[1] - box[0], box[3] - box[2]];
  const longest = Math.max(width, depth);
  return { x: 1.1 * (width / longest), y: 1.1 * (depth / longest), z: 0.75 };
}
