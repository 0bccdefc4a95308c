// Page 1: put together from its cards.

function mount(root, ask, description) {
  const page = makePage(root, ask, description);
  root.classList.add("landscape");
  const { say } = page;
  const columns = {
    left: [surfaceCard(page), rulesCard(page), settingsCard(page)],
    middle: [viewsCard(page), playerCard(page)],
    right: [curvesCard(page), stepCard(page)],
  };
  const texts = { title: say("landscape.title"), lead: say("landscape.lead"), rest: say("landscape.what.rest") };
  framePage(page, columns, texts, VIEWS, () => page.draw());
  page.changed();
}
