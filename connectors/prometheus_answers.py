"""What Prometheus answers: checked, and turned into readings or into why there is none."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from okr_sync import connector as api

ANSWERED = (200, 400, 422, 503)  # statuses with words of Prometheus: bad syntax, can't be computed, took too long
_SAID = 300  # characters of those words in a message
_SHOWN = 120  # characters of a query in a message
_Sample: TypeAlias = tuple[float, str]
_NO_NUMBER = {
    "matrix": "gives a range of values; make one of them, such as avg_over_time(…) or last_over_time(…)",
    "string": "gives text, not a number",
}


class Series(BaseModel):
    """Samples under one set of labels: `value` of an instant, `values` of a range; seconds and text."""

    metric: dict[str, str]
    value: _Sample | None = None
    values: tuple[_Sample, ...] = ()


class Data(BaseModel):
    """The result of one request."""

    resultType: Literal["vector", "matrix", "scalar", "string"]  # noqa: N815 -- the API's word
    result: _Sample | tuple[Series, ...]


class _Answer(BaseModel):
    status: Literal["success", "error"]
    data: Data | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()


def parse(answer: api.HttpAnswer) -> Data | api.Miss:
    """Return the data, or why Prometheus refuses the query.

    Raises ProtocolError when it is no answer of Prometheus, TransientError when it is one in part.
    """
    try:
        said = _Answer.model_validate(answer.json())
    except (ValidationError, api.ProtocolError):
        if answer.status == 503:
            wish, fix = api.retry_after(answer.headers), "the next run asks again"
            raise api.TransientError(f"{answer.place}: status 503", fix=fix, retry_after=wish) from None
        raise api.ProtocolError(f"{answer.place}: this is no answer of Prometheus", fix="check `url`") from None
    partial = [warning for warning in said.warnings if not warning.startswith("PromQL")]
    if partial:
        said_so = f"{answer.place}: it answered only in part: {partial[0][:_SAID]}"
        raise api.TransientError(said_so, fix="check the stores behind it; the next run asks again")
    if said.data is None:
        return api.Miss("invalid", f"Prometheus refuses the query: {said.error[:_SAID]}; correct the `query`")
    return said.data


def own_series(data: Data, query: str, *, ranged: bool) -> list[Series] | api.Miss:
    """Return what a query gave that was asked alone."""
    if data.resultType == "scalar" and isinstance(data.result[0], float):
        return [Series(metric={}, value=(data.result[0], str(data.result[1])))]
    if data.resultType == "string" or (data.resultType == "matrix" and not ranged):
        return api.Miss("invalid", f"{_short(query)} {_NO_NUMBER[data.resultType]}")
    return [each for each in data.result if isinstance(each, Series)]


def readings(series: list[Series] | api.Miss, query: str, now: datetime | None = None) -> api.Outcome:
    """Return the finite samples of the one series, oldest first, or why there is no number.

    `now`: the instant that was asked for; Prometheus rounds it.
    """
    if isinstance(series, api.Miss):
        return series
    if not series:
        said = f"{_short(query)} gives nothing; check its labels, and that the metric is still scraped"
        return api.Miss("no_data", said)
    if len(series) > 1:
        by = ", ".join(sorted({label for each in series for label in each.metric})[:5])
        said = f"{_short(query)} gives {len(series)} series (by {by}); aggregate them: sum(…), avg(…), max(…)"
        return api.Miss("invalid", said)
    samples = [series[0].value] if series[0].value else series[0].values
    found = [(now or datetime.fromtimestamp(at, UTC), _number(text)) for at, text in samples]
    finite = tuple(api.Reading(number, at, _short(query)) for at, number in found if math.isfinite(number))
    return finite or api.Miss("no_data", f"{_short(query)} gives no finite number: is something divided by 0?")


def _short(query: str) -> str:
    text = " ".join(query.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
