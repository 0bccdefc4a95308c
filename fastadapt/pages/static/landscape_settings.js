// The card of what a descent depends on besides the surface and the rules.

function settingsCard(page) {
  const { say, state } = page;
  const what = (name) => say(`landscape.what.${name}`);
  const text = (name) => say(`landscape.control.${name}`);
  const set = (name) => (value) => page.setSetting(name, value);
  const whole = (name, least, most) =>
    wholeOf(state.settings[name], least, most, set(name), { class: name, "aria-label": text(name) });
  const [steps, points] = [whole("steps", 1, 5000), whole("points", 2, 500)];
  const about = { "aria-label": text("seed") };
  const seed = seedOf(state.settings.seed, set("seed"), text("new_seed"), about);
  const noise = sliderOf(scales.log(0.01, 100), state.settings.noise, set("noise"), {
    label: text("noise"),
    name: "noise",
    what: what("noise"),
    least: 0,
    most: 1e6,
  });
  const batch = batchField(page, text("batch"), what("batch"));
  const place = startFields(page);
  const line = [labelled(text("points"), points, what("points")), batch.element];
  page.show(() => {
    for (const part of line) part.hidden = !page.surface().line;
    batch.refresh();
    place.refresh();
  });
  if (page.frozen) [steps, points, ...seed.parts, ...noise.parts, ...batch.parts].forEach(page.needsRun);
  return el(
    "div",
    { class: "card settings" },
    el(
      "div",
      { class: "fields" },
      line,
      place.elements,
      labelled(text("steps"), steps, what("steps")),
      labelled(text("seed"), seed.element, what("seed")),
      labelled(text("noise"), el("span", { class: "row" }, noise.parts), what("noise"), { class: "wide" }),
    ),
  );
}

// The batch of the line fit: a slider from one point to all of them.
function batchField(page, label, what) {
  const { state, say } = page;
  const slider = el("input", {
    type: "range",
    class: "batch",
    min: 1,
    step: 1,
    "aria-label": label,
    data: { what },
  });
  const told = el("b", { class: "batch-at" });
  const refresh = () => {
    const { points, batch } = state.settings;
    slider.max = points;
    slider.value = batch > 0 ? Math.min(batch, points) : points;
    told.textContent =
      Number(slider.value) >= points ? say("landscape.batch_all", { n: points }) : slider.value;
  };
  slider.addEventListener("input", () => {
    const chosen = Number(slider.value);
    page.setSetting("batch", chosen >= state.settings.points ? 0 : chosen);
  });
  refresh();
  return {
    element: labelled(label, el("span", { class: "row" }, slider, told), what),
    refresh,
    parts: [slider],
  };
}

// The start as two numbers, for who does not click.
function startFields(page) {
  const { state, say } = page;
  const inputs = ["x", "y"].map((name, k) => {
    const label = say("landscape.control.start", { axis: name });
    const input = el("input", { type: "number", step: "any", class: `start-${name}`, "aria-label": label });
    input.addEventListener("change", () => {
      const at = [...state.start];
      const [low, high] = page.surface()[name];
      at[k] = input.value === "" ? at[k] : Math.min(high, Math.max(low, Number(input.value)));
      page.setStart(at);
    });
    return input;
  });
  const elements = inputs.map((input, k) => {
    const text = el("span", { class: "axis-name" });
    return el("label", { data: { what: say("landscape.what.start"), axis: k } }, text, input);
  });
  const refresh = () =>
    inputs.forEach((input, k) => {
      const axis = axisName({ box: page.surface() }, say, ["x", "y"][k]);
      elements[k].firstChild.textContent = say("landscape.control.start", { axis });
      if (document.activeElement !== input) input.value = Number(state.start[k].toPrecision(4));
    });
  return { elements, refresh };
}
