// The line fit's own picture: the data, and the line that each rule has at the step shown.

function dataView(page) {
  const { root, state, say } = page;
  const { host, ground, over } = layers({ class: "data" });
  const margin = { l: 44, r: 8, t: 8, b: 36 };
  let area = null;
  let lines = [];
  const step = () => {
    for (const { path, line } of lines) {
      const [w, b] = pairAt(path.points, page.stepNow());
      const ends = area.x.map((u) => area.up(w * u + b));
      line.toggleAttribute("hidden", !ends.every(Number.isFinite));
      line.setAttribute("d", `M${area.left} ${pixel(ends[0])}L${area.left + area.width} ${pixel(ends[1])}`);
    }
  };
  const draw = () => {
    const { data, key: field } = state.field;
    const [us, vs] = [data.map((row) => row[0]), data.map((row) => row[1])];
    const padded = ([low, high], share) => [low - share * (high - low), high + share * (high - low)];
    area = areaOf(host, margin, padded(extremes(us), 0.06), padded(extremes(vs), 0.25));
    const key = [field, themeOf(root), host.clientWidth, host.clientHeight].join(" ");
    if (ground.dataset.key !== key) plotData(page, ground, area, us, vs);
    ground.dataset.key = key;
    const group = clipped(over, area, `${page.name}-data`);
    lines = page.seenPaths().map(([name, path]) => {
      const [stroke, dash] = page.style(name);
      return {
        path,
        line: svg("path", {
          class: "fitted",
          "data-rule": name,
          fill: "none",
          stroke,
          "stroke-width": 2.4,
          "stroke-dasharray": strokes[dash],
        }),
      };
    });
    group.append(...lines.map((each) => each.line));
    step();
  };
  const plotData = (page, ground, area, us, vs) => {
    const marker = { size: 6, color: colour(root, "soft"), opacity: 0.75 };
    const points = { type: "scatter", mode: "markers", x: us, y: vs, marker, hoverinfo: "skip" };
    const axis = (name) => ({
      range: area[name],
      title: { text: say(`landscape.axis.data.${name}`), standoff: 6 },
      zeroline: false,
    });
    plotIn(
      ground,
      [points],
      plotLayout(root, { margin, dragmode: false, xaxis: axis("x"), yaxis: axis("y") }),
    );
  };
  return { host, draw, step };
}
