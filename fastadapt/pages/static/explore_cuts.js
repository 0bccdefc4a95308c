// Cuts of one dimension: from the start to each end, and along the top curvature of each end.

function drawCuts(root, hosts, state, say, style) {
  const metric = metricOf(state);
  const traceOf = (cut, k) => ({
    type: "scatter",
    mode: "lines",
    x: cut.along,
    y: cut.values[metric],
    hoverinfo: "skip",
    line: { color: style(k)[0], width: 2, dash: style(k)[1] },
  });
  const lineAt = (x) => ({
    type: "line",
    x0: x,
    x1: x,
    yref: "paper",
    y0: 0,
    y1: 1,
    line: { color: colour(root, "soft"), width: 1, dash: "2px,3px" },
  });
  const layout = (title, shapes, traces) =>
    plotLayout(root, {
      margin: { l: 52, r: 8, t: 6, b: 38 },
      shapes,
      xaxis: { title: { text: title, standoff: 4 } },
      yaxis: {
        ...valueAxis(state, traces),
        title: { text: say(`explore.metric.${state.metric}`), standoff: 4 },
      },
    });
  const ends = state.cuts.map((found, k) => traceOf(found.to_end, k));
  plotIn(hosts.end, ends, layout(say("explore.axis.to_end"), [lineAt(0), lineAt(1)], ends));
  const along = state.cuts.map((found, k) => found.along && traceOf(found.along, k)).filter((trace) => trace);
  plotIn(hosts.along, along, layout(say("explore.axis.along"), [lineAt(0)], along));
}

function cutsTable(state, say, style) {
  const names = ["curvature", "residual", "rounds", "lowest", "distance"];
  const what = (name) => say(`explore.what.${name}`);
  const heads = names.map((name) =>
    el("th", { text: say(`explore.table.${name}`), tabindex: 0, data: { what: what(name) } }),
  );
  const rows = state.cuts.map((found, k) => {
    const top = found.curvature;
    const rounds =
      top && (top.converged ? String(top.rounds) : say("explore.not_converged", { rounds: top.rounds }));
    const texts = top
      ? [shown(top.value, 4), `± ${shown(top.residual, 2)}`, rounds, shown(top.lowest, 3)]
      : ["–", "–", "–", "–"];
    const cells = [...texts, shown(found.to_end.unit, 4)].map((text, n) =>
      el("td", { class: names[n], text, data: { what: what(names[n]) } }),
    );
    if (top && !top.converged) cells[2].classList.add("problem");
    return el("tr", {}, el("td", {}, swatch(style(k)), pathName(state, say, k)), cells);
  });
  return tableOf([el("th", { text: say("explore.table.rule") }), ...heads], rows);
}
