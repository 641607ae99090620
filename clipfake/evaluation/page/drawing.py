"""Plots as SVG: axes, lines, marks, bars and words; all colours are classes of the page's style.

A policy that lets no inline style be used lets these be drawn, and they follow light and dark.
"""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH = 480.0  # units of every plot; the style makes it as wide as its place
_TOP, _RIGHT, _BOTTOM = 24.0, 14.0, 40.0
_MARKS = {
    "circle": "M {x:.1f} {y:.1f} m -4 0 a 4 4 0 1 0 8 0 a 4 4 0 1 0 -8 0 z",
    "diamond": "M {x:.1f} {y:.1f} m 0 -5.5 l 5 5.5 l -5 5.5 l -5 -5.5 z",
    "triangle": "M {x:.1f} {y:.1f} m 0 -5 l 5 9 l -10 0 z",
}
_CHARACTER = 6.8  # units that one takes at most, for legends

Legend = Sequence[tuple[str, str, str]]


class Plot:
    """One plot, drawn part by part in the units of its data.

    Values beyond the ends are drawn at the ends.
    """

    def __init__(
        self,
        label: str,
        height: float,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        left: float = 48.0,
    ) -> None:
        """Begin with an empty plot.

        Args:
            label: what it shows, for those who do not see it.
            height: of the whole, SVG units.
            x: values at the left and right ends.
            y: values at the lower and upper ends; the first may be the higher.
            left: room for the words of the vertical axis, SVG units.
        """
        self._label, self._height, self._left = label, height, left
        self._x, self._y = x, y
        self._parts: list[Markup] = []

    def x(self, value: float) -> float:
        """Where a value lies, SVG units from the left."""
        share = (value - self._x[0]) / (self._x[1] - self._x[0])
        return self._left + min(max(share, 0.0), 1.0) * (WIDTH - _RIGHT - self._left)

    def y(self, value: float) -> float:
        """Where a value lies, SVG units from the top."""
        share = (value - self._y[0]) / (self._y[1] - self._y[0])
        ground = self._height - _BOTTOM
        return ground - min(max(share, 0.0), 1.0) * (ground - _TOP)

    def line(self, xs: Sequence[float], ys: Sequence[float], kind: str) -> None:
        """A line through points."""
        points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        self._add('<polyline class="line {}" points="{}"></polyline>', kind, points)

    def mark(self, x: float, y: float, shape: str, kind: str, title: str) -> None:
        """A mark at a point; its title is shown to who points at it."""
        self._mark(self.x(x), self.y(y), shape, kind, title)

    def bar(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        kind: str,
        title: str = "",
        **more: float,
    ) -> None:
        """A rectangle.

        Args:
            x: its ends.
            y: its ends, in either order.
            kind: of what.
            title: shown to who points at it; empty for none.
            more: ``opacity`` of its fill, 0..1.
        """
        (left, right), (top, low) = sorted(map(self.x, x)), sorted(map(self.y, y))
        self._add(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
            ' fill-opacity="{:.3g}">{}</rect>',
            *(kind, left, top, right - left, low - top, more.get("opacity", 1.0), _title(title)),
        )

    def words(self, x: float, y: float, text: str, anchor: str = "start", title: str = "") -> None:
        """A text at a place in SVG units; ``anchor`` is SVG's ``text-anchor``."""
        form = '<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}{}</text>'
        self._add(form, x, y, anchor, text, _title(title))

    def across(self, x: float, text: str) -> None:
        """A dashed line from top to ground at a value, with words above it."""
        at, ground = self.x(x), self._height - _BOTTOM
        form = '<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"></line>'
        self._add(form, at, _TOP - 4, ground)
        middle = (self._left + WIDTH) / 2
        self.words(at, _TOP - 8, text, "end" if at > middle else "start")

    def x_axis(self, ticks: Sequence[tuple[float, str]], title: str) -> None:
        """Ground line, ticks with words, and the axis' name."""
        ground = self._height - _BOTTOM
        self._rule(self._left, ground, WIDTH - _RIGHT, ground)
        for value, text in ticks:
            self._rule(self.x(value), ground, self.x(value), ground + 4)
            self.words(self.x(value), ground + 17, text, "middle")
        self.words((self._left + WIDTH - _RIGHT) / 2, self._height - 6, title, "middle")

    def y_axis(self, ticks: Sequence[tuple[float, str]], title: str = "") -> None:
        """Lines across at ticks, with words at the left, and the axis' name above."""
        for value, text in ticks:
            self._rule(self._left, self.y(value), WIDTH - _RIGHT, self.y(value))
            self.words(self._left - 6, self.y(value) + 4, text, "end")
        if title:
            self.words(0, 12, title)

    def row(self, y: float, name: str, title: str) -> None:
        """The name of a row, at its left."""
        self.words(self._left - 8, self.y(y) + 4, name, "end", title)

    def legend(self, items: Legend) -> None:
        """Marks with their meaning, above the plot: shape, kind and words of each."""
        at = 8.0
        for shape, kind, text in items:
            self._mark(at, 9.0, shape, kind, "")
            self.words(at + 9, 13, text)
            at += 26 + _CHARACTER * len(text)

    def svg(self) -> Markup:
        """The element."""
        return Markup(
            '<svg class="plot" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">\n{}\n</svg>'
        ).format(WIDTH, self._height, self._label, Markup("\n").join(self._parts))

    def _mark(self, x: float, y: float, shape: str, kind: str, title: str) -> None:
        path = _MARKS[shape].format(x=x, y=y)
        self._add('<path class="{}" d="{}">{}</path>', kind, path, _title(title))

    def _rule(self, x1: float, y1: float, x2: float, y2: float) -> None:
        form = '<line class="axis" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"></line>'
        self._add(form, x1, y1, x2, y2)

    def _add(self, form: str, *values: object) -> None:
        # forms are this module's own; format() escapes the values
        self._parts.append(Markup(form).format(*values))  # noqa: S704


def ticks(low: float, high: float, parts: int = 4) -> list[tuple[float, str]]:
    """Values at equal steps with their words."""
    values = [low + (high - low) * part / parts for part in range(parts + 1)]
    return [(value, f"{value:.3g}") for value in values]


def _title(text: str) -> Markup:
    return Markup("<title>{}</title>").format(text) if text else Markup("")
