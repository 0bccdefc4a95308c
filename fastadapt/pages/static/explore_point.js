// The card of a point: losses, accuracy and predictions of the weights there, and training that begins there.

// A number with a line that says what it is.
function fact(text, value, what) {
  return el("span", { class: "fact", tabindex: 0, data: { what } }, el("b", { text: value }), text);
}

function pointFacts({ values: point }, say) {
  const facts = [fact(say("explore.point.loss"), shown(point.loss, 3), say("explore.what.loss"))];
  if (point.error !== null)
    facts.push(fact(say("explore.point.accuracy"), percent(1 - point.error), say("explore.what.accuracy")));
  if (point.test_loss !== null)
    facts.push(
      fact(say("explore.point.test_loss"), shown(point.test_loss, 3), say("explore.what.test_loss")),
    );
  if (point.test_error !== null)
    facts.push(
      fact(
        say("explore.point.test_accuracy"),
        percent(1 - point.test_error),
        say("explore.what.test_accuracy"),
      ),
    );
  return el("div", { class: "facts" }, facts);
}

function pointCard(page) {
  const { root, say, state, description: d } = page;
  const heading = el("span", {});
  const body = el("div", { class: "body" });
  page.drawPoint = () => {
    if (!state.point) return;
    const at = state.picked.at;
    heading.textContent = at
      ? say("explore.point.clicked", { a: shown(at[0], 3), b: shown(at[1], 3) })
      : say("explore.point.path", { rule: pathName(state, say, state.picked.path) });
    body.replaceChildren(pointFacts(state.point, say), predictionsOf(root, state.point.predictions, say));
    root.dataset.point = at ? at.join(" ") : `path ${state.picked.path} ${state.step}`;
  };
  return el(
    "div",
    { class: "card point" },
    el("h2", {}, heading),
    body,
    d.can.train ? branchControls(page) : el("p", { class: "soft", text: say("explore.no_grad") }),
  );
}

// "Train from here": real steps in all weights, from the plane's point that was clicked, or is below the path.
function branchControls(page) {
  const { say, state, description: d } = page;
  const data = () => (d.trains ? state.setup.data : "yours");
  const lr = el("input", {
    type: "number",
    class: "branch-lr",
    step: "any",
    min: d.limits.lr[0],
    max: d.limits.lr[1],
    "aria-label": say("common.lr"),
    data: { what: say("explore.what.lr") },
  });
  const rule = selectOf(
    d.rules.map((name) => [name, name]),
    "Adam",
    () => fill(),
    { class: "branch-rule", "aria-label": say("explore.control.branch_rule") },
  );
  const fill = () => {
    const used = state.setup.rules.find((each) => each.name === rule.value);
    lr.value = used ? used.lr : d.rates[data()][rule.value];
    lr.disabled = page.frozen;
  };
  const train = el("button", {
    type: "button",
    class: "main train-here",
    text: say("explore.control.train_here"),
    data: { what: say("explore.what.train_here") },
  });
  const clear = el("button", { type: "button", class: "quiet clear", text: say("explore.control.clear") });
  train.addEventListener("click", () => {
    const epochs = d.trains ? state.setup.epochs : Math.max(1, state.steps.at(-1));
    const plane = state.picked.at ? state.picked.spec : state.shown.spec;
    state.setup.branches.push({
      rule: rule.value,
      lr: Number(lr.value) || undefined,
      hyper: state.setup.rules.find((each) => each.name === rule.value)?.hyper ?? {},
      epochs: Math.min(epochs, d.limits.epochs),
      plane,
      at: page.shownPoint(),
    });
    page.replane();
  });
  clear.addEventListener("click", () => {
    state.setup.branches = [];
    state.picked = { at: null, path: null };
    page.replane();
  });
  page.show(() => {
    clear.hidden = state.setup.branches.length === 0;
    train.disabled = page.frozen || state.setup.branches.length >= d.limits.branches;
    if (document.activeElement !== lr) fill();
  });
  if (page.frozen) [train, rule].forEach((control) => page.needsRun(control));
  return el("div", { class: "row branch" }, train, rule, lr, clear);
}
