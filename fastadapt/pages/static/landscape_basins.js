// Basins: for each start on a grid which minimum a rule reaches (hue) and how fast (lightness).

const HUES = [250, 60, 150, 350, 110, 300, 20, 200];

// A colour of the OKLCH space: lightness, chroma and hue are what the eye calls so. [red, green, blue] up to 255.
function oklch(lightness, chroma, degrees) {
  const angle = (degrees * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(angle), chroma * Math.sin(angle)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const encode = (value) => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
  return linear.map((value) => Math.round(255 * Math.min(1, Math.max(0, encode(Math.max(0, value))))));
}

// The colour of minimum k, reached after this share of the steps: the sooner, the lighter.
function basinColour(k, share) {
  const hue = HUES[k % HUES.length] + 17 * Math.floor(k / HUES.length);
  const slow = Math.sqrt(Math.min(1, share));
  return oklch(0.93 - 0.6 * slow, 0.07 + 0.06 * Math.sin(Math.PI * slow), hue);
}

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
    el("b", { text: name }),
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

// All maps side by side, or one alone.
function basinsView(page) {
  const { state, say } = page;
  const host = el("div", { class: "maps" });
  const choose = selectOf(
    [],
    "all",
    (name) => {
      state.map = name;
      page.draw();
    },
    {
      class: "map-of",
      "aria-label": say("landscape.control.map"),
      data: { what: say("landscape.what.map") },
    },
  );
  const legend = el(
    "span",
    { class: "legend" },
    say("landscape.sooner"),
    el("i", { class: "shades", style: { background: shades() } }),
    say("landscape.later"),
  );
  const controls = el("span", { class: "row" }, choose, legend);
  let maps = [];
  const draw = () => {
    const names = page.on();
    if (state.map !== "all" && !names.includes(state.map)) state.map = "all";
    fillSelect(
      choose,
      [["all", say("landscape.side_by_side")], ...names.map((name) => [name, name])],
      state.map,
    );
    const shownNames = state.map === "all" ? names : [state.map];
    if (shownNames.join() !== maps.map((map) => map.name).join()) {
      maps = shownNames.map((name) => basinMap(page, name));
      host.replaceChildren(...maps.map((map) => map.element));
    }
    arrange(host, shownNames.length, state.field.box);
    maps.forEach((map) => map.draw(shownNames.length === 1));
  };
  return { host, controls, draw, step: () => maps.forEach((map) => map.step()) };
}

const TITLE = 20;
const GAPS = [10, 6];

// As many maps beside each other as make them largest, and rows that are no higher than they need.
function arrange(host, count, { x, y }) {
  const margin = count > 1 ? smallMargin : largeMargin;
  const ratio = (y[1] - y[0]) / (x[1] - x[0]);
  const sizes = (across) => {
    const rows = Math.ceil(count / across);
    const width = (host.clientWidth - GAPS[0] * (across - 1)) / across - margin.l - margin.r;
    const height = (host.clientHeight - GAPS[1] * (rows - 1)) / rows - TITLE - margin.t - margin.b;
    return Math.min(width, height / ratio);
  };
  const across = range(count)
    .map((k) => k + 1)
    .reduce((best, next) => (sizes(next) > sizes(best) ? next : best), 1);
  host.style.setProperty("--across", String(across));
  host.style.setProperty("--height", `${Math.floor(sizes(across) * ratio + TITLE + margin.t + margin.b)}px`);
}

// The shades of a minimum, from those starts that are there at once to those that need all steps.
const shades = () =>
  `linear-gradient(90deg, ${range(6)
    .map((k) => `rgb(${basinColour(0, k / 5).join(",")})`)
    .join(", ")})`;
