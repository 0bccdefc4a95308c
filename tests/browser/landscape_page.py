"""Page 1 as its tests look at it: where points are on the screen, and what the paths are."""

import json
import re

import numpy as np

RULES = ["SGD", "Adam"]
CONTOUR = ".plot.contour .ground"


class LandscapePage:
    """A watched page 1, and what it asked Python for."""

    def __init__(self, watched):
        self.watched, self.page, self.asked = watched, watched.page, []
        self.changed, self.ready, self.text = watched.changed, watched.ready, watched.text
        self.page.on("request", lambda request: request.method == "POST" and self.asked.append(request.post_data))

    def fresh(self):
        """The page as it is at first."""
        self.page.reload()
        self.ready()
        self.asked.clear()
        return self

    def requests(self, what):
        """For each request of a kind the rules that it is for."""
        return [list(each["rules"]) for each in map(json.loads, self.asked) if each["do"] == what]

    def plot(self, what, selector=CONTOUR):
        """What a JavaScript expression of `plot` is."""
        return self.watched.plot(what, selector)

    def axes(self, selector=CONTOUR):
        """Of Plotly's own axes: where they begin on the screen, their lengths, and their ranges."""
        box = self.page.locator(selector).bounding_box()
        axis = "[plot._fullLayout.{0}axis._offset, plot._fullLayout.{0}axis._length, ...plot._fullLayout.{0}axis.range]"
        x, y = (self.plot(axis.format(name), selector) for name in "xy")
        return (box["x"] + x[0], *x[1:]), (box["y"] + y[0], *y[1:])

    def pixel(self, at, selector=CONTOUR):
        """Where a point is on the screen."""
        (left, width, *x), (top, height, *y) = self.axes(selector)
        across, up = (at[0] - x[0]) / (x[1] - x[0]), (at[1] - y[0]) / (y[1] - y[0])
        return left + width * across, top + height * (1 - up)

    def path(self, rule, kind="pale"):
        """The points of a path as it is drawn, in the coordinates of the surface."""
        drawn = self.page.locator(f".plot.contour .over .{kind}[data-rule='{rule}']").get_attribute("d") or ""
        points = np.array([float(number) for number in re.findall(r"-?[\d.]+", drawn)]).reshape(-1, 2)
        (left, width, *x), (top, height, *y) = self.axes()
        box = self.page.locator(".plot.contour .over").bounding_box()
        points += [box["x"] - left, box["y"] - top]
        return np.array([x[0], y[1]]) + points * [(x[1] - x[0]) / width, (y[0] - y[1]) / height]

    def start(self):
        """The start that the page has."""
        return [float(part) for part in self.page.get_attribute(".fastadapt", "data-start").split()]

    def judge(self, rule, column):
        """What the table says of a rule."""
        return number_text(self.text(f".judge tr[data-rule='{rule}'] .{column}"))

    def rows(self):
        """The rules in the table."""
        return self.page.locator(".judge tbody tr").evaluate_all("rows => rows.map((row) => row.dataset.rule)")

    def enter(self, selector, value):
        """Write a number into a field, and wait for what comes of it."""
        self.page.fill(selector, str(value))
        self.changed(lambda: self.page.locator(selector).press("Tab"))

    def rate(self, rule, value):
        """Write a learning rate."""
        self.enter(f".rule[data-rule='{rule}'] .number-of.lr", value)


def number_text(text):
    """A number of the page as Python writes it."""
    return text.replace("\u2212", "-")


def himmelblau(p):
    """Value and gradient, written once more."""
    a, b = p[0] ** 2 + p[1] - 11, p[0] + p[1] ** 2 - 7
    return a * a + b * b, np.array([4 * p[0] * a + 2 * b, 2 * a + 4 * p[1] * b])


def descended(rule, steps, start=(-0.6, -1.0), **hyper):
    """A rule's points on Himmelblau's function, and the optimizer."""
    p = np.array(start)
    opt, points = rule(p, **hyper), [p.copy()]
    for _ in range(steps):
        opt.step(himmelblau(p)[1])
        points.append(p.copy())
    return np.array(points), opt
