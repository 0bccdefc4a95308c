// The controls of the training on page 2: network, data and rules.

function trainingCard(page) {
  const { say, description: d, state } = page;
  const change = (name) => (value) => {
    state.setup[name] = value;
    page.retrain();
  };
  const data = switchOf(
    d.data.map((name) => [name, say(`explore.data.${name}`), say(`explore.what.data_${name}`)]),
    state.setup.data,
    (name) => {
      Object.assign(state.setup, { data: name, epochs: d.epochs[name] });
      epochs.value = state.setup.epochs;
      state.setup.rules = state.setup.rules.map((rule) => ({
        name: rule.name,
        lr: d.rates[name][rule.name],
      }));
      page.fillRules();
      page.retrain();
    },
    { class: "whole data", label: say("explore.control.data") },
  );
  const widths = d.hidden.map((hidden) => [hidden.join(","), hidden.join(" – ")]);
  const hidden = selectOf(
    widths,
    state.setup.hidden.join(","),
    (text) => change("hidden")(text.split(",").map(Number)),
    { class: "hidden" },
  );
  const epochs = wholeOf(state.setup.epochs, 1, d.limits.epochs, change("epochs"), { class: "epochs" });
  const batch = wholeOf(state.setup.batch, 8, 2048, change("batch"), { class: "batch" });
  const seed = wholeOf(state.setup.seed, 0, 4294967295, change("seed"), { class: "seed" });
  const again = el("button", {
    type: "button",
    class: "new-seed",
    text: "↻",
    title: say("explore.control.new_seed"),
    "aria-label": say("explore.control.new_seed"),
  });
  again.addEventListener("click", () => {
    seed.value = (state.setup.seed + 1) % 4294967296;
    change("seed")(Number(seed.value));
  });
  const fields = el(
    "div",
    { class: "fields" },
    labelled(say("explore.control.hidden"), hidden, say("explore.what.hidden"), { class: "wide" }),
    labelled(say("explore.control.epochs"), epochs, say("explore.what.epochs")),
    labelled(say("explore.control.batch"), batch, say("explore.what.batch")),
    labelled(
      say("explore.control.seed"),
      el("span", { class: "row" }, seed, again),
      say("explore.what.seed"),
      { class: "wide" },
    ),
  );
  const weights = el("span", {
    class: "number weights",
    tabindex: 0,
    data: { what: say("explore.what.weights") },
  });
  page.show(
    () => (weights.textContent = say("explore.weights", { n: state.training.weights.toLocaleString("en") })),
  );
  const card = el("div", { class: "card training" }, el("h2", {}, say("explore.card.network"), weights));
  if (page.frozen) [...d.data.map(data.button), hidden, epochs, batch, seed, again].forEach(page.needsRun);
  if (d.trains) card.append(data.element, fields);
  else card.append(el("p", { class: "soft", text: say("explore.yours") }));
  return card;
}

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
      el("span", { text: say("explore.control.lr"), data: { what: say("explore.what.lr") } }),
    ),
    list,
    add,
  );
}

// A rule with its learning rate: a slider over powers of ten, and the number.
function ruleRow(page, rule, k) {
  const { say, description: d, state } = page;
  const label = say("explore.control.lr_of", { rule: rule.name });
  const number = el("input", {
    type: "number",
    class: "lr",
    step: "any",
    min: d.limits.lr[0],
    max: d.limits.lr[1],
    value: rule.lr,
    "aria-label": label,
  });
  const slider = el("input", {
    type: "range",
    class: "lr-slider",
    min: -5,
    max: 1,
    step: 0.05,
    value: Math.log10(rule.lr || 1),
    "aria-label": label,
    data: { what: say("explore.what.lr") },
  });
  const set = (lr) => {
    rule.lr = Math.min(d.limits.lr[1], Math.max(d.limits.lr[0], lr));
    number.value = rule.lr;
    slider.value = Math.log10(rule.lr);
  };
  slider.addEventListener("input", () => {
    set(Number((10 ** Number(slider.value)).toPrecision(2)));
    page.retrain();
  });
  number.addEventListener("change", () => {
    set(Number(number.value) || d.rates[state.setup.data][rule.name]);
    page.retrain();
  });
  const remove = el("button", {
    type: "button",
    class: "quiet remove",
    text: "×",
    title: say("explore.control.remove", { rule: rule.name }),
    "aria-label": say("explore.control.remove", { rule: rule.name }),
  });
  remove.disabled = state.setup.rules.length === 1;
  remove.addEventListener("click", () => {
    state.setup.rules.splice(k, 1);
    page.fillRules();
    page.retrain();
  });
  number.disabled = slider.disabled = rule.lr === null;
  const fold = hyperFold(page, rule);
  const row = el(
    "div",
    { class: "rule", data: { rule: rule.name } },
    swatch(page.style(rule.name)),
    el("span", { class: "name", text: rule.name, title: rule.name }),
    slider,
    number,
    fold.button,
    remove,
  );
  if (page.frozen) for (const control of [slider, number, remove]) page.needsRun(control);
  return el("div", { class: "rule-block" }, row, fold.element);
}
