// The plane of page 2 from above.

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
