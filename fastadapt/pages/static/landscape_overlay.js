// What moves on page 1 is drawn over a plot that stands still: an SVG with the plot's coordinates.

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A host of two layers: the ground, which Plotly draws, and the SVG over it.
function layers(more = {}) {
  const ground = el("div", { class: "ground" });
  const over = svg("svg", { class: "over" });
  const host = el("div", { ...more, class: `plot ${more.class ?? ""}` }, ground, over);
  return { host, ground, over };
}

// Where a plot with these margins and ranges has its points; with `square` a unit is as long along x and y.
function areaOf(host, margin, x, y, square = false) {
  const room = [host.clientWidth - margin.l - margin.r, host.clientHeight - margin.t - margin.b].map((size) =>
    Math.max(size, 1),
  );
  const size = [x[1] - x[0], y[1] - y[0]];
  const scale = square ? Math.min(room[0] / size[0], room[1] / size[1]) : 0;
  const [width, height] = square ? [scale * size[0], scale * size[1]] : room;
  const left = margin.l + (room[0] - width) / 2;
  const top = margin.t + (room[1] - height) / 2;
  return {
    left,
    top,
    width,
    height,
    x,
    y,
    across: (value) => left + (width * (value - x[0])) / size[0],
    up: (value) => top + height * (1 - (value - y[0]) / size[1]),
    at: (px, py) => [x[0] + (size[0] * (px - left)) / width, y[0] + size[1] * (1 - (py - top) / height)],
  };
}

// The margins that make Plotly draw into an area.
function marginsOf(host, area) {
  const { clientWidth: width, clientHeight: height } = host;
  return { l: area.left, r: width - area.left - area.width, t: area.top, b: height - area.top - area.height };
}

const strokes = { solid: null, dash: "9 5", dot: "1.5 5", dashdot: "9 5 1.5 5" };

// Far outside nothing is seen, and browsers draw huge coordinates wrongly.
const pixel = (value) => Math.round(10 * Math.max(-2e4, Math.min(2e4, value))) / 10;

// A path as the text of an SVG path, and how much of it there is up to each point.
function drawnPath(points, area) {
  const ends = new Uint32Array(points.length / 2);
  const parts = [];
  let length = 0;
  let pen = "M";
  for (let k = 0; k < ends.length; k += 1) {
    const [x, y] = pairAt(points, k);
    if (Number.isFinite(x) && Number.isFinite(y)) {
      const part = `${pen}${pixel(area.across(x))} ${pixel(area.up(y))}`;
      parts.push(part);
      length += part.length;
      pen = "L";
    } else pen = "M";
    ends[k] = length;
  }
  return { text: parts.join(""), ends };
}

// A rule's path on an overlay: pale as a whole, strong up to the step shown, and a head. `step(k)` moves it.
function overPath(root, name, path, style, area) {
  const { text, ends } = drawnPath(path.points, area);
  const line = (width, more) =>
    svg("path", {
      "data-rule": name,
      fill: "none",
      "stroke-width": width,
      "stroke-linejoin": "round",
      "stroke-linecap": "round",
      ...more,
    });
  const dash = strokes[style[1]];
  const pale = line(1.8, { class: "pale", d: text, stroke: style[0], "stroke-dasharray": dash });
  // A pale edge, so that grey and blue lines show on a grey-blue ground.
  const edge = line(5, { class: "edge", stroke: colour(root, "card") });
  const strong = line(2.6, { class: "strong", stroke: style[0], "stroke-dasharray": dash });
  const head = svg("circle", {
    class: "head",
    "data-rule": name,
    r: 5.5,
    fill: style[0],
    stroke: colour(root, "card"),
    "stroke-width": 2,
  });
  const step = (k) => {
    const at = Math.min(k, ends.length - 1);
    const behind = text.slice(0, ends[at]);
    edge.setAttribute("d", behind);
    strong.setAttribute("d", behind);
    const [x, y] = pairAt(path.points, at);
    const seen = Number.isFinite(x) && Number.isFinite(y);
    head.toggleAttribute("hidden", !seen);
    if (!seen) return;
    head.setAttribute("cx", pixel(area.across(x)));
    head.setAttribute("cy", pixel(area.up(y)));
  };
  return { lines: [pale, edge, strong], head, step };
}

// All that is on an overlay is cut off at the edge of its area.
function clipped(over, area, name) {
  const { left, top, width, height } = area;
  const box = svg("rect", { x: left, y: top, width, height });
  const group = svg("g", { "clip-path": `url(#${name})` });
  over.replaceChildren(svg("clipPath", { id: name }, box), group);
  return group;
}
