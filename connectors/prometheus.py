"""Asks Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), many PromQL queries in one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from connectors.prometheus_answers import ANSWERED, Data, Series, own_series, parse, readings
from connectors.prometheus_settings import PrometheusQuery, PrometheusSettings
from okr_sync import connector as api

_REF = "okr_sync_ref"  # the label that tells joined answers apart
_DAY = 86_400  # seconds
_Found: TypeAlias = dict[str, list[Series] | api.Miss]


class Prometheus(api.MetricSource):
    """A metric source over PromQL; the past is read at the midnights of the source's zone."""

    kind = "prometheus"
    summary = "Numbers from Prometheus by PromQL, with history"
    Settings = PrometheusSettings
    Query = PrometheusQuery
    permissions = "The account must be allowed to query, and nothing else."
    example = """\
sources:
  monitoring: {kind: prometheus, url: https://prometheus.example.com, token: "${PROMETHEUS_TOKEN}"}
metrics:
  signups: {source: monitoring, query: sum(signups_total), type: counter}
"""
    HISTORY = True

    def __init__(self, settings: PrometheusSettings, caller: api.Caller | None = None) -> None:
        super().__init__(settings, caller)
        basic = (settings.username or "", settings.password) if settings.password else None
        tenant = {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
        self._http = api.Http(self.caller, settings, headers=tenant, auth=basic or settings.token)

    def probe(self) -> str:
        """Return that it answers queries. Raises SourceError."""
        self._post("query", "1", {})
        return f"Prometheus at {self.settings.url} answers queries"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return the value of each query now and, where the past is asked, at each midnight. Raises SourceError."""
        texts = {ref: query.query for ref, query in ask.queries.items()}
        found = self._find("query", {"time": ask.now.timestamp()}, texts)
        answer = {ref: readings(found[ref], text, ask.now) for ref, text in texts.items()}
        if not ask.past:
            return answer
        good = {ref: texts[ref] for ref, outcome in answer.items() if not _is_bad(outcome)}
        for window in reversed(list(_windows(ask, self.settings.timezone)) if good else []):
            past = self._find("query_range", {**window, "step": _DAY}, good)
            answer.update({ref: _before(readings(past[ref], text), answer[ref]) for ref, text in good.items()})
        return answer

    def _find(self, path: str, when: Mapping[str, float], texts: Mapping[str, str]) -> _Found:
        refs, size = list(texts), self.settings.batch
        batches = [{ref: texts[ref] for ref in refs[at : at + size]} for at in range(0, len(refs), size)]
        answers = self.caller.map(partial(self._together, path, when), batches)
        return {ref: series for answer in answers for ref, series in answer.items()}

    def _together(self, path: str, when: Mapping[str, float], texts: Mapping[str, str]) -> _Found:
        """Ask all at once; when that fails, each half, down to the one that is bad: it is asked as it stands."""
        if len(texts) == 1:
            [(ref, text)] = texts.items()
            said = self._post(path, text, when)
            return {ref: said if isinstance(said, api.Miss) else own_series(said, text, ranged=path == "query_range")}
        said = self._post(path, " or ".join(_marked(n, text) for n, text in enumerate(texts.values())), when)
        if not isinstance(said, api.Miss):
            return self._apart(said, list(texts))
        half = len(texts) // 2
        pairs = list(texts.items())
        return self._together(path, when, dict(pairs[:half])) | self._together(path, when, dict(pairs[half:]))

    def _apart(self, data: Data, refs: list[str]) -> _Found:
        grouped: dict[str, list[Series]] = {str(n): [] for n in range(len(refs))}
        for each in data.result:
            mark = each.metric.pop(_REF, "") if isinstance(each, Series) else ""
            if mark not in grouped or not isinstance(each, Series):
                said = f"{self.settings.url} answers what was not asked"
                raise api.ProtocolError(said, fix="set `batch: 1` if this is no Prometheus but resembles one")
            grouped[mark].append(each)
        return dict(zip(refs, grouped.values(), strict=True))

    def _post(self, path: str, query: str, when: Mapping[str, float]) -> Data | api.Miss:
        address = f"{self.settings.url.rstrip('/')}/api/v1/{path}"
        return parse(self._http.request("POST", address, data={"query": query, **when}, accept=ANSWERED))


def _marked(n: int, text: str) -> str:
    """Return the query with a label that no other has; it stands on lines of its own, as it may end in a comment."""
    return f'label_replace((\n{text}\n), "{_REF}", "{n}", "", "")'


def _is_bad(outcome: api.Outcome) -> bool:
    return isinstance(outcome, api.Miss) and outcome.why != "no_data"


def _before(past: api.Outcome, later: api.Outcome) -> api.Outcome:
    """Return both, oldest first; what can't be told of the past makes all of it unknown, no data then does not."""
    if _is_bad(past) or not isinstance(past, tuple):
        return past if _is_bad(past) else later
    known = {reading.time: reading for reading in (*past, *(later if isinstance(later, tuple) else ()))}
    return tuple(known.values())


def _windows(ask: api.Ask[Any], zone: ZoneInfo) -> Iterator[dict[str, float]]:
    """Yield the first and the last midnight, in seconds, of each stretch of days that are 24 hours long."""
    days = range((ask.now.astimezone(zone).date() - ask.start.astimezone(zone).date()).days + 1)
    first = ask.start.astimezone(zone).date()
    midnights = [datetime.combine(first + timedelta(day), time(), zone).astimezone(UTC) for day in days]
    inside = [at.timestamp() for at in midnights if ask.start <= at <= ask.now]
    begin = 0
    for n in range(1, len(inside) + 1):
        if n == len(inside) or inside[n] - inside[n - 1] != _DAY:
            yield {"start": inside[begin], "end": inside[n - 1]}
            begin = n
