"""A page that a test looks at and acts on."""

PATIENCE = 60_000
"""Milliseconds: WebGL is drawn in software, and machines are busy."""


class Watched:
    """A page, with every request to elsewhere and every error that it ran into in `wrong`."""

    def __init__(self, page, home):
        self.page, self.wrong = page, []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        own = (home, "blob:", "data:")
        page.on("request", lambda request: request.url.startswith(own) or self.wrong.append(request.url))

    def ready(self):
        """Wait until all that was asked for is drawn."""
        self.page.wait_for_selector(".fastadapt[data-drawn]:not([data-busy])")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def drawn(self):
        """What is drawn, as the page names it."""
        return self.page.get_attribute(".fastadapt", "data-drawn")

    def changed(self, act):
        """Do something that draws anew, and wait for that."""
        before = self.drawn()
        act()
        try:
            self.page.wait_for_selector(f".fastadapt:not([data-drawn='{before}']):not([data-busy])")
        except Exception as error:
            shown = self.page.evaluate("() => ({...document.querySelector('.fastadapt').dataset})")
            raise AssertionError(f"nothing else was drawn: {shown}, {self.text('.problem')!r}, {self.wrong}") from error
        self.ready()
        return self.drawn()

    def text(self, selector):
        """The text of the first element of a selector."""
        return self.page.locator(selector).first.text_content()

    def plot(self, what, selector=".plot.contour"):
        """What a JavaScript expression of `plot` is."""
        return self.page.evaluate(f"() => {{ const plot = document.querySelector('{selector}'); return {what}; }}")

    def click_at(self, a, b, selector=".plot.contour"):
        """Click where these coordinates of the plot are; the width of a pixel in them."""
        box = self.page.locator(selector).bounding_box()
        at = self.plot(
            "(() => { const {xaxis, yaxis} = plot._fullLayout; return [xaxis._offset, xaxis._length, ...xaxis.range, "
            "yaxis._offset, yaxis._length, ...yaxis.range]; })()",
            selector,
        )
        x = box["x"] + at[0] + at[1] * (a - at[2]) / (at[3] - at[2])
        y = box["y"] + at[4] + at[5] * (1 - (b - at[6]) / (at[7] - at[6]))
        # Of two clicks within 300 ms, Plotly takes the second for a double click, wherever it is.
        self.page.wait_for_timeout(400)
        self.page.mouse.click(round(x), round(y))
        return (at[3] - at[2]) / at[1]
