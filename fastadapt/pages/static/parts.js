// Small parts that the pages share: switches, fields, the line that explains things, swatches, icons and plots.

// Buttons of which one is pressed: choices [[value, text, what]], and `chosen(value)` when another is.
function switchOf(choices, value, chosen, more = {}) {
  const buttons = new Map();
  const element = el("div", { class: `switch ${more.class ?? ""}`, role: "group", "aria-label": more.label });
  const set = (now) =>
    buttons.forEach((button, key) => button.setAttribute("aria-pressed", String(key === now)));
  for (const [key, text, what] of choices) {
    const button = el("button", { type: "button", text, data: { value: key, ...(what ? { what } : {}) } });
    button.addEventListener("click", () => {
      set(key);
      chosen(key);
    });
    buttons.set(key, button);
    element.append(button);
  }
  set(value);
  return { element, set, button: (key) => buttons.get(key) };
}

function selectOf(choices, value, chosen, more = {}) {
  const element = el("select", more);
  fillSelect(element, choices, value);
  element.addEventListener("change", () => chosen(element.value));
  return element;
}

function fillSelect(element, choices, value) {
  const options = choices.map(([key, text]) => el("option", { value: key, text }));
  element.replaceChildren(...options);
  element.value = value;
}

// A whole number in bounds; `chosen` hears only what is one.
function wholeOf(value, least, most, chosen, more = {}) {
  const element = el("input", { type: "number", min: least, max: most, step: 1, value, ...more });
  element.addEventListener("change", () => {
    const number = Math.round(Number(element.value));
    const inside = Math.min(most, Math.max(least, Number.isFinite(number) ? number : least));
    element.value = inside;
    chosen(inside);
  });
  return element;
}

function labelled(text, control, what, more = {}) {
  return el("label", { ...more, data: what ? { what } : {} }, text, control);
}

// The line at the foot of the page: what the number or the control is that is pointed at, focused or tapped.
function whatLine(root, title, resting) {
  const text = el("span", {});
  const line = el("div", { class: "what soft", role: "note" }, el("b", { text: title }), text);
  const rest = () => (text.textContent = resting);
  const show = (event) => {
    const about = event.target.closest?.("[data-what]");
    if (about && root.contains(about)) text.textContent = about.dataset.what;
    else if (event.type === "pointerover") rest();
  };
  for (const event of ["pointerover", "focusin", "click"]) root.addEventListener(event, show);
  rest();
  return line;
}

// The colour and the dash of a rule.
function swatch(style) {
  return el("span", { class: "swatch", style: { "--rule": style[0] }, data: { dash: style[1] } });
}

// A table of these heads, elements of <th>, and rows.
function tableOf(heads, rows) {
  return el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
}

// A row that a click, or Enter, chooses.
function followsRow(chosen, isChosen, data, ...cells) {
  const about = { class: "follows", tabindex: 0, "aria-selected": String(isChosen), data };
  const row = el("tr", about, ...cells);
  row.addEventListener("click", chosen);
  row.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    chosen();
  });
  return row;
}

// A field for a seed, and a button that takes the next one.
function seedOf(value, chosen, label, more = {}) {
  const seed = wholeOf(value, 0, 4294967295, chosen, { class: "seed", ...more });
  const about = { title: label, "aria-label": label };
  const again = el("button", { type: "button", class: "new-seed", text: "↻", ...about });
  again.addEventListener("click", () => {
    seed.value = (Number(seed.value) + 1) % 4294967296;
    chosen(Number(seed.value));
  });
  return { element: el("span", { class: "row" }, seed, again), parts: [seed, again] };
}

const plotters = new WeakMap();

// A plot as large as its host is now: Plotly itself keeps the size of the first drawing, and fails where a drawing
// begins while another of the same host is not done.
function plotIn(host, traces, layout) {
  const draw = (traces, layout) =>
    Plotly.react(host, traces, { ...layout, width: host.clientWidth, height: host.clientHeight }, plotConfig);
  if (!plotters.has(host)) plotters.set(host, newestOnly(draw));
  return plotters.get(host)(traces, layout);
}

const percent = (share, digits = 3) =>
  share === null || share === undefined ? "–" : `${Number((100 * share).toPrecision(digits))} %`;

// 0, 1, …, count - 1.
const range = (count) => Array.from({ length: count }, (_, k) => k);

const icons = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11 3v10L4 8z",
  play: "M4 2.5v11l9.5-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  forward: "M5 3v10l7-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", icons[name]);
  picture.append(path);
  return picture;
}
