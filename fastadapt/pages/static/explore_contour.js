// The plane of page 2 from above, with the paths where they fall on it.

function flatPath(state, style, path, where, edge) {
  const now = reached(path, state.step);
  const traces = [];
  const line = (pieces, dotted, opacity, edge) => {
    const x = joined(pieces, dotted, (k) => where.a[k]);
    const y = joined(pieces, dotted, (k) => where.b[k]);
    const dash = dotted ? "3px,4px" : style[1];
    const width = dotted ? 2.6 : 3;
    // A pale edge, so that grey and blue lines show on a grey-blue ground.
    if (edge)
      traces.push({
        type: "scatter",
        mode: "lines",
        x,
        y,
        opacity: 0.75,
        line: { color: edge, width: width + 2.4, dash },
        hoverinfo: "skip",
      });
    traces.push({
      type: "scatter",
      mode: "lines",
      x,
      y,
      opacity,
      line: { color: style[0], width, dash },
      hoverinfo: "skip",
    });
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
    return dots(root, [where.a[at]], [where.b[at]], {
      size: 11,
      color: style(k)[0],
      line: { color: colour(root, "card"), width: 2 },
    });
  });
  const begin = state.plane.paths.map((where) => [where.a[0], where.b[0]]);
  const ink = startColour[themeOf(root)];
  const start = dots(
    root,
    begin.map((at) => at[0]),
    begin.map((at) => at[1]),
    { size: 9, color: colour(root, "card"), line: { color: ink, width: 2 } },
  );
  const picked = state.picked.at;
  const star = dots(root, picked ? [picked[0]] : [], picked ? [picked[1]] : [], {
    size: 15,
    symbol: "star",
    color: "#f3c623",
    line: { color: ink, width: 1.5 },
  });
  return [start, ...heads, star];
}

// Around each head a circle with the radius of its distance off the plane.
function distances(root, state, style) {
  return state.training.paths.map((path, k) => {
    const where = state.plane.paths[k];
    const at = reached(path, state.step) - 1;
    const [a, b, r] = [where.a[at], where.b[at], where.off[at]];
    const line = { color: style(k)[0], width: 1, dash: "dot" };
    return {
      type: "circle",
      x0: a - r,
      x1: a + r,
      y0: b - r,
      y1: b + r,
      line,
      opacity: 0.55,
      layer: "above",
    };
  });
}

// What an axis of the plane is.
function axisTitle(state, say, axis) {
  const paths = basePaths(state);
  const [first, second] = state.shown.spec.pair.map((k) => paths[k]?.name ?? "");
  const kind = state.plane.kind === "own" && state.given ? "given" : state.plane.kind;
  return say(`explore.axis.${kind}.${axis}`, { first, second });
}

// Which share of the host each axis takes, so that a unit is as long along both, in the middle of it.
function domains(host, margin, box, square) {
  if (!square)
    return [
      [0, 1],
      [0, 1],
    ];
  const room = [host.clientWidth - margin.l - margin.r, host.clientHeight - margin.t - margin.b];
  const size = [box[1] - box[0], box[3] - box[2]];
  const scale = Math.min(room[0] / size[0], room[1] / size[1]);
  return range(2).map((k) => {
    const share = Math.min(1, (scale * size[k]) / room[k]);
    return [(1 - share) / 2, (1 + share) / 2];
  });
}

function drawContour(root, host, state, say, style) {
  const z = gridValues(state);
  const [low, high] = bounds(z);
  const box = state.plane.box;
  const margin = { l: 58, r: 74, t: 6, b: 36 };
  const [across, up] = domains(host, margin, box, state.plane.kind !== "random");
  const contour = {
    type: "contour",
    x: state.grid.a,
    y: state.grid.b,
    z,
    zmin: low,
    zmax: high,
    colorscale: scaleOf(root),
    ncontours: 24,
    line: { width: 0.7, color: colour(root, "card") },
    hoverinfo: "none",
    colorbar: { ...colourBar(state, say, low, high, up), x: across[1] },
  };
  const paths = state.training.paths.flatMap((path, k) =>
    flatPath(state, style(k), path, state.plane.paths[k], colour(root, "card")),
  );
  const layout = plotLayout(root, {
    margin,
    clickanywhere: true,
    hovermode: "closest",
    dragmode: false,
    uirevision: "fixed",
    xaxis: {
      domain: across,
      range: [box[0], box[1]],
      title: { text: axisTitle(state, say, "a"), standoff: 6 },
      showgrid: false,
      zeroline: false,
    },
    yaxis: {
      domain: up,
      range: [box[2], box[3]],
      title: { text: axisTitle(state, say, "b"), standoff: 4 },
      showgrid: false,
      zeroline: false,
    },
    shapes: distances(root, state, style),
  });
  return plotIn(host, [contour, ...paths, ...marks(root, state, style)], layout);
}
