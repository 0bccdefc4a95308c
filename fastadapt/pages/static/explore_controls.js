// The controls on the left of page 2: the training, the rules, and the plane.

function trainingCard(page) {
  const { say, description: d, state } = page;
  const change = (name) => (value) => {
    state.setup[name] = value;
    page.retrain();
  };
  const data = switchOf(d.data.map((name) => [name, say(`explore.data.${name}`), say(`explore.what.data_${name}`)]), state.setup.data, (name) => {
    Object.assign(state.setup, { data: name, epochs: d.epochs[name] });
    epochs.value = state.setup.epochs;
    state.setup.rules = state.setup.rules.map((rule) => ({ name: rule.name, lr: d.rates[name][rule.name] }));
    page.fillRules();
    page.retrain();
  }, { class: "whole data", label: say("explore.control.data") });
  const widths = d.hidden.map((hidden) => [hidden.join(","), hidden.join(" – ")]);
  const hidden = selectOf(widths, state.setup.hidden.join(","), (text) => change("hidden")(text.split(",").map(Number)), { class: "hidden" });
  const epochs = wholeOf(state.setup.epochs, 1, d.limits.epochs, change("epochs"), { class: "epochs" });
  const batch = wholeOf(state.setup.batch, 8, 2048, change("batch"), { class: "batch" });
  const seed = wholeOf(state.setup.seed, 0, 4294967295, change("seed"), { class: "seed" });
  const again = el("button", { type: "button", class: "new-seed", text: "↻", title: say("explore.control.new_seed"), "aria-label": say("explore.control.new_seed") });
  again.addEventListener("click", () => {
    seed.value = (state.setup.seed + 1) % 4294967296;
    change("seed")(Number(seed.value));
  });
  const fields = el("div", { class: "fields" },
    labelled(say("explore.control.hidden"), hidden, say("explore.what.hidden"), { class: "wide" }),
    labelled(say("explore.control.epochs"), epochs, say("explore.what.epochs")), labelled(say("explore.control.batch"), batch, say("explore.what.batch")),
    labelled(say("explore.control.seed"), el("span", { class: "row" }, seed, again), say("explore.what.seed"), { class: "wide" }));
  const weights = el("span", { class: "number weights", tabindex: 0, data: { what: say("explore.what.weights") } });
  page.show(() => (weights.textContent = say("explore.weights", { n: state.training.weights.toLocaleString("en") })));
  const card = el("div", { class: "card training" }, el("h2", {}, say("explore.card.network"), weights));
  if (page.frozen) [...d.data.map(data.button), hidden, epochs, batch, seed, again].forEach(page.needsRun);
  if (d.trains) card.append(data.element, fields);
  else card.append(el("p", { class: "soft", text: say("explore.yours") }));
  return card;
}

function rulesCard(page) {
  const { say, description: d, state } = page;
  const list = el("div", { class: "rules" });
  const add = selectOf([], "", (name) => {
    state.setup.rules.push({ name, lr: d.rates[state.setup.data][name] });
    page.fillRules();
    page.retrain();
  }, { class: "add", "aria-label": say("explore.control.add") });
  page.fillRules = () => {
    list.replaceChildren(...state.setup.rules.map((rule, k) => ruleRow(page, rule, k)));
    const names = new Set(state.setup.rules.map((rule) => rule.name));
    const others = d.rules.filter((name) => !names.has(name));
    fillSelect(add, [["", say("explore.control.add")], ...others.map((name) => [name, name])], "");
    add.disabled = page.frozen || state.setup.rules.length >= d.limits.rules;
  };
  page.fillRules();
  return el("div", { class: "card rules-card", hidden: !d.trains }, el("h2", {}, say("explore.card.rules"), el("span", { text: say("explore.control.lr"), data: { what: say("explore.what.lr") } })), list, add);
}

// A rule with its learning rate: a slider over powers of ten, and the number.
function ruleRow(page, rule, k) {
  const { say, description: d, state } = page;
  const label = say("explore.control.lr_of", { rule: rule.name });
  const number = el("input", { type: "number", class: "lr", step: "any", min: d.limits.lr[0], max: d.limits.lr[1], value: rule.lr, "aria-label": label });
  const slider = el("input", { type: "range", class: "lr-slider", min: -5, max: 1, step: 0.05, value: Math.log10(rule.lr || 1), "aria-label": label, data: { what: say("explore.what.lr") } });
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
  const remove = el("button", { type: "button", class: "quiet remove", text: "×", title: say("explore.control.remove", { rule: rule.name }), "aria-label": say("explore.control.remove", { rule: rule.name }) });
  remove.disabled = state.setup.rules.length === 1;
  remove.addEventListener("click", () => {
    state.setup.rules.splice(k, 1);
    page.fillRules();
    page.retrain();
  });
  number.disabled = slider.disabled = rule.lr === null;
  const row = el("div", { class: "rule", data: { rule: rule.name } }, swatch(page.style(rule.name)), el("span", { class: "name", text: rule.name, title: rule.name }), slider, number, remove);
  if (page.frozen) for (const control of [slider, number, remove]) control.disabled = true;
  return row;
}

