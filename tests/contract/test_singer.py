"""singer keeps the laws of metric sources, reads what taps say, and goes on from where a tap ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.singer import MOST_KEPT, Singer, SingerSettings
from connectors.singer_rows import SingerQuery
from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    Caller,
    Continued,
    Miss,
    Outcome,
    ProtocolError,
    Reading,
    Referenced,
    SourceError,
    TransientError,
)
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld
from tests.contract.programs import program

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
SECRET = "s3cret-of-the-shop"
TAP = """
import json, os, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
said = json.load(open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "shop.json")))
config = json.load(open(words["--config"]))
assert config["key"] == "s3cret-of-the-shop", config
if "--discover" in sys.argv:
    fields = sorted({name for record in said["orders"] for name in record})
    streams = [{"tap_stream_id": name, "stream": name, "schema": {}, "metadata": [
        {"breadcrumb": [], "metadata": {"inclusion": "available"}}]} for name in ("orders", "customers")]
    print(json.dumps({"streams": streams}))
    sys.exit()
(stream,) = json.load(open(words["--catalog"]))["streams"]
chosen = {each["breadcrumb"][-1] for each in stream["metadata"] if each["breadcrumb"] and each["metadata"]["selected"]}
since = json.load(open(words["--state"]))["since"] if "--state" in words else ""
open("asked", "a").write(since + ";")
print(json.dumps({"type": "SCHEMA", "stream": "orders", "schema": {}, "key_properties": said["keys"]}))
print(json.dumps({"type": "RECORD", "stream": "customers", "record": {"id": 1}}))
for record in said["orders"]:
    if record["changed"] >= since:
        print(json.dumps({"type": "RECORD", "stream": "orders",
                          "record": {k: v for k, v in record.items() if k in chosen | set(said["keys"])}}))
print(json.dumps({"type": "METRIC", "value": 1}))
print(json.dumps({"type": "STATE", "value": {"since": max(r["changed"] for r in said["orders"])}}))
"""
ORDERS: list[dict[str, Any]] = [
    {"id": 1, "total": 5, "at": "2026-09-30T10:00:00Z", "state": "paid", "changed": "a"},
    {"id": 2, "total": "10.5", "at": "2026-10-02T10:00:00Z", "state": "paid", "changed": "b"},
    {"id": 3, "total": 20, "at": "2026-10-02T23:30:00+02:00", "state": "open", "changed": "c"},
    {"id": 4, "total": 40, "at": "2026-11-01T00:00:00", "state": "paid", "changed": "d"},
    {"id": 5, "total": None, "at": "2026-11-02T00:00:00Z", "state": "paid", "changed": "e"},
    {"id": 6, "total": 99, "at": "2026-12-24T00:00:00Z", "state": "paid", "changed": "f"},
]


class Shop(MetricWorld):
    """A tap of a shop with two streams; `incremental` keeps its state."""

    def __init__(self, folder: Path, *, incremental: bool = False) -> None:
        self.folder, self.incremental = folder, incremental
        program(folder / "tap", TAP)
        self.sell(ORDERS)
        bad = {
            "typo": BadQuestion({"field": "totl"}, "no field 'totl'"),
            "text": BadQuestion({"field": "state"}, "record 1: 'paid' in 'state' is no number"),
            "when": BadQuestion({"field": "total", "time": "state"}, "record 1: 'paid' is no time"),
            "nowhere": BadQuestion({"field": "total", "where": {"state": "lost"}}, "no value from 2026-10-01"),
        }
        breakages = {
            "gone": Breakage((folder / "tap").unlink, AccessError, "there is no program"),
            "exit 1": Breakage(lambda: self._become("import sys; sys.exit('no login')"), SourceError, "no login"),
            "garbage": Breakage(lambda: self._become("print('Hello!')"), ProtocolError, "is no JSON"),
            "a list": Breakage(lambda: self._become("print([])"), ProtocolError, "no object"),
            "no catalog": Breakage(lambda: self._become("print({})"), ProtocolError, "no list of streams"),
            "hangs": Breakage(lambda: self._become("import time; time.sleep(9)"), TransientError, "did not end"),
        }
        super().__init__(START, NOW, requests=2, bad=bad, breakages=breakages, secrets=(SECRET,))

    def sell(self, orders: list[dict[str, Any]], keys: tuple[str, ...] = ("id",)) -> None:
        """Let the shop have these orders."""
        (self.folder / "shop.json").write_text(json.dumps({"orders": orders, "keys": keys}))

    def _become(self, code: str) -> None:
        program(self.folder / "tap", code)

    def connect(self, caller: Caller) -> Singer:
        """Return a connector that runs the tap."""
        return Singer(SingerSettings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return settings with a secret in the tap's own config."""
        config = {"key": Referenced(SECRET), "deep": {"er": [1]}}
        own = {"incremental": self.incremental, "timeout": 1.5}
        return {"tap": ["./tap"], "folder": self.folder, "config": config, "stream": "orders", **own}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return every way to fold."""
        paid: dict[str, Any] = {"field": "total", "time": "at", "where": {"state": "paid"}}
        return {
            "series": paid,
            **{fold: {**paid, "aggregate": fold} for fold in ("sum", "mean", "min", "max", "count")},
            "days": {**paid, "where": {}, "aggregate": "sum_by_day"},
            "orders": {"time": "at", "aggregate": "count_by_day"},
            "lost": {"aggregate": "count", "where": {"state": "lost"}},
        }

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return the value by hand; order 4 is worth 40, or 44 after the change."""
        newest = 44.0 if '"total": 44' in (self.folder / "shop.json").read_text() else 40.0
        known = {"series": (10.5, newest), "sum": (10.5 + newest,), "mean": ((10.5 + newest) / 2,), "min": (10.5,)}
        by_day = {"days": (30.5, newest), "orders": (2.0, 1.0, 1.0)}
        return {**known, **by_day, "max": (newest,), "count": (2.0,), "lost": (0.0,)}[ref]

    def change(self, ref: str) -> None:
        """Correct an order."""
        self.sell([{**each, "total": 44, "changed": "g"} if each["id"] == 4 else each for each in ORDERS])


