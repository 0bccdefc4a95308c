// The weights at a point: losses, accuracy, and what the network says about sixteen images, or about the plane.

const classColours = ["#2f7fc1", "#e08214", "#1a9a70"];

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

function predictionsOf(root, found, say) {
  if (found.kind === "images")
    return el(
      "div",
      { class: "images" },
      found.images.map((image) => imageOf(root, image, say)),
    );
  if (found.kind === "map")
    return el("div", { class: "map", data: { what: say("explore.what.map") } }, mapOf(root, found));
  if (found.kind === "text")
    return el(
      "div",
      {},
      found.lines.map((line) => el("p", { class: "mono", text: line })),
    );
  return el("p", { class: "soft", text: say("explore.point.no_predictions") });
}

function imageOf(root, image, say) {
  const canvas = el("canvas", { width: 8, height: 8 });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(8, 8);
  image.pixels.flat().forEach((value, k) => {
    const grey = themeOf(root) === "dark" ? 28 + value * 14 : 255 - value * 14;
    pixels.data.set([grey, grey, grey, 255], 4 * k);
  });
  context.putImageData(pixels, 0, 0);
  const right = image.says === image.label;
  const what = say(right ? "explore.what.image" : "explore.what.image_wrong", {
    label: image.label,
    says: image.says,
    sure: percent(image.sure),
  });
  return el(
    "div",
    { class: right ? "image" : "image wrong", tabindex: 0, data: { what } },
    canvas,
    el("span", { text: String(image.says) }),
  );
}

// What the network says everywhere in the plane of the spirals, paler where it is less sure, and the test's points.
function mapOf(root, found) {
  const cells = found.says.length;
  const size = 6;
  const canvas = el("canvas", { width: cells * size, height: cells * size });
  const context = canvas.getContext("2d");
  found.says.forEach((row, j) =>
    row.forEach((says, i) => {
      context.globalAlpha = 0.15 + 0.4 * Math.max(0, (found.sure[j][i] - 1 / 3) * 1.5);
      context.fillStyle = classColours[says % 3];
      context.fillRect(i * size, (cells - 1 - j) * size, size, size);
    }),
  );
  context.globalAlpha = 1;
  const place = (value) => ((value + found.reach) / (2 * found.reach)) * cells * size;
  found.points.forEach(([x, y], k) => {
    context.fillStyle = classColours[found.labels[k] % 3];
    context.beginPath();
    context.arc(place(x), cells * size - place(y), 2.4, 0, 7);
    context.fill();
  });
  return canvas;
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
    lr.value = used ? used.lr : (d.rates[data()][rule.value] ?? "");
    lr.disabled = page.frozen || d.rates[data()][rule.value] === null;
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
