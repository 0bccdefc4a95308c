// The landscape from above: contours that Plotly draws, and over them the paths, the minima and the start.

const contourMargin = { l: 42, r: 56, t: 20, b: 36 };

function contourGround(root, ground, field, area, say) {
  const contour = {
    type: "contour",
    x: field.x,
    y: field.y,
    z: field.rows,
    zmin: field.least,
    zmax: field.most,
    colorscale: scaleOf(root),
    autocontour: false,
    contours: levels(field),
    line: { width: 0.7, color: colour(root, "card") },
    hoverinfo: "none",
    showscale: false,
  };
  const axis = (name) => ({
    range: field.box[name],
    title: { text: axisName(field, say, name), standoff: name === "x" ? 6 : 2 },
    showgrid: false,
    zeroline: false,
  });
  const layout = { margin: marginsOf(ground, area), dragmode: false, xaxis: axis("x"), yaxis: axis("y") };
  return plotIn(ground, [contour], plotLayout(root, layout));
}

const LEVELS = 26;

// Plotly's own choice of levels can be of none.
function levels(field) {
  const size = (field.most - field.least) / LEVELS || 1;
  return { start: field.least + size, end: field.most - size / 2, size };
}

// The bar of colours beside the contour. Plotly's own would push the axes, and what is drawn over them.
function colourBar(root, field, area, say, name) {
  const id = `${name}-scale`;
  const [left, width] = [area.left + area.width + 8, 9];
  const stops = scaleOf(root).map(([offset, color]) => svg("stop", { offset, "stop-color": color }));
  const gradient = svg("linearGradient", { id, x1: 0, x2: 0, y1: 1, y2: 0 }, ...stops);
  const bar = svg("rect", { x: left, y: area.top, width, height: area.height, fill: `url(#${id})` });
  const { tickvals, ticktext } = heightTicks(field);
  const up = (height) =>
    area.top + area.height * (1 - (height - field.least) / (field.most - field.least || 1));
  const write = (y, text, more) => {
    const element = svg("text", {
      class: "tick",
      x: left + width + 4,
      y,
      fill: colour(root, "ink"),
      ...more,
    });
    element.textContent = text;
    return element;
  };
  const title = write(area.top - 9, say("landscape.axis.value"), { x: left + 46, "text-anchor": "end" });
  return svg("g", {}, gradient, bar, title, ...tickvals.map((height, k) => write(up(height), ticktext[k])));
}

const axisName = (field, say, name) => say(`landscape.axis.${field.box.line ? "line" : "plain"}.${name}`);

// Diamonds where the minima are; with `numbered` each has its number, as in the basins.
function minimaMarks(root, field, area, numbered = false) {
  const size = field.minima.length > 6 || area.width < 200 ? 4 : 6;
  return field.minima.map(([x, y], k) => {
    const [px, py] = [area.across(x), area.up(y)];
    const mark = svg("path", {
      class: "minimum",
      d: `M${px} ${py - size}L${px + size} ${py}L${px} ${py + size}L${px - size} ${py}Z`,
      fill: colour(root, "card"),
      stroke: colour(root, "ink"),
      "stroke-width": 1.4,
    });
    if (!numbered) return mark;
    const text = svg("text", { x: px, y: py, class: "minimum-number", fill: colour(root, "ink") });
    text.textContent = String(k + 1);
    return svg(
      "g",
      {},
      svg("circle", { cx: px, cy: py, r: 8, fill: colour(root, "card"), stroke: colour(root, "ink") }),
      text,
    );
  });
}

function startMark(root, area, [x, y]) {
  return svg("circle", {
    class: "start",
    cx: area.across(x),
    cy: area.up(y),
    r: 7,
    fill: colour(root, "card"),
    stroke: colour(root, "ink"),
    "stroke-width": 2.2,
  });
}

// A click sets the start, and so does a drag of it; on a touch screen one drags the start itself, so that a page scrolls.
function setsStart(page, over, areaNow) {
  let dragging = false;
  const set = (event) => {
    const area = areaNow();
    const box = over.getBoundingClientRect();
    const at = area?.at(event.clientX - box.left, event.clientY - box.top);
    if (!at) return;
    const inside = (value, [low, high]) => Math.min(high, Math.max(low, value));
    page.setStart([inside(at[0], area.x), inside(at[1], area.y)]);
  };
  const within = (event) => {
    const area = areaNow();
    const box = over.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    return (
      area &&
      px >= area.left &&
      px <= area.left + area.width &&
      py >= area.top &&
      py <= area.top + area.height
    );
  };
  over.addEventListener("pointerdown", (event) => {
    const onStart = event.target.closest(".start") !== null;
    if (event.button !== 0 || !within(event) || (event.pointerType === "touch" && !onStart)) return;
    dragging = true;
    over.setPointerCapture(event.pointerId);
    // The start stays where it is when it is only taken hold of.
    if (!onStart) set(event);
  });
  over.addEventListener("pointermove", (event) => dragging && set(event));
  for (const name of ["pointerup", "pointercancel"]) over.addEventListener(name, () => (dragging = false));
  over.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && within(event)) set(event);
  });
}

// The contour with all that is over it. `draw()` draws what changed, `step()` only what moves.
function contourView(page) {
  const { root, state, say } = page;
  const { host, ground, over } = layers({ class: "contour click" });
  let area = null;
  let paths = [];
  setsStart(page, over, () => area);
  const step = () => paths.forEach((path) => path.step(state.step));
  const draw = () => {
    const { field } = state;
    area = areaOf(host, contourMargin, field.box.x, field.box.y, true);
    const key = [field.key, themeOf(root), host.clientWidth, host.clientHeight].join(" ");
    if (ground.dataset.key !== key) contourGround(root, ground, field, area, say);
    ground.dataset.key = key;
    const group = clipped(over, area, `${page.name}-contour`);
    over.append(colourBar(root, field, area, say, page.name));
    paths = page.seenPaths().map(([name, path]) => overPath(root, name, path, page.style(name), area));
    group.append(...minimaMarks(root, field, area), ...paths.flatMap((path) => path.lines));
    group.append(startMark(root, area, state.start), ...paths.map((path) => path.head));
    step();
  };
  return { host, draw, step };
}
