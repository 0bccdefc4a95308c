// The card of the rules: all there are, each with a learning rate, a decay of it, and further hyperparameters in a fold.

function rulesCard(page) {
  const { say, description: d } = page;
  const list = el("div", { class: "rules" });
  const rows = Object.keys(d.rules).map((name) => ruleRow(page, name));
  list.append(...rows.map((row) => row.element));
  page.fillRules = () => rows.forEach((row) => row.fill());
  page.show(() => rows.forEach((row) => row.refresh()));
  const tune = el("button", {
    type: "button",
    class: "tune",
    text: say("landscape.control.tune"),
    data: { what: say("landscape.what.tune") },
  });
  tune.addEventListener("click", () => page.openTuning());
  const heading = el(
    "h2",
    {},
    say("landscape.card.rules"),
    el("span", { text: say("landscape.control.lr") }),
  );
  return el("div", { class: "card rules-card" }, heading, list, tune);
}

// One rule: on or off, its swatch, its rate, and a fold. Moving what is off turns it on.
function ruleRow(page, name) {
  const { say, state, description: d } = page;
  const rule = state.rules[name];
  const box = el("input", {
    type: "checkbox",
    class: "on",
    "aria-label": say("landscape.control.on", { rule: name }),
  });
  box.addEventListener("change", () => page.setOn(name, box.checked));
  const controls = d.rules[name].hyper.map((hyper) => hyperControl(page, name, hyper));
  if (!d.rules[name].hyper.some((hyper) => hyper.name === "decay"))
    controls.push(hyperControl(page, name, decayOf(say)));
  const rate = controls.find((control) => control.name === "lr");
  const others = controls.filter((control) => control !== rate);
  const folded = el(
    "div",
    { class: "hyper", hidden: true },
    others.map((control) => control.element),
  );
  const label = say("landscape.control.more", { rule: name });
  const fold = el("button", {
    type: "button",
    class: "quiet fold",
    text: "▸",
    title: label,
    "aria-label": label,
    "aria-expanded": "false",
  });
  fold.addEventListener("click", () => {
    folded.hidden = !folded.hidden;
    fold.setAttribute("aria-expanded", String(!folded.hidden));
  });
  const text = el("span", { class: "name", text: name, title: name });
  const head = el("label", { class: "rule-name" }, box, swatch(page.style(name)), text);
  const line = el(
    "div",
    { class: "rule", data: { rule: name } },
    head,
    rate ? rate.parts : [el("span", {}), el("span", {})],
    fold,
  );
  const fill = () => controls.forEach((control) => control.fill(rule.hyper[control.name] ?? control.first));
  const refresh = () => {
    box.checked = rule.on;
    line.classList.toggle("off", !rule.on);
  };
  fill();
  refresh();
  if (page.frozen) freezeRule(page, name, box, controls);
  return { element: el("div", { class: "rule-block" }, line, folded), fill, refresh };
}

// A saved page has the paths of some rules, with the hyperparameters that they had.
function freezeRule(page, name, box, controls) {
  controls.flatMap((control) => control.parts).forEach(page.needsRun);
  if (!(name in page.description.frozen.scene.rules)) page.needsRun(box);
}

const decayOf = (say) => ({
  name: "decay",
  meaning: say("landscape.what.decay"),
  kind: "log",
  default: 0,
  least: 1e-4,
  most: 1,
});

// The control of a hyperparameter by its kind, as Python describes it.
function hyperControl(page, rule, { name, meaning, kind, default: first, least, most }) {
  const label = page.say("landscape.control.hyper_of", { name, rule });
  const chosen = (value) => {
    page.state.rules[rule].on = true;
    page.setHyper(rule, name, value);
  };
  const about = { label, what: meaning, name: name === "lr" ? "lr" : `hyper-${name}` };
  const control =
    kind === "switch"
      ? switchControl(first, chosen, about)
      : numberControl(kind, first, chosen, { ...about, least, most });
  const element = el(
    "div",
    { class: "hyper-row", data: { name } },
    el("span", { class: "mono", text: name, data: { what: meaning } }),
    control.parts,
  );
  return { name, first, element, parts: control.parts, fill: control.set };
}

function numberControl(kind, first, chosen, about) {
  if (kind === "number") return plainNumber(first, chosen, about);
  const { least, most } = about;
  const scale = kind === "log" ? scales.log(least, most) : scales.complement(least);
  const bounds = kind === "log" ? { least: 0, most: Infinity } : { least: 0, most: 1 - 1e-12 };
  return sliderOf(scale, first, chosen, { ...about, ...bounds });
}

function plainNumber(first, chosen, { label, what, name }) {
  const input = el("input", {
    type: "number",
    step: "any",
    class: `number-of ${name}`,
    value: first,
    "aria-label": label,
    data: { what },
  });
  input.addEventListener("change", () => input.value !== "" && chosen(Number(input.value)));
  return { parts: [input], set: (value) => (input.value = value) };
}

function switchControl(first, chosen, { label, what, name }) {
  const box = el("input", { type: "checkbox", class: name, "aria-label": label, data: { what } });
  box.addEventListener("change", () => chosen(box.checked));
  return { parts: [box], set: (value) => (box.checked = value) };
}
