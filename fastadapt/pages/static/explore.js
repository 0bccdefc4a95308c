// Page 2: put together from its cards.

function mount(root, ask, description) {
  const page = makePage(root, ask, description);
  root.classList.add("explore");
  const { say } = page;
  const columns = {
    left: [trainingCard(page), rulesCard(page), planeCard(page)],
    middle: [viewsCard(page), playerCard(page)],
    right: [besideCard(page), pointCard(page)],
  };
  const texts = { title: say("explore.title"), lead: say("explore.lead"), rest: say("explore.what.rest") };
  framePage(page, columns, texts, VIEWS, () => {
    page.draw();
    page.drawPoint();
  });
  page.replane();
}
