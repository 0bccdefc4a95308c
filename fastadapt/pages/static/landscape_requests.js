// What page 1 asks Python for: only for the rules whose answers do not fit what is chosen now.

const JUDGE_AFTER = 350;
const BASINS_AFTER = 60;

function addRequests(page) {
  const { state, root } = page;
  page.waiting = 0;
  // Work during which the page counts as busy; what goes wrong in it is told at the top.
  page.working = async (work) => {
    page.waiting += 1;
    root.dataset.busy = "1";
    try {
      await work();
    } catch (error) {
      page.failed(error);
    } finally {
      page.waiting -= 1;
      page.draw();
    }
  };
  page.lacking = (kept, keyOf) => page.on().filter((name) => kept.get(name)?.key !== keyOf(name));
  addRates(page);
  addField(page);
  addPaths(page);
  addOverRules(page);
  page.changed = () => {
    page.problemLine.hidden = true;
    page.askField();
    if (page.unrated().length > 0) page.askRates();
    else page.askAll();
    page.draw();
  };
  page.askAll = () => {
    page.askPaths();
    page.judgeSoon();
    if (state.tab === "basins") page.basinsSoon();
  };
}

// On a reader's function each rule begins with the best of some learning rates: these come before all else.
function addRates(page) {
  const { state, ask } = page;
  page.unrated = () => (state.surface === "own" ? page.on().filter((name) => state.unrated.has(name)) : []);
  page.askRates = newestOnly(() => {
    const names = page.unrated();
    if (names.length === 0) return Promise.resolve();
    return page.working(async () => {
      let found = {};
      try {
        found = (await page.bar.follow(runJob(ask, page.request("rates", names), page.bar.told)))?.rules ?? {};
      } finally {
        for (const name of names) takeRate(page, name, found[name]);
        page.fillRules();
        page.changed();
      }
    });
  });
}

function takeRate({ state, description: d }, name, rate) {
  if (!state.unrated.delete(name) || !rate) return;
  d.own.tuned = true;
  const rates = state.surface === "own" ? state.rules[name].hyper : state.left.own.rates;
  if (state.surface === "own") rates.lr = rate;
  else rates[name] = rate;
}

function addField(page) {
  const { state, ask } = page;
  page.askField = newestOnly(() => {
    const key = page.fieldKey();
    if (state.field?.key === key) return Promise.resolve();
    return page.working(async () => {
      const surface = page.surface();
      const answer = await page.bar.follow(runJob(ask, page.request("field", []), page.bar.told));
      if (answer && key === page.fieldKey()) state.field = fieldOf(answer, surface, key);
    });
  });
}

function addPaths(page) {
  const { state, ask } = page;
  page.askPaths = newestOnly(() => {
    const names = page.lacking(state.paths, page.pathKey);
    if (names.length === 0) return Promise.resolve();
    return page.working(async () => {
      const [request, field] = [page.request("paths", names), page.fieldKey()];
      let keys = names.map(page.pathKey);
      const answer = await page.bar.follow(runJob(ask, request, page.bar.told));
      if (!answer) return;
      // A saved page answers with the nearest of the starts that were computed.
      if (answer.start && state.start === request.start) {
        state.start = answer.start;
        keys = names.map(page.pathKey);
      }
      names.forEach((name, k) => state.paths.set(name, pathOf(answer.rules[name], keys[k], field)));
    });
  });
}

// Jobs over all starts or all rates, rule by rule: what has come is shown while the rest is computed.
function addOverRules(page) {
  const { state, ask } = page;
  const over = (what, kept, keyOf, bar) => {
    const names = page.lacking(kept, keyOf);
    if (names.length === 0) return Promise.resolve();
    const keys = Object.fromEntries(names.map((name) => [name, keyOf(name)]));
    const take = (answer) => {
      for (const [name, found] of Object.entries(answer?.rules ?? {}))
        kept.set(name, { ...found, key: keys[name] });
      page.draw();
    };
    return page.working(async () => {
      const told = (look) => {
        bar.told(look);
        if (look.partial) take(look.partial);
      };
      try {
        take(await bar.follow(runJob(ask, page.request(what, names), told)));
      } catch (error) {
        take({ rules: Object.fromEntries(names.map((name) => [name, { error: error.message }])) });
        throw error;
      }
    });
  };
  const soon = (wait, work) => {
    let timer = 0;
    return () => {
      if (timer === 0) page.waiting += 1;
      page.root.dataset.busy = "1";
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = 0;
        page.waiting -= 1;
        work();
        page.draw();
      }, wait);
    };
  };
  page.bars = { judge: progressBar(page.say), basins: progressBar(page.say), tune: progressBar(page.say) };
  page.judgeSoon = soon(JUDGE_AFTER, () => over("judge", state.judged, page.basinsKey, page.bars.judge));
  page.basinsSoon = soon(BASINS_AFTER, () => over("basins", state.basins, page.basinsKey, page.bars.basins));
  page.askTune = () => over("tune", state.tuned, page.tunedKey, page.bars.tune);
}
