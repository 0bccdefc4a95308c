// The fold of a rule on page 2: its further hyperparameters, as Python describes them.

// A control for each hyperparameter of a rule, in a fold, and the button that opens it.
function hyperFold(page, rule) {
  const { say, description: d } = page;
  const element = el(
    "div",
    { class: "hyper", hidden: true },
    d.hyper[rule.name].map((hyper) => hyperRow(page, rule, hyper)),
  );
  const label = say("explore.control.more", { rule: rule.name });
  const about = { title: label, "aria-label": label, "aria-expanded": "false" };
  const button = el("button", { type: "button", class: "quiet fold", text: "▸", ...about });
  const open = (is) => {
    element.hidden = !is;
    button.setAttribute("aria-expanded", String(is));
  };
  button.addEventListener("click", () => open(element.hidden));
  open(Object.keys(rule.hyper ?? {}).length > 0);
  return { element, button };
}

// Only what differs from the default is sent; what is moved trains anew.
function hyperRow(page, rule, { name, meaning, kind, default: first, least, most }) {
  const label = page.say("explore.control.hyper_of", { name, rule: rule.name });
  const chosen = (value) => {
    rule.hyper = { ...rule.hyper, [name]: value };
    if (value === first) delete rule.hyper[name];
    page.retrain();
  };
  const about = { label, what: meaning, name: `hyper-${name}` };
  const value = rule.hyper?.[name] ?? first;
  const parts = kind === "switch" ? [hyperSwitch(value, chosen, about)] : hyperNumber(kind, value, chosen, { ...about, least, most });
  if (page.frozen) parts.forEach(page.needsRun);
  const text = el("span", { class: "mono", text: name, data: { what: meaning } });
  return el("div", { class: "hyper-row", data: { name } }, text, parts);
}

function hyperSwitch(value, chosen, { label, what, name }) {
  const box = el("input", { type: "checkbox", class: name, "aria-label": label, data: { what } });
  box.checked = value;
  box.addEventListener("change", () => chosen(box.checked));
  return box;
}

// A slider by powers of ten, of what is below one by its distance from one; without a range the number alone.
function hyperNumber(kind, value, chosen, about) {
  if (kind === "log")
    return sliderOf(scales.log(about.least, about.most), value, chosen, { ...about, least: 0, most: 1e6 }).parts;
  const bounds = kind === "complement" ? { least: 0, most: 1 - 1e-7 } : { least: -1e6, most: 1e6 };
  const { slider, number } = sliderOf(scales.complement(1e-5), value, chosen, { ...about, ...bounds });
  return kind === "complement" ? [slider, number] : [number];
}