class TestSingerContract(MetricSourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MetricWorld:
        return Shop(tmp_path)


class TestSingerContractGoingOn(MetricSourceContract):
    """The same laws for a source that keeps the tap's state."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> MetricWorld:
        return Shop(tmp_path, incremental=True)


def ask(shop: Shop, state: str | None = None, now: datetime = NOW, **queries: Mapping[str, Any]) -> Answer:
    """Return the answer to these questions, or to all of the shop."""
    asked = {ref: SingerQuery.model_validate(query) for ref, query in (queries or shop.questions()).items()}
    return shop.connect(Caller()).read(Ask(asked, START, now, state=state))


def kept(answer: Answer) -> str:
    """Return the state; fails on an answer without."""
    assert isinstance(answer, Continued), answer
    return answer.state


def sums(shop: Shop, state: str | None = None) -> tuple[Outcome, str | None]:
    """Return the sum of what was paid, and the state."""
    answer = ask(shop, state, paid=shop.questions()["sum"])
    return answer["paid"], answer.state if isinstance(answer, Continued) else None


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, incremental=True)


def test_the_second_time_the_tap_is_asked_for_what_is_new(shop: Shop) -> None:
    """A corrected order replaces, one that counts no more leaves, a new one joins; the rest was kept."""
    first, state = sums(shop)
    changed = [
        {**ORDERS[1], "total": 11, "changed": "g"},
        {**ORDERS[3], "state": "lost", "changed": "g"},
        {"id": 7, "total": 1, "at": "2026-11-03T00:00:00Z", "state": "paid", "changed": "h"},
    ]
    shop.sell(changed)
    second, _ = sums(shop, state)
    assert (first, second) == (
        (Reading(50.5, None, "sum of 2 records"),),
        (Reading(12, None, "sum of 2 records"),),
    )
    assert (shop.folder / "asked").read_text() == ";f;"


def test_going_on_many_times_tells_what_reading_the_whole_tells(shop: Shop) -> None:
    """However the orders arrive, the answer from kept rows equals the answer from all rows."""
    state = None
    for count in range(1, len(ORDERS) + 1):
        shop.sell(ORDERS[:count])
        answer = ask(shop, state)
        state = kept(answer)
        assert dict(answer) == dict(ask(shop))


def test_other_questions_settings_or_starts_are_read_from_the_beginning(shop: Shop) -> None:
    """What was kept for one question is no answer to another."""
    state = kept(ask(shop, paid=shop.questions()["sum"]))
    ask(shop, state, paid=shop.questions()["mean"])
    shop.connect(Caller()).read(
        Ask(
            {"paid": SingerQuery.model_validate(shop.questions()["sum"])},
            datetime(2026, 9, 1, tzinfo=UTC),
            NOW,
            state=state,
        )
    )
    assert (shop.folder / "asked").read_text() == ";;;"


def test_a_flawed_record_is_not_stepped_over(shop: Shop) -> None:
    """The state stays where it was until the record is read well: its value is never lost."""
    shop.sell([{**ORDERS[1], "total": "n/a"}])
    flawed, state = sums(shop)
    assert isinstance(flawed, Miss)
    assert state is None


def test_records_without_a_key_are_read_as_a_whole_each_time(shop: Shop) -> None:
    """Without what makes a record unique, an old and a new version can't be told from two records."""
    shop.sell(ORDERS, keys=())
    assert sums(shop) == ((Reading(50.5, None, "sum of 2 records"),), None)


def test_more_rows_than_are_kept_are_read_as_a_whole_each_time(shop: Shop) -> None:
    """The store does not become a copy of the shop."""
    shop.sell([{**ORDERS[1], "id": number} for number in range(MOST_KEPT + 1)])
    outcome, state = sums(shop)
    assert isinstance(outcome, tuple)
    assert outcome[0].value == 10.5 * (MOST_KEPT + 1)
    assert state is None


def test_a_state_of_which_nothing_is_known_is_read_from_the_beginning(shop: Shop) -> None:
    """A state that an older version wrote does no harm."""
    assert sums(shop, '{"mark": "older"}')[0] == (Reading(50.5, None, "sum of 2 records"),)


def test_a_day_is_one_of_the_zone_and_never_before_the_window(tmp_path: Path) -> None:
    """A local day begins at 23:00 UTC in Berlin's winter; a day that began before the window is dated by its start."""
    shop = Shop(tmp_path)
    shop.sell([{**ORDERS[1], "at": "2026-10-01T01:00:00Z"}, {**ORDERS[2], "at": "2026-10-31T23:30:00+01:00"}])
    settings = SingerSettings.model_validate({**shop.settings(), "timezone": "Europe/Berlin"})
    query = SingerQuery.model_validate({"field": "total", "time": "at", "aggregate": "sum_by_day"})
    outcome = Singer(settings).read(Ask({"kr": query}, START, NOW))["kr"]
    assert outcome == (
        Reading(10.5, START, "sum_by_day of 1 records"),
        Reading(20, datetime(2026, 10, 30, 23, tzinfo=UTC), "sum_by_day of 1 records"),
    )


def test_a_catalog_of_ones_own_saves_the_discovery(tmp_path: Path) -> None:
    """One execution instead of two."""
    shop = Shop(tmp_path)
    fields = [{"breadcrumb": ["properties", "total"], "metadata": {"selected": True}}]
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": [{"stream": "orders", "metadata": fields}]}))
    settings = SingerSettings.model_validate({**shop.settings(), "catalog": tmp_path / "catalog.json"})
    caller = CountingCaller()
    outcome = Singer(settings, caller).read(Ask({"kr": SingerQuery(field="total", aggregate="max")}, START, NOW))
    assert (outcome["kr"], caller.count) == ((Reading(99, None, "max of 5 records"),), 1)


def test_an_unknown_stream_names_the_nearest(tmp_path: Path) -> None:
    """A typing error in `stream` is told before anything is read."""
    shop = Shop(tmp_path)
    settings = SingerSettings.model_validate({**shop.settings(), "stream": "ordres"})
    with pytest.raises(SourceError, match="no stream 'ordres'") as caught:
        Singer(settings).read(Ask({"kr": SingerQuery(aggregate="count")}, START, NOW))
    assert "there is: orders" in caught.value.fix


@pytest.mark.parametrize(
    "line",
    ['{"type": "RECORD", "stream": "orders", "record": [1]}', '{"value": 1}', '{"type": "STATE", "value": NaN}', "{"],
)
def test_a_line_that_is_no_message_is_named(tmp_path: Path, line: str) -> None:
    """A tap that breaks off, or logs to stdout, is not half believed."""
    shop = Shop(tmp_path)
    (tmp_path / "catalog.json").write_text("{}")
    program(tmp_path / "tap", f'print(\'{{"type": "SCHEMA", "stream": "orders"}}\'); print({line!r})')
    settings = SingerSettings.model_validate({**shop.settings(), "catalog": tmp_path / "catalog.json"})
    with pytest.raises(ProtocolError, match=r"line 2 of \./tap") as caught:
        Singer(settings).read(Ask({"kr": SingerQuery(aggregate="count")}, START, NOW))
    assert caught.value.fix


def test_the_config_of_the_tap_is_a_file_that_only_we_read_and_is_gone_afterwards(tmp_path: Path) -> None:
    """Secrets of the tap lie nowhere when it has ended."""
    shop = Shop(tmp_path)
    code = (
        "import os, sys\npath = sys.argv[2]\nmode = os.stat(os.path.dirname(path)).st_mode & 0o777\n"
        "open('mode', 'w').write(f'{mode:o} {path}')\nsys.exit('stop')"
    )
    program(tmp_path / "tap", code)
    with pytest.raises(SourceError, match="stop"):
        ask(shop)
    mode, _, path = (tmp_path / "mode").read_text().partition(" ")
    assert mode == "700"
    assert not Path(path).exists()


def test_a_question_says_what_its_fold_needs() -> None:
    """A sum without a field and a day without a time are mistakes of the config."""
    for query in ({"aggregate": "sum"}, {"aggregate": "count_by_day"}, {}):
        with pytest.raises(ValidationError, match="needs a"):
            SingerQuery.model_validate(query)
