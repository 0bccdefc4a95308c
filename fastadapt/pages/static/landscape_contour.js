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
