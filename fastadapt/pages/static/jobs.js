// Long work: started by a request, looked at until it ends, and stopped by a button.

const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

// Requests of one kind are sent one after another: by two connections the older can come last, and then its work takes the
// place of the newer one's.
const begins = new WeakMap();
function askInOrder(ask, request) {
  if (!begins.has(ask)) begins.set(ask, {});
  const kinds = begins.get(ask);
  const before = kinds[request.do] ?? Promise.resolve();
  kinds[request.do] = before.catch(() => {}).then(() => ask(request));
  return kinds[request.do];
}

// Asks for long work and waits for it. `told({share, doing, partial})` is called at each look.
// The promise is of the result, null where the job was stopped; `stop()` stops it.
function runJob(ask, request, told = () => {}) {
  let key = null;
  let stopped = false;
  const stop = () => {
    stopped = true;
    if (key) ask({ do: "stop", job: key }).catch(() => {});
  };
  const result = (async () => {
    const begun = await askInOrder(ask, request);
    if (!begun.job) return begun;
    key = begun.job;
    if (stopped) stop();
    let version = 0;
    for (let wait = 20; ; wait = Math.min(250, wait * 1.5)) {
      const look = await ask({ do: "look", job: key, version });
      version = look.version;
      if (look.state === "done") return look.result;
      if (look.state === "stopped") return null;
      if (look.state === "failed") throw new Error(look.error);
      told(look);
      await sleep(wait);
    }
  })();
  return { result, stop };
}

// A bar with what is being done and a button that stops it. `follow(job)` shows a job of runJob until it ends.
function progressBar(say) {
  const bar = el("progress", { max: 1, value: 0 });
  const doing = el("span", { class: "doing" });
  const button = el("button", { class: "quiet", type: "button", text: say("common.stop") });
  const line = el("div", { class: "progress", role: "status", hidden: true }, bar, doing, button);
  let current = null;
  let timer = 0;
  button.addEventListener("click", () => current?.stop());
  return {
    element: line,
    told(look) {
      bar.value = look.share;
      doing.textContent = look.doing;
    },
    async follow(job) {
      current = job;
      bar.value = 0;
      doing.textContent = "";
      clearTimeout(timer);
      // What is over at once need not flicker.
      timer = setTimeout(() => (line.hidden = current === null), 150);
      try {
        return await job.result;
      } finally {
        if (current === job) {
          current = null;
          clearTimeout(timer);
          line.hidden = true;
        }
      }
    },
  };
}
