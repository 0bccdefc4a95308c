// The map of one rule's basins: for each start on a grid which minimum it reaches (hue) and how fast (lightness).

// The basins as a picture of n × n pixels, north up.
function basinPicture(found, steps) {
  const { n } = found;
  const [ends, since] = [unpackedNumbers(found.ends, "<i2"), unpackedNumbers(found.since, "<i4")];
  const canvas = el("canvas", { width: n, height: n });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(n, n);
  for (let j = 0; j < n; j += 1)
    for (let i = 0; i < n; i += 1) {
      const from = j * n + i;
      const rgb = ends[from] < 0 ? [0, 0, 0] : basinColour(ends[from], since[from] / steps);
      pixels.data.set([...rgb, 255], 4 * ((n - 1 - j) * n + i));
    }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

const largeMargin = { l: 46, r: 10, t: 6, b: 36 };
const smallMargin = { l: 30, r: 8, t: 6, b: 20 };

// The map of one rule: the picture on axes, and over it the minima, the start and the rule's path.
function basinMap(page, name) {
  const { root, state, say } = page;
  const { host, ground, over } = layers({ class: "map click" });
  const title = el(
    "div",
    { class: "map-title" },
    swatch(page.style(name)),
    el("b", { text: name, title: name }),
    el("span", { class: "soft" }),
  );
  const problem = el("p", { class: "problem" });
  const element = el("div", { class: "basin", data: { rule: name } }, title, problem, host);
  let area = null;
  let path = null;
  setsStart(page, over, () => area);
  const step = () => path?.step(state.step);
  const draw = (single) => {
    const found = state.basins.get(name);
    const fits = found && !found.error && found.key === page.basinsKey(name);
    element.classList.toggle("stale", !fits);
    title.lastChild.textContent = fits ? basinSays(say, found) : "";
    problem.textContent = found?.error ?? "";
    host.hidden = Boolean(found?.error);
    if (!found || found.error || !host.clientWidth) return;
    const margin = single ? largeMargin : smallMargin;
    area = areaOf(host, margin, state.field.box.x, state.field.box.y, true);
    const key = [found.key, single, themeOf(root), host.clientWidth, host.clientHeight].join(" ");
    if (ground.dataset.key !== key) plotMap(page, ground, found, area, single);
    ground.dataset.key = key;
    const group = clipped(over, area, `${page.name}-map-${name.replace(/\W/g, "_")}`);
    const seen = page.seenPaths().find(([rule]) => rule === name);
    path = seen ? overPath(root, name, seen[1], [colour(root, "card"), "solid"], area) : null;
    group.append(...minimaMarks(root, state.field, area, single && state.field.minima.length > 1));
    if (path) group.append(...path.lines.slice(1).map(thin), startMark(root, area, state.start), path.head);
    step();
  };
  return { element, name, draw, step };
}

// The path on a map is thin and black with a pale edge: its own colour would be taken for a basin.
function thin(line, k) {
  line.setAttribute("stroke-width", k === 0 ? 4 : 1.8);
  line.setAttribute("stroke", k === 0 ? "#ffffff" : "#111111");
  return line;
}

const basinSays = (say, found) =>
  say("landscape.basin", {
    share: percent(found.share, 3),
    steps: found.median === null ? "–" : shown(found.median, 3),
  });

function plotMap(page, ground, found, area, single) {
  const { root, state, say } = page;
  const { x, y } = state.field.box;
  const picture = basinPicture(found, state.settings.steps);
  const axis = (name) => ({
    range: state.field.box[name],
    showgrid: false,
    zeroline: false,
    nticks: single ? 8 : 4,
    title: single
      ? { text: say("landscape.axis.start", { axis: axisName(state.field, say, name) }), standoff: 6 }
      : undefined,
  });
  const image = {
    source: picture,
    xref: "x",
    yref: "y",
    x: x[0],
    y: y[1],
    sizex: x[1] - x[0],
    sizey: y[1] - y[0],
    sizing: "stretch",
    layer: "below",
  };
  const layout = {
    margin: marginsOf(ground, area),
    dragmode: false,
    images: [image],
    xaxis: axis("x"),
    yaxis: axis("y"),
  };
  const invisible = {
    type: "scatter",
    x: [x[0]],
    y: [y[0]],
    mode: "markers",
    marker: { opacity: 0 },
    hoverinfo: "skip",
  };
  return plotIn(ground, [invisible], plotLayout(root, layout));
}
