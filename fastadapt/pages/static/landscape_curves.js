// Value and gradient norm by step, with a line at the step shown, and the table that judges.

function curvesCard(page) {
  const { say } = page;
  const value = curveView(page, "value", (path) => path.values, 6);
  const norm = curveView(page, "norm", (path) => (path.gradients ? norms(path) : null), 32);
  page.views({
    draw: () => [value, norm].forEach((view) => view.draw()),
    step: () => [value, norm].forEach((view) => view.step()),
  });
  const heading = el("h2", {}, say("landscape.card.curves"), page.bars.judge.element);
  return el("div", { class: "card curves" }, heading, value.host, norm.host, judgeTable(page));
}

// One curve for each rule, on a logarithmic axis: of values, what is above the lowest.
function curveView(page, name, pick, bottom) {
  const { root, state, say } = page;
  const margin = { l: 50, r: 6, t: 4, b: bottom };
  const { host, ground, over } = layers({ class: `curve ${name}` });
  const line = svg("line", { class: "now" });
  over.append(line);
  let area = null;
  const step = () => {
    const x = area.across(page.stepNow());
    for (const [key, value] of Object.entries({
      x1: x,
      x2: x,
      y1: area.top,
      y2: area.top + area.height,
      stroke: colour(root, "soft"),
    }))
      line.setAttribute(key, value);
  };
  const draw = () => {
    const paths = page.seenPaths();
    area = areaOf(host, margin, [0, state.settings.steps], [0, 1]);
    const size = [themeOf(root), host.clientWidth, host.clientHeight];
    const key = [name, state.field.key, ...paths.flatMap(([rule, path]) => [rule, path.key]), ...size].join(
      " ",
    );
    if (ground.dataset.key !== key)
      plotCurves(page, ground, margin, paths, {
        name,
        pick,
        bottom: bottom > 10,
        title: say(`landscape.axis.${name}`),
      });
    ground.dataset.key = key;
    step();
  };
  // A press or a drag on a curve goes to that step.
  const scrub = (event) => {
    if (!area || !(event.buttons & 1)) return;
    const [x] = area.at(event.clientX - over.getBoundingClientRect().left, 0);
    page.scrub(Math.round(x));
  };
  over.addEventListener("pointerdown", scrub);
  over.addEventListener("pointermove", scrub);
  return { host, draw, step };
}

function plotCurves(page, ground, margin, paths, { name, pick, bottom, title }) {
  const { root, state, say } = page;
  const low = name === "value" ? state.field.low : 0;
  const rows = paths
    .map(([, path]) => pick(path))
    .map((row) => (row ? Array.from(row, (value) => value - low) : []));
  const [least, most] = curveRange(rows);
  const traces = paths.map(([rule], k) => ({
    type: "scatter",
    mode: "lines",
    y: rows[k].map((value) => (Number.isFinite(value) ? Math.max(value, 10 ** (least - 1)) : null)),
    hoverinfo: "skip",
    line: { color: page.style(rule)[0], dash: page.style(rule)[1], width: 1.7 },
  }));
  const layout = {
    margin,
    xaxis: {
      range: [0, state.settings.steps],
      showticklabels: bottom,
      nticks: 6,
      title: bottom ? { text: say("landscape.axis.step"), standoff: 2 } : undefined,
    },
    yaxis: {
      type: "log",
      range: [least, most],
      title: { text: title, standoff: 4 },
      ...powerTicks(least, most),
      zeroline: false,
    },
  };
  return plotIn(ground, traces, plotLayout(root, layout));
}

// The powers of ten between which curves are drawn: what is far below the largest is no longer told apart.
function curveRange(rows, decades = 10, times = 1e6) {
  const positive = rows.flat().filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return [-1, 1];
  const [low, high] = extremes(positive);
  const first = Math.max(
    ...rows.map((row) => row[0]).filter((value) => value > 0 && Number.isFinite(value)),
    low,
  );
  const most = Math.log10(Math.min(high, times * first));
  const least = Math.max(Math.log10(low), Math.log10(first) - decades);
  const pad = 0.04 * Math.max(1, most - least);
  return [least - pad, most + pad];
}

const powerText = (power) =>
  power === 0 || power === 1 ? String(10 ** power) : `10<sup>${String(power).replace("-", "−")}</sup>`;

// Whole powers of ten, at most five of them.
function powerTicks(least, most) {
  const every = Math.max(1, Math.ceil((most - least) / 5));
  const powers = range(Math.floor(most / every) - Math.ceil(least / every) + 1).map(
    (k) => every * (Math.ceil(least / every) + k),
  );
  if (powers.length < 2) return { nticks: 4 };
  return { tickvals: powers.map((power) => 10 ** power), ticktext: powers.map(powerText) };
}
