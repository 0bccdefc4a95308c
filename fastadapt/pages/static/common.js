// What every page builds on: elements, words, and the light and the dark theme.

// An element with properties ({class, text, title, on: {click}, data: {...}, ...attributes}) and children.
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// say("landscape.steps", {n: 300}) is the text of that key, with {n} put in; a missing key shows itself.
function wordsOf(words) {
  const say = (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  say.has = (key) => key in words;
  return say;
}

// A number for people: four significant digits, and powers of ten where they are shorter.
function shown(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const plain = size >= 1e-3 && size < 1e5;
  const text = plain ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 2);
  return text.replace("e+", "e").replace(/-/g, "−");
}

// A whole number with its thousands apart, as the page's language writes a thousand.
const grouped = (say, number) => number.toLocaleString("en").replaceAll(",", say("common.thousand")[1]);

// Sends only the newest of many requests: while one is on its way, the last that was asked for waits.
function newestOnly(send) {
  let running = false;
  let waiting = null;
  return async function ask(...given) {
    if (running) {
      waiting = given;
      return;
    }
    running = true;
    try {
      await send(...given);
    } finally {
      running = false;
      if (waiting) {
        const next = waiting;
        waiting = null;
        ask(...next);
      }
    }
  };
}

// "light" or "dark": what the reader chose on this page, or else what the system prefers.
function themeOf(root) {
  if (root.dataset.theme) return root.dataset.theme;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// A button that turns the page dark or light; `changed()` is called then, and when the system changes.
function themeButton(root, say, changed) {
  const button = el("button", { class: "quiet theme", type: "button" });
  const label = () => {
    const dark = themeOf(root) === "dark";
    button.textContent = dark ? "☀" : "☾";
    button.title = say(dark ? "common.to_light" : "common.to_dark");
    button.setAttribute("aria-label", button.title);
  };
  const set = (theme) => {
    root.dataset.theme = theme;
    const body = root.closest(".fastadapt-body");
    if (body) body.dataset.theme = theme;
  };
  button.addEventListener("click", () => {
    set(themeOf(root) === "dark" ? "light" : "dark");
    label();
    changed();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    label();
    changed();
  });
  label();
  return button;
}

// The value of a CSS variable of the page: colour(root, "ink").
function colour(root, name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

// The colours of a landscape between its lowest and its highest, as plotly wants scales.
function scaleOf(root) {
  return [
    [0, colour(root, "low")],
    [1, colour(root, "high")],
  ];
}

// What all our plots share: type, colours, no buttons but the few that help.
function plotLayout(root, more = {}) {
  const ink = colour(root, "ink");
  const line = colour(root, "line");
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: false };
  return {
    font: { family: getComputedStyle(root).fontFamily, size: 11, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 12, t: 8, b: 38 },
    showlegend: false,
    hovermode: false,
    hoverlabel: { bgcolor: colour(root, "card"), bordercolor: line, font: { color: ink, size: 11 } },
    ...more,
    xaxis: { ...axis, ...more.xaxis },
    yaxis: { ...axis, ...more.yaxis },
  };
}

const plotConfig = {
  displaylogo: false,
  displayModeBar: false,
  responsive: false,
  scrollZoom: false,
  doubleClick: false,
  showTips: false,
  plotGlPixelRatio: 2,
};
