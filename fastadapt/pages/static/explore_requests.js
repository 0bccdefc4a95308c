// What page 2 asks Python for.

const RETRAIN = 250;

// What is asked of Python. Only the newest view counts; an older one that is still on its way is dropped.
function addRequests(page) {
  const { state, ask } = page;
  let serial = 0;
  let timer = 0;
  page.replane = async (side) => {
    serial += 1;
    const mine = serial;
    page.problemLine.hidden = true;
    page.root.dataset.busy = "1";
    const asked = structuredClone({ setup: state.setup, spec: state.spec });
    const have = [state.training?.key, state.plane?.key].filter(Boolean);
    const request = {
      do: "view",
      setup: asked.setup,
      plane: asked.spec,
      side: side ?? page.description.stages.at(-1),
      have,
    };
    const current = (answer) => mine === serial && answer && page.take(answer, asked);
    try {
      const job = runJob(ask, request, (look) => {
        if (mine !== serial) return;
        page.bar.told(look);
        current(look.partial);
      });
      current(await page.bar.follow(job));
    } catch (error) {
      if (mine === serial) page.failed(error);
    }
    if (mine === serial) delete page.root.dataset.busy;
  };
  page.retrain = () => {
    clearTimeout(timer);
    state.setup.branches = [];
    state.spec = {
      ...state.spec,
      centre: null,
      zoom: 1,
      pair: [0, Math.min(1, state.setup.rules.length - 1)],
    };
    timer = setTimeout(page.replane, RETRAIN);
    page.root.dataset.busy = "1";
  };
  page.askPoint = newestOnly(async () => {
    const { at, path } = state.picked;
    const where = at ? { at } : { path, index: reached(state.training.paths[path], state.step) - 1 };
    try {
      state.point = await ask({
        do: "point",
        setup: state.shown.setup,
        plane: at ? state.picked.spec : state.shown.spec,
        ...where,
      });
      // A saved page answers with the nearest of its points.
      if (at && state.point.at) {
        state.picked.at = state.point.at;
        page.draw();
      }
      page.drawPoint();
    } catch (error) {
      page.failed(error);
    }
  });
  page.askCuts = async () => {
    if (
      state.cuts &&
      state.cuts.length === state.training.paths.length &&
      state.cutsOf === state.training.key
    )
      return page.draw();
    const key = state.training.key;
    const took = (answer) => {
      if (!answer || key !== state.training.key) return;
      state.cuts = answer.cuts;
      state.cutsOf = key;
      page.draw();
    };
    try {
      took(
        await page.bar.follow(
          runJob(ask, { do: "cuts", setup: state.shown.setup }, (look) => {
            page.bar.told(look);
            took(look.partial);
          }),
        ),
      );
    } catch (error) {
      page.failed(error);
    }
  };
}
