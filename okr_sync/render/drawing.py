"""A chart as the coordinates and words of an SVG picture; the template draws it."""

from __future__ import annotations

from dataclasses import dataclass

from okr_sync.core.charts import Break, Chart, Spot
from okr_sync.core.report import KeyResultRow
from okr_sync.render import words

WIDTH, HEIGHT = 320, 132  # units of the viewBox
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 12, 24  # margins around the plot, in the same units
HALF = 0.5  # of the width: beyond it a label stands left of its line
CLOSE = 11  # labels nearer to each other than this are not both written


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place; `anchor` as in SVG."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A series break: the x of its line, and the date with the place where there is room for it."""

    x: float
    label: Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template needs: paths in SVG's words, everything in viewBox units."""

    title: str
    description: str
    line: tuple[str, ...]
    areas: tuple[str, ...]
    expected: str | None
    target: float | None
    bounds: tuple[float, ...]
    now: float
    last: Spot | None
    stale: tuple[Spot, ...]
    labels: tuple[Label, ...]
    breaks: tuple[Mark, ...] = ()


def draw(row: KeyResultRow) -> Drawing | None:
    """Return the picture of a key result's history; None when there is none."""
    chart = row.chart
    if chart is None:
        return None
    pieces = [[_spot(spot) for spot in piece] for piece in chart.line]
    return Drawing(
        title=f"History of {words.clean(row.state.title)}",
        description=_describe(row, chart),
        line=tuple(_path(piece) for piece in pieces),
        areas=tuple(f"{_path(piece)}V{HEIGHT - BOTTOM}H{piece[0][0]:g}Z" for piece in pieces),
        expected=_path([_spot(spot) for spot in chart.expected]) if chart.expected else None,
        target=None if chart.target is None else _spot((0, chart.target))[1],
        bounds=tuple(_spot((0, bound))[1] for bound in chart.bounds),
        now=_spot((chart.now, 0))[0],
        last=pieces[-1][-1] if pieces[-1][-1][0] >= _spot((chart.now, 0))[0] else None,
        stale=tuple(_spot(spot) for spot in chart.stale),
        labels=_labels(chart),
        breaks=tuple(_mark(each) for each in chart.breaks),
    )


def _mark(broken: Break) -> Mark:
    x = _spot((broken.x, 0))[0]
    left = broken.x > HALF
    text = f"query changed {words.day(broken.at)}"
    return Mark(x, Label(x - 4 if left else x + 4, HEIGHT - BOTTOM - 4, "end" if left else "start", text))


def _spot(spot: Spot) -> Spot:
    x, y = spot
    return round(LEFT + x * (WIDTH - LEFT - RIGHT), 1), round(TOP + (1 - y) * (HEIGHT - TOP - BOTTOM), 1)


def _path(piece: list[Spot]) -> str:
    return f"M{piece[0][0]:g} {piece[0][1]:g}" + "".join(f"L{x:g} {y:g}" for x, y in piece[1:])


def _labels(chart: Chart) -> tuple[Label, ...]:
    zero = chart.expected[0][1] if chart.expected else None
    bounds = [(bound, _at(chart, bound)) for bound in chart.bounds]
    wanted = [(chart.target, _at(chart, chart.target)), *bounds, (zero, 0.0), (0.0, chart.low), (1.0, chart.high)]
    labels: list[Label] = []
    for level, number in wanted:
        if level is None or number is None:
            continue
        y = _spot((0, level))[1] + 3.5
        if all(abs(label.y - y) >= CLOSE for label in labels):
            labels.append(
                Label(LEFT - 6, y, "end", words.amount(_short(number), chart.unit if chart.unit == "%" else ""))
            )
    base = HEIGHT - 8
    labels.append(Label(LEFT, base, "start", words.first_day(chart.start)))
    labels.append(Label(WIDTH - RIGHT, base, "end", words.last_day(chart.due)))
    return tuple(labels)


def _short(number: float) -> float:
    """Return the number to three digits: an axis has little room."""
    return float(f"{number:.3g}")


def _at(chart: Chart, level: float | None) -> float | None:
    return None if level is None else chart.low + level * (chart.high - chart.low)


def _describe(row: KeyResultRow, chart: Chart) -> str:
    """Return the picture in words, for those who don't see it."""
    state = row.state
    said = [
        f"{words.first_day(chart.start)} to {words.last_day(chart.due)}",
        f"now {words.percent(state.progress)}, {words.amount(state.value, state.unit)}",
        f"target {words.amount(state.target, state.unit)}",
    ]
    if chart.expected:
        said.append("dashed: the expected pace")
    if chart.stale:
        said.append(f"{len(chart.stale)} stale point{'s' * (len(chart.stale) > 1)}")
    gaps = len(chart.line) - 1 - len(chart.breaks)
    if gaps > 0:
        said.append(f"{gaps} gap{'s' * (gaps > 1)} without data")
    said += [f"query changed on {words.day(each.at)}, not comparable before" for each in chart.breaks]
    return "; ".join(said)
