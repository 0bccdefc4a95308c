// The card of the rules of page 2: those that train, each with its learning rate and further hyperparameters.

function rulesCard(page) {
  const { say, description: d, state } = page;
  const list = el("div", { class: "rules" });
  const add = selectOf(
    [],
    "",
    (name) => {
      state.setup.rules.push({ name, lr: d.rates[state.setup.data][name] });
      page.fillRules();
      page.retrain();
    },
    { class: "add", "aria-label": say("explore.control.add") },
  );
  page.fillRules = () => {
    list.replaceChildren(...state.setup.rules.map((rule, k) => ruleRow(page, rule, k)));
    const names = new Set(state.setup.rules.map((rule) => rule.name));
    const others = d.rules.filter((name) => !names.has(name));
    fillSelect(add, [["", say("explore.control.add")], ...others.map((name) => [name, name])], "");
    add.disabled = page.frozen || state.setup.rules.length >= d.limits.rules;
  };
  page.fillRules();
  return el(
    "div",
    { class: "card rules-card", hidden: !d.trains },
    el(
      "h2",
      {},
      say("explore.card.rules"),
      el("span", { text: say("common.lr"), data: { what: say("explore.what.lr") } }),
    ),
    list,
    add,
  );
}

// A rule with its learning rate, and a fold with the rest.
function ruleRow(page, rule, k) {
  const { say, state } = page;
  const rate = rateOf(page, rule);
  const label = say("explore.control.remove", { rule: rule.name });
  const about = { title: label, "aria-label": label };
  const remove = el("button", { type: "button", class: "quiet remove", text: "×", ...about });
  remove.disabled = state.setup.rules.length === 1;
  remove.addEventListener("click", () => {
    state.setup.rules.splice(k, 1);
    page.fillRules();
    page.retrain();
  });
  const controls = page.description.hyper[rule.name].map((hyper) => hyperOf(page, rule, hyper));
  const rows = controls.map((control) => control.element);
  const moved = Object.keys(rule.hyper ?? {}).length > 0;
  const fold = foldOf(rows, say("common.more_hyper", { rule: rule.name }), moved);
  const row = el(
    "div",
    { class: "rule", data: { rule: rule.name } },
    swatch(page.style(rule.name)),
    el("span", { class: "name", text: rule.name, title: rule.name }),
    rate.parts,
    fold.button,
    remove,
  );
  if (page.frozen)
    [...rate.parts, remove, ...controls.flatMap((control) => control.parts)].forEach(page.needsRun);
  return el("div", { class: "rule-block" }, row, fold.element);
}

function rateOf(page, rule) {
  const { say, description: d } = page;
  const [least, most] = d.limits.lr;
  const chosen = (lr) => {
    rule.lr = lr;
    page.retrain();
  };
  const about = { label: say("explore.control.lr_of", { rule: rule.name }), what: say("explore.what.lr") };
  return sliderOf(scales.powers(1e-5, 10), rule.lr, chosen, { ...about, name: "lr", least, most });
}

// Only what differs from the default is sent; what is moved trains anew.
function hyperOf(page, rule, hyper) {
  const chosen = (value) => {
    rule.hyper = { ...rule.hyper, [hyper.name]: value };
    if (value === hyper.default) delete rule.hyper[hyper.name];
    page.retrain();
  };
  const label = page.say("common.hyper_of", { name: hyper.name, rule: rule.name });
  const control = hyperControl(hyper, chosen, { label, far: 1e6, near: 1e-7 });
  control.set(rule.hyper?.[hyper.name] ?? hyper.default);
  return control;
}
