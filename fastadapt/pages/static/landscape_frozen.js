// A frozen page 1: answers looked up in the data of the file, and refusals where a run is needed.

function askFrozen(data) {
  const { scene, command } = data.description.frozen;
  const needsRun = () => {
    throw new Error(wordsOf(data.description.words)("common.needs_run", { command }));
  };
  const chosen = (answer, request) => {
    const names = Object.keys(request.rules);
    if (!answer || names.some((name) => !(name in answer.rules))) return needsRun();
    return { ...answer, rules: Object.fromEntries(names.map((name) => [name, answer.rules[name]])) };
  };
  // The paths from the nearest of the starts; what is alike for all starts is in the file once.
  const paths = (request) => {
    const distance = ([x, y]) => (x - request.start[0]) ** 2 + (y - request.start[1]) ** 2;
    const nearest = data.starts.reduce(
      (best, at, k) => (distance(at) < distance(data.starts[best]) ? k : best),
      0,
    );
    const found = chosen(data.paths[nearest], request);
    const rules = Object.entries(found.rules).map(([name, path]) => [
      name,
      { ...path, held: data.paths[0].rules[name] },
    ]);
    return { ...found, rules: Object.fromEntries(rules), start: data.starts[nearest] };
  };
  const answers = {
    field: () => data.field,
    paths,
    basins: (request) => chosen(data.basins, request),
    judge: (request) => chosen(data.judge, request),
    tune: (request) => chosen(data.tune, request),
  };
  return async (request) =>
    (request.surface === scene.surface && answers[request.do]?.(request)) || needsRun();
}
