// The cards of the surface, and of what a descent on it depends on besides the rules.

function surfaceCard(page) {
  const { say, state, description: d } = page;
  const names = Object.keys(d.surfaces).map((name) => [name, surfaceTitle(page, name)]);
  const select = selectOf(names, state.surface, page.setSurface, {
    class: "surface",
    "aria-label": say("landscape.card.surface"),
  });
  const lesson = el("p", { class: "lesson" });
  const parameter = el("div", { class: "parameter" });
  let built = null;
  const build = () => {
    built = state.surface;
    parameter.replaceChildren();
    parameter.hidden = !page.surface().parameter;
    if (!parameter.hidden) parameter.append(...parameterParts(page));
    lesson.textContent = lessonOf(page);
  };
  page.show(() => {
    select.value = state.surface;
    if (built !== state.surface) build();
  });
  build();
  if (page.frozen) page.needsRun(select);
  return el(
    "div",
    { class: "card surface-card" },
    el("h2", { text: say("landscape.card.surface") }),
    select,
    lesson,
    parameter,
  );
}

const surfaceTitle = (page, name) =>
  name === "own"
    ? page.say("landscape.surface.own", { name: page.description.own.name })
    : page.say(`landscape.surface.${name}`);

// What a surface teaches; of a reader's function, how its gradient comes about.
function lessonOf(page) {
  const { say, state, description: d } = page;
  if (state.surface !== "own") return say(`landscape.lesson.${state.surface}`);
  const gradient = say(
    d.own.differences ? "landscape.lesson.own_differences" : "landscape.lesson.own_gradient",
  );
  return d.own.why ? `${gradient} ${say("landscape.not_compiled", { why: d.own.why })}` : gradient;
}

function parameterParts(page) {
  const { say, state } = page;
  const { least, most, log } = page.surface().parameter;
  const label = say(`landscape.parameter.${state.surface}`);
  const scale = log ? scales.powers(least, most) : scales.linear(least, most);
  const control = sliderOf(scale, state.parameter, page.setParameter, {
    label,
    name: "parameter-of",
    what: say(`landscape.what.parameter_${state.surface}`),
    least,
    most,
  });
  if (page.frozen) control.parts.forEach(page.needsRun);
  return [el("span", { class: "soft", text: label }), ...control.parts];
}

function settingsCard(page) {
  const { say, state } = page;
  const what = (name) => say(`landscape.what.${name}`);
  const text = (name) => say(`landscape.control.${name}`);
  const set = (name) => (value) => page.setSetting(name, value);
  const whole = (name, least, most) =>
    wholeOf(state.settings[name], least, most, set(name), { class: name, "aria-label": text(name) });
  const [steps, seed, points] = [
    whole("steps", 1, 5000),
    whole("seed", 0, 4294967295),
    whole("points", 2, 500),
  ];
  const again = el("button", {
    type: "button",
    class: "new-seed",
    text: "↻",
    title: text("new_seed"),
    "aria-label": text("new_seed"),
  });
  again.addEventListener("click", () => {
    seed.value = (state.settings.seed + 1) % 4294967296;
    page.setSetting("seed", Number(seed.value));
  });
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
  if (page.frozen) [steps, seed, again, points, ...noise.parts, ...batch.parts].forEach(page.needsRun);
  return el(
    "div",
    { class: "card settings" },
    el(
      "div",
      { class: "fields" },
      line,
      place.elements,
      labelled(text("steps"), steps, what("steps")),
      labelled(text("seed"), el("span", { class: "row" }, seed, again), what("seed")),
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
