// The controls of a rule's hyperparameters, as Python describes them, and the fold that they are in.

// A row with the control of a hyperparameter. `chosen(value)` hears what is set; `set(value)` moves it without a call.
// `far` is the largest value of what has no limit of its own, `near` how near to 1 comes what is below 1.
function hyperControl({ name, meaning, kind, default: first, least, most }, chosen, { label, far, near }) {
  const about = { label, what: meaning, name: name === "lr" ? "lr" : `hyper-${name}` };
  const controls = {
    switch: () => switchControl(first, chosen, about),
    log: () => sliderOf(scales.log(least, most), first, chosen, { ...about, least: 0, most: far }),
    complement: () => sliderOf(scales.complement(least), first, chosen, { ...about, least: 0, most: 1 - near }),
    number: () => numberControl(first, chosen, { ...about, least: -far, most: far }),
  };
  const { parts, set } = controls[kind]();
  const text = el("span", { class: "mono", text: name, data: { what: meaning } });
  return { name, first, parts, set, element: el("div", { class: "hyper-row", data: { name } }, text, parts) };
}

function switchControl(value, chosen, { label, what, name }) {
  const box = el("input", { type: "checkbox", class: name, "aria-label": label, data: { what } });
  box.checked = value;
  box.addEventListener("change", () => chosen(box.checked));
  return { parts: [box], set: (next) => (box.checked = next) };
}

// The number alone, of what has no range for a slider.
function numberControl(value, chosen, about) {
  const { number, set } = sliderOf(scales.linear(about.least, about.most), value, chosen, about);
  return { parts: [number], set };
}

// Rows in a fold, and the button that opens it.
function foldOf(rows, label, open = false) {
  const element = el("div", { class: "hyper" }, rows);
  const about = { title: label, "aria-label": label };
  const button = el("button", { type: "button", class: "quiet fold", text: "▸", ...about });
  const set = (is) => {
    element.hidden = !is;
    button.setAttribute("aria-expanded", String(is));
  };
  button.addEventListener("click", () => set(element.hidden));
  set(open);
  return { element, button };
}
