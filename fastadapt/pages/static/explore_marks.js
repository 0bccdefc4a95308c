// What is drawn over the contour of page 2: the paths where they fall on the plane, their heads, and what was clicked.

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
