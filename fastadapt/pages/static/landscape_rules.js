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
    el("span", { text: say("common.lr") }),
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
  const hypers = [...d.rules[name].hyper];
  if (!hypers.some((hyper) => hyper.name === "decay")) hypers.push(decayOf(say));
  const controls = hypers.map((hyper) => {
    const chosen = (value) => {
      rule.on = true;
      page.setHyper(name, hyper.name, value);
    };
    const label = say("common.hyper_of", { name: hyper.name, rule: name });
    return hyperControl(hyper, chosen, { label, far: 1e9, near: 1e-12 });
  });
  const rate = controls.find((control) => control.name === "lr");
  const others = controls.filter((control) => control !== rate);
  const rows = others.map((control) => control.element);
  const fold = foldOf(rows, say("common.more_hyper", { rule: name }));
  const text = el("span", { class: "name", text: name, title: name });
  const head = el("label", { class: "rule-name" }, box, swatch(page.style(name)), text);
  const line = el(
    "div",
    { class: "rule", data: { rule: name } },
    head,
    rate ? rate.parts : [el("span", {}), el("span", {})],
    fold.button,
  );
  const fill = () => controls.forEach((control) => control.set(rule.hyper[control.name] ?? control.first));
  const refresh = () => {
    box.checked = rule.on;
    line.classList.toggle("off", !rule.on);
  };
  fill();
  refresh();
  if (page.frozen) freezeRule(page, name, box, controls);
  return { element: el("div", { class: "rule-block" }, line, fold.element), fill, refresh };
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
