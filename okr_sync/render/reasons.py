"""How forecasts and causes are said: the same line in every format for people."""

from __future__ import annotations

from collections.abc import Iterable

from okr_sync.core.diagnosis import Cause
from okr_sync.core.numbers import show
from okr_sync.core.snapshot import DeliveryForecast, Forecast, InitiativeState, KeyResultState
from okr_sync.render import words
from okr_sync.render.words import clean

OUTLOOKS = {"in_time": "in time", "tight": "tight", "late": "late"}
PLAIN = {
    "definition": "definition changed",
    "suspect": "answer not believed yet",
    "stale": "source stale",
    "outdated": "typed value expired",
    "fresh": "fresh again",
}


def metric_forecast(state: KeyResultState, *, with_reason: bool = False) -> str:
    """Return where a key result will be at its due date, in one line; empty without a forecast.

    `with_reason` tells also why there is none.
    """
    said = state.forecast
    if said is None or said.value is None:
        return clean(said.reason) if said is not None and with_reason else ""
    aim = f"{words.amount(said.value, state.unit)} on {words.last_day(state.due)}"
    bounds = f"{words.amount(said.low)} to {words.amount(said.high)}"
    return f"{aim} ({bounds}), {words.percent(said.progress)}; {said.basis or _slope(said, state.unit)}"


def work_forecast(state: InitiativeState, *, with_reason: bool = False) -> str:
    """Return when an initiative will be finished, in one line; empty without a forecast.

    `with_reason` tells also why there is none.
    """
    said = state.forecast
    if said is None or said.likely is None or said.latest is None:
        return clean(said.reason) if said is not None and with_reason else ""
    dates = f"done {said.likely.isoformat()} (p50) to {said.latest.isoformat()} (p85)"
    pace = f"{said.remaining} left, {said.finished} done in {said.weeks} weeks"
    return f"{dates}{_against(said)}; {pace}"


def causes(found: Iterable[Cause], unit: str = "", *, own: str = "") -> str:
    """Return why a number moved, in one line; subjects other than `own` are named; empty without a cause."""
    return "; ".join(_cause(each, unit, own) for each in found)


def _slope(said: Forecast, unit: str) -> str:
    sign = "+" if (said.slope or 0) > 0 else ""
    basis = f"{said.readings} readings in {show(round(said.days, 1))} days"
    return f"{sign}{words.amount(said.slope, unit)} a day over {basis}"


def _against(said: DeliveryForecast) -> str:
    return "" if said.due is None else f", due {said.due.isoformat()}: {OUTLOOKS[said.outlook]}"


def _cause(each: Cause, unit: str, own: str) -> str:
    about = "" if each.subject == own else f" of {clean(each.subject)}"
    if each.kind == "delivered_not_moved":
        return f"delivered but not moved: {words.percent(each.amount)}{about} is done"
    if each.kind == "query":
        return f"query{about} changed{f' on {words.day(each.at)}' if each.at else ''}: not comparable before"
    if each.kind in PLAIN:
        return PLAIN[each.kind]
    if each.kind in {"target", "baseline"}:
        return f"{each.kind} {words.amount(each.before)} → {words.amount(each.after, unit)}"
    if each.kind == "value":
        return f"value {words.value_delta(each.amount, unit)}"
    sign = "+" if (each.amount or 0) > 0 and each.kind != "reopened" else ""
    return f"{each.kind} {sign}{words.amount(each.amount)}{about}"
