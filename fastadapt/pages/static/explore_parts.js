// Small parts of page 2: switches, numbers that say what they are, and the line that explains them.

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

// A number with a line that says what it is.
function fact(text, value, what) {
  return el("span", { class: "fact", tabindex: 0, data: { what } }, el("b", { text: value }), text);
}

// The line at the foot of the page: what the number or the control is that is pointed at, focused or tapped.
function whatLine(root, say) {
  const text = el("span", {});
  const line = el(
    "div",
    { class: "what soft", role: "note" },
    el("b", { text: say("explore.what_is_this") }),
    text,
  );
  const rest = () => (text.textContent = say("explore.what.rest"));
  const show = (event) => {
    const about = event.target.closest?.("[data-what]");
    if (about && root.contains(about)) text.textContent = about.dataset.what;
    else if (event.type === "pointerover") rest();
  };
  for (const event of ["pointerover", "focusin", "click"]) root.addEventListener(event, show);
  rest();
  return line;
}

// A plot as large as its host is now: Plotly itself keeps the size of the first drawing.
function plotIn(host, traces, layout) {
  return Plotly.react(
    host,
    traces,
    { ...layout, width: host.clientWidth, height: host.clientHeight },
    plotConfig,
  );
}

const percent = (share, digits = 3) =>
  share === null || share === undefined ? "–" : `${Number((100 * share).toPrecision(digits))} %`;

const range = (count) => Array.from({ length: count }, (_, k) => k);
