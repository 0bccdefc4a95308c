// The card in which a surface is chosen, with its lesson and its parameter.

function surfaceCard(page) {
  const { say, state, description: d } = page;
  const names = Object.keys(d.surfaces).map((name) => [name, surfaceTitle(page, name)]);
  const select = selectOf(names, state.surface, page.setSurface, {
    class: "surface",
    "aria-label": say("landscape.card.surface"),
  });
  const lesson = el("p", { class: "lesson" });
  const parameter = el("div", { class: "parameter" });
  let [built, told] = [null, ""];
  const build = () => {
    built = state.surface;
    parameter.replaceChildren();
    parameter.hidden = !page.surface().parameter;
    if (!parameter.hidden) parameter.append(...parameterParts(page));
    lesson.textContent = told = lessonOf(page);
  };
  page.show(() => {
    select.value = state.surface;
    if (built !== state.surface || told !== lessonOf(page)) build();
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
  const kind = d.own.differences ? "landscape.lesson.own_differences" : "landscape.lesson.own_gradient";
  const gradient = d.own.tuned ? `${say(kind)} ${say("landscape.rates_found")}` : say(kind);
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
