// The card of the training on page 2: network and data.

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
  const seed = seedOf(state.setup.seed, change("seed"), say("explore.control.new_seed"));
  const fields = el(
    "div",
    { class: "fields" },
    labelled(say("explore.control.hidden"), hidden, say("explore.what.hidden"), { class: "wide" }),
    labelled(say("explore.control.epochs"), epochs, say("explore.what.epochs")),
    labelled(say("explore.control.batch"), batch, say("explore.what.batch")),
    labelled(say("explore.control.seed"), seed.element, say("explore.what.seed"), { class: "wide" }),
  );
  const weights = el("span", {
    class: "number weights",
    tabindex: 0,
    data: { what: say("explore.what.weights") },
  });
  page.show(
    () => (weights.textContent = say("explore.weights", { n: grouped(say, state.training.weights) })),
  );
  const card = el("div", { class: "card training" }, el("h2", {}, say("explore.card.network"), weights));
  if (page.frozen) [...d.data.map(data.button), hidden, epochs, batch, ...seed.parts].forEach(page.needsRun);
  if (d.trains) card.append(data.element, fields);
  else card.append(el("p", { class: "soft", text: say("explore.yours") }));
  return card;
}