function planeCard(page) {
  const { say, description: d, state } = page;
  const kinds = d.kinds.map((kind) => [kind, say(`explore.plane.${kind}`)]);
  const about = el("p", { class: "soft about" });
  const kind = selectOf(kinds, state.plane_.kind, (value) => {
    state.plane_ = { ...state.plane_, kind: value, centre: null, zoom: 1 };
    page.replane();
  }, { class: "kind", "aria-label": say("explore.card.plane") });
  const reseed = el("button", { type: "button", class: "directions", text: say("explore.control.directions") });
  reseed.addEventListener("click", () => {
    state.plane_.seed += 1;
    page.replane();
  });
  const pair = [0, 1].map((n) => selectOf([], "", (value) => {
    state.plane_.pair = state.plane_.pair.map((k, m) => (m === n ? Number(value) : k));
    page.replane();
  }, { class: `pair-${n}`, "aria-label": say("explore.control.pair") }));
  const pairs = el("div", { class: "row pairs" }, pair);
  const share = el("b", { class: "number share", tabindex: 0 });
  page.show(() => {
    const paths = basePaths(state).map((path, k) => [String(k), path.name]);
    pair.forEach((select, n) => fillSelect(select, paths, String(state.plane_.pair[n])));
    pairs.hidden = state.plane_.kind !== "own" || d.can.directions || paths.length < 2;
    reseed.hidden = state.plane_.kind !== "random";
    about.textContent = say(`explore.about.${state.plane_.kind}`);
    kind.value = state.plane_.kind;
    for (const option of kind.options) if (option.value === "own") option.disabled = paths.length < 2 && !d.can.directions;
    share.textContent = state.plane.share < 0 ? say("explore.share_none") : percent(state.plane.share);
    share.dataset.what = say("explore.what.share", { gone: percent(state.plane.share_gone) });
  });
  if (page.frozen) [reseed, ...pair].forEach((control) => page.needsRun(control));
  return el("div", { class: "card plane-card" }, el("h2", {}, say("explore.card.plane"), el("span", {}, say("explore.share"), " ", share)), kind, pairs, reseed, about, centreControls(page), zoomControls(page));
}

const basePaths = (state) => state.training.paths.slice(0, state.training.paths.length - state.setup.branches.length);

// The plane goes through the start, or is moved to the weights of a path at the end of an epoch.
function centreControls(page) {
  const { say, state } = page;
  const slider = el("input", { type: "range", class: "centre-epoch", min: 0, max: 1, step: 1, value: 0, "aria-label": say("explore.control.centre_epoch") });
  const which = selectOf([], "", (value) => {
    state.plane_.centre = value === "" ? null : [Number(value), Number(slider.value)];
    page.replane();
  }, { class: "centre", "aria-label": say("explore.control.centre") });
  const told = el("span", { class: "at" });
  const epochs = () => Math.round(Math.max(...basePaths(state).map((path) => path.steps[path.steps.length - 1] / path.epoch)));
  const write = () => (told.textContent = state.plane_.centre ? say(page.unit("at"), { n: slider.value }) : "");
  const moved = (side) => () => {
    if (state.plane_.centre) state.plane_.centre = [state.plane_.centre[0], Number(slider.value)];
    write();
    page.replane(side);
  };
  slider.addEventListener("input", moved(page.description.stages[1]));
  slider.addEventListener("change", moved());
  page.show(() => {
    const start = say(`explore.centre.${state.plane_.kind === "pca" ? "mean" : state.plane_.kind === "random" ? "end" : "start"}`, { rule: basePaths(state)[0].name });
    fillSelect(which, [["", start], ...basePaths(state).map((path, k) => [String(k), say("explore.centre.path", { rule: path.name })])], state.plane_.centre ? String(state.plane_.centre[0]) : "");
    const between = page.frozen ? state.frozenEpochs : 1;
    slider.max = between * Math.floor(epochs() / between);
    slider.disabled = !state.plane_.centre;
    if (page.frozen) which.disabled = state.plane_.kind !== "honest";
    if (!state.plane_.centre) slider.value = slider.max;
    slider.step = between;
    write();
  });
  return el("div", { class: "field" }, labelled(say("explore.control.centre"), which, say("explore.what.centre"), { class: "field" }), el("span", { class: "row" }, slider, told));
}

function zoomControls(page) {
  const { say, description: d, state } = page;
  const button = (name, text, act) => {
    const made = el("button", { type: "button", class: name, text, title: say(`explore.control.${name}`), "aria-label": say(`explore.control.${name}`), data: { what: say("explore.what.zoom") } });
    made.addEventListener("click", act);
    return made;
  };
  const zoom = (step) => () => {
    const at = d.zooms.indexOf(state.plane_.zoom) + step;
    if (at < 0 || at >= d.zooms.length) return;
    const around = step > 0 ? page.shownPoint() : state.plane_.around;
    state.plane_ = { ...state.plane_, zoom: d.zooms[at], around };
    page.replane();
  };
  const buttons = [button("zoom_in", "+", zoom(1)), button("zoom_out", "−", zoom(-1)), button("zoom_all", "1 : 1", () => {
    state.plane_ = { ...state.plane_, zoom: 1 };
    page.replane();
  })];
  const told = el("span", { class: "soft zoom-told" });
  page.show(() => {
    told.textContent = say("explore.zoomed", { n: state.plane_.zoom });
    buttons[0].disabled = page.frozen || state.plane_.zoom === d.zooms[d.zooms.length - 1];
    buttons[1].disabled = buttons[2].disabled = page.frozen || state.plane_.zoom === 1;
  });
  if (page.frozen) buttons.forEach((made) => page.needsRun(made));
  return el("div", { class: "row zoom" }, buttons, told);
}
