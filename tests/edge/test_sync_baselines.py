"""Laws of captured baselines through a whole house: one question more, once, and then nothing moves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_sync.config import load
from okr_sync.connector import Answer, Ask, Miss, ProtocolError, Reading, Unchanged
from okr_sync.core.snapshot import KeyResultState
from okr_sync.errors import UsageError
from okr_sync.store.baselines import Version, versions
from okr_sync.sync import plan
from okr_sync.sync.checking_in import TypedCheckIn, check_in
from okr_sync.sync.closing import close_cycle
from okr_sync.sync.recapturing import recapture
from okr_sync.sync.run import World
from tests.edge.sync_play import House, Played, entry_of, key_result_of, numbers, open_house

DAY = timedelta(days=1)
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
CAPTURED = {"m": {"metric": "m", "baseline": "capture", "by": 20}}


class Diary:
    """A source that keeps days: what it holds can be changed, and every question is noted."""

    def __init__(self, **series: Mapping[int, float]) -> None:
        self.series: dict[str, dict[int, float]] = {name: dict(each) for name, each in series.items()}
        self.asks: list[Ask[Any]] = []
        self.fails = ""

    def answer(self, ask: Ask[Any]) -> Answer:
        self.asks.append(ask)
        if self.fails and ask.past and ask.now <= BEGIN:
            raise ProtocolError(self.fails, fix="wait")
        return {ref: self._outcome(query.place, ask) for ref, query in ask.queries.items()}

    def _outcome(self, name: str, ask: Ask[Any]) -> tuple[Reading, ...] | Miss:
        dated = [(BEGIN + day * DAY, value) for day, value in sorted(self.series[name].items())]
        inside = tuple(Reading(value, at, f"page {at:%F}") for at, value in dated if ask.start <= at <= ask.now)
        found = inside if ask.past else inside[-1:]
        return found or Miss("no_data", "an empty page")

    def windows(self) -> list[tuple[int, int, frozenset[str]]]:
        """(first day, last day, metrics) of the questions about the time before the start, which are then forgotten."""
        found = [
            ((ask.start - BEGIN).days, (ask.now - BEGIN).days, frozenset(ask.queries))
            for ask in self.asks
            if ask.start < BEGIN
        ]
        self.asks.clear()
        return found


def diary_house(
    folder: Path, diary: Diary, measures: Mapping[str, Any] = CAPTURED, *, keeps: bool = True, **more: Any
) -> House:
    """A house whose metrics are the diary's, with a key result a measure, on day 20 of the cycle."""
    kind = numbers(diary.answer)
    kind.HISTORY = keeps
    main = {
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"diary": {"kind": "diary"}},
        "metrics": {name: {"source": "diary", "place": name} for name in diary.series},
    }
    results = [{"id": name, "title": name, "measure": each, **more} for name, each in measures.items()]
    team = {"cycle": "now", "objectives": [{"id": "o", "title": "O", "key_results": results}]}
    made = open_house(folder, main, team, {}, Played({"diary": kind}))
    made.now = BEGIN + 20 * DAY
    return made


def on(house: House, day: int) -> House:
    """The house on a day of the cycle."""
    house.now = BEGIN + day * DAY
    return house


def state(house: House, name: str = "m") -> KeyResultState:
    """The key result after one run."""
    return key_result_of(house.sync(), name)


def kept(house: House, name: str = "m") -> tuple[Version, ...]:
    with house.store.reading() as session:
        return versions(session, name)


def test_the_baseline_is_the_last_value_before_the_start_asked_with_its_own_window(tmp_path: Path) -> None:
    diary = Diary(m={-5: 30, -1: 31, 10: 41})
    house = diary_house(tmp_path, diary)
    found = state(house)
    assert (found.baseline, found.target, found.progress) == (31, 51, 0.5)
    assert diary.windows() == [(-90, 0, frozenset({"m"}))]
    (version,) = kept(house)
    assert (version.version, version.run, version.author, version.reason) == (1, 1, "okr-sync", "")
    assert (version.baseline.how, version.baseline.time, version.baseline.at) == ("last", BEGIN - DAY, house.now)
    assert version.baseline.evidence == "page 2026-09-30"
    assert version.baseline.question == 'm from diary: {"place":"m"} (level, in no unit)'


def test_captures_of_one_window_cost_one_question_and_a_quiet_run_none_more(tmp_path: Path) -> None:
    """Twenty metrics are one question about the past; after that a run asks once, not about the past."""
    diary = Diary(**{f"m{n}": {-1: n, 5: n + 10} for n in range(20)})
    house = diary_house(
        tmp_path, diary, {f"m{n}": {"metric": f"m{n}", "baseline": "capture", "by": 20} for n in range(20)}
    )
    house.sync()
    assert len(diary.asks) == 2
    assert diary.windows() == [(-90, 0, frozenset(diary.series))]
    house.sync()
    assert [(ask.past, len(ask.queries)) for ask in diary.asks] == [(False, 20)]


def test_a_metric_is_asked_for_its_whole_past_once_and_again_when_its_question_changes(tmp_path: Path) -> None:
    diary = Diary(m={1: 1, 2: 2, 3: 3}, n={1: 10, 3: 30})
    house = diary_house(tmp_path, diary, {"m": {"metric": "m", "baseline": 0, "target": 10}})
    house.sync()
    house.sync()
    assert [ask.past for ask in diary.asks] == [True, False]
    assert {(ask.start, ask.now) for ask in diary.asks} == {(BEGIN, house.now)}
    readings = [row for row in house.tables()["observations"] if row[1] == "m"]
    assert sorted(row[4] for row in readings) == [1, 2, 3], (
        "the past is there, and the thinner answer took nothing back"
    )
    diary.asks.clear()
    text = (tmp_path / "okr-sync.yaml").read_text("utf-8").replace('"place": "n"', '"place": "m"')
    (tmp_path / "okr-sync.yaml").write_text(text, "utf-8")
    changed = reloaded(house, tmp_path)
    changed.sync()
    changed.sync()
    assert [(ask.past, sorted(ask.queries)) for ask in diary.asks] == [
        (False, ["m"]),
        (True, ["n"]),
        (False, ["m", "n"]),
    ]


def reloaded(house: House, folder: Path) -> House:
    """The house with its files read anew."""
    return replace(house, config=load(folder, {}, house.registry))


def test_a_baseline_never_moves_by_itself(tmp_path: Path) -> None:
    """Not by another run, not by other data, not by a correction of the past."""
    diary = Diary(m={-1: 31, 10: 41})
    house = diary_house(tmp_path, diary)
    house.sync()
    before = house.tables()["baselines"]
    diary.series["m"] = {-1: 1, 0: 2, 10: 41}
    for day in (20, 21, 40):
        assert state(on(house, day)).baseline == 31
    assert house.tables()["baselines"] == before


def test_recapturing_takes_it_anew_with_a_reason_and_keeps_the_old_one(tmp_path: Path) -> None:
    diary = Diary(m={-1: 31, 10: 41})
    house = diary_house(tmp_path, diary)
    house.sync()
    diary.series["m"][-1] = 21
    world = World(clock=lambda: house.now)
    report = recapture(house.store, house.config, world, "m", "ana", "wrong survey", registry=house.registry)
    found = key_result_of(report, "m")
    assert (found.baseline, found.target, found.progress) == (21, 41, 1)
    assert [(each.version, each.baseline.value, each.author, each.reason) for each in kept(house)] == [
        (1, 31, "okr-sync", ""),
        (2, 21, "ana", "wrong survey"),
    ]
    assert state(house).baseline == 21


@pytest.mark.parametrize(
    ("name", "reason", "day", "said"),
    [
        ("x", "why", 20, "there is no key result x"),
        ("fixed", "why", 20, "fixed captures no baseline"),
        ("m", "  ", 20, "say why with --reason"),
        ("m", "why", -1, "m has not begun"),
    ],
)
def test_a_recapture_that_cannot_be_meant_is_refused(
    tmp_path: Path, name: str, reason: str, day: int, said: str
) -> None:
    fixed = {"fixed": {"metric": "m", "baseline": 1, "target": 2}}
    house = on(diary_house(tmp_path, Diary(m={-1: 31}), {**CAPTURED, **fixed}), day)
    with pytest.raises(UsageError, match=said):
        recapture(house.store, house.config, World(clock=lambda: house.now), name, "ana", reason)


def test_a_closed_cycle_captures_nothing_more(tmp_path: Path) -> None:
    diary = Diary(m={})
    house = on(diary_house(tmp_path, diary), 95)
    house.sync()
    close_cycle(house.store, house.config, World(clock=lambda: house.now), "now", "ana")
    diary.series["m"] = {-1: 31, 10: 41}
    diary.windows()
    house.sync()
    assert (kept(house), diary.windows()) == ((), [])
    with pytest.raises(UsageError, match=r"the baseline of m stays: .*`okr-sync reopen`"):
        recapture(house.store, house.config, World(clock=lambda: house.now), "m", "ana", "why")


def test_before_the_start_nothing_is_captured(tmp_path: Path) -> None:
    diary = Diary(m={-5: 30, -1: 31})
    house = on(diary_house(tmp_path, diary), -1)
    assert state(house).reason.startswith("awaiting baseline: it is captured when the key result starts")
    assert (kept(house), diary.windows()) == ((), [])


def test_a_past_without_a_value_leaves_the_first_one_since(tmp_path: Path) -> None:
    house = diary_house(tmp_path, Diary(m={-100: 1, 3: 33, 10: 43}))
    found = state(house)
    assert (found.baseline, found.progress) == (33, 0.5)
    assert "first value seen on 2026-10-04 00:00 UTC, not from before the start" in found.reason


def test_while_the_past_cannot_be_told_the_baseline_is_awaited_and_the_entry_says_why(tmp_path: Path) -> None:
    """A failure is not an answer: the first value since is not taken for the baseline."""
    diary = Diary(m={-1: 31, 10: 41})
    diary.fails = "the archive is closed"
    house = diary_house(tmp_path, diary)
    report = house.sync()
    found, entry = key_result_of(report, "m"), entry_of(report, "m")
    assert (report.outcome, found.value, found.progress, found.status) == ("partial", 41, None, "unknown")
    assert (entry.outcome, entry.fix) == ("failed", "see `okr-sync sources`")
    assert "diary can't tell the time before the start: the archive is closed" in entry.reason
    diary.fails = ""
    assert state(on(house, 30)).baseline == 31


def test_a_source_without_history_gives_what_the_store_holds_or_else_its_first_value(tmp_path: Path) -> None:
    """Never asked about the past; a value seen before the start counts, and otherwise the first one seen since."""
    diary = Diary(m={-3: 31, 3: 33, 10: 43})
    early = on(diary_house(tmp_path / "early", diary, keeps=False), -1)
    early.config = replace(early.config, book=replace(early.config.book, cycles=(replace(early.config.book.cycles[0], start=BEGIN - 9 * DAY),)))  # fmt: skip # noqa: E501
    early.sync()
    assert state(on(early, 10)).baseline == 31
    late = on(diary_house(tmp_path / "late", diary, keeps=False), 3)
    assert (state(late).baseline, state(on(late, 10)).progress) == (33, 0.5)
    assert {ask.past for ask in diary.asks} == {False}


def test_what_was_typed_before_the_start_counts_beside_what_the_files_tell(tmp_path: Path) -> None:
    """A check-in newer than the entry in a file is the baseline; a check-in alone awaits the next sync."""
    entry = {"value": 30, "on": "2026-09-01", "by": "ben"}
    main = {
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"people": {"kind": "manual"}},
        "metrics": {"t": {"source": "people", "entries": [entry]}, "u": {"source": "people"}},
    }
    listed = [{"id": each, "title": each, "measure": CAPTURED["m"] | {"metric": each}} for each in ("t", "u")]
    team = {"cycle": "now", "objectives": [{"id": "o", "title": "O", "key_results": listed}]}
    house = on(open_house(tmp_path, main, team, {}, None), -2)
    world = World(clock=lambda: house.now)
    check_in(house.store, house.config, world, TypedCheckIn("t", "ana", 31))
    on(house, 5)
    awaiting = key_result_of(check_in(house.store, house.config, world, TypedCheckIn("u", "ana", 7)), "u")
    assert (awaiting.value, awaiting.baseline) == (7, None)
    report = house.sync()
    assert (key_result_of(report, "t").baseline, key_result_of(report, "u").baseline) == (31, 7)


def test_a_plan_shows_the_baseline_that_the_run_will_capture_and_writes_none(tmp_path: Path) -> None:
    house = diary_house(tmp_path, Diary(m={-1: 31, 10: 41}))
    shown = plan(house.store, house.config, World(clock=lambda: house.now), registry=house.registry)
    assert [each.baseline for each in shown.snapshot.key_results] == [31]
    assert kept(house) == ()
    assert house.sync().snapshot == shown.snapshot


def test_a_changed_query_keeps_the_baseline_and_says_so(tmp_path: Path) -> None:
    diary = Diary(m={-1: 31, 10: 41}, n={-1: 1, 10: 2})
    house = diary_house(tmp_path, diary)
    house.sync()
    text = (tmp_path / "okr-sync.yaml").read_text("utf-8").replace('"place": "m"', '"place": "n"')
    (tmp_path / "okr-sync.yaml").write_text(text, "utf-8")
    found = state(reloaded(house, tmp_path))
    assert (found.baseline, found.value) == (31, 2)
    assert "the baseline of m was captured with another query on 2026-10-21 00:00 UTC" in found.reason


def test_taken_anew_a_baseline_is_an_answer_to_the_present_question(tmp_path: Path) -> None:
    """Of a source without history what an older question brought is not the first value of the new one.

    The first answer to the new one is, though it is of a day on which the older one was still asked.
    """
    diary = Diary(m={3: 33, 10: 43}, n={3: 1, 21: 2, 30: 12})
    house = diary_house(tmp_path, diary, keeps=False)
    assert state(on(house, 5)).baseline == 33
    text = (tmp_path / "okr-sync.yaml").read_text("utf-8").replace('"place": "m"', '"place": "n"')
    (tmp_path / "okr-sync.yaml").write_text(text, "utf-8")
    changed = on(reloaded(house, tmp_path), 20)
    changed.sync()
    on(changed, 31)
    world = World(clock=lambda: changed.now)
    report = recapture(changed.store, changed.config, world, "m", "ana", "new survey", registry=changed.registry)
    assert key_result_of(report, "m").baseline == 1
    assert [each.baseline.value for each in kept(changed)] == [33, 1]


def test_while_the_present_question_has_no_answer_no_older_one_is_the_baseline(tmp_path: Path) -> None:
    diary = Diary(m={3: 33, 10: 43}, n={})
    house = diary_house(tmp_path, diary, keeps=False)
    assert state(on(house, 5)).baseline == 33
    text = (tmp_path / "okr-sync.yaml").read_text("utf-8").replace('"place": "m"', '"place": "n"')
    (tmp_path / "okr-sync.yaml").write_text(text, "utf-8")
    changed = on(reloaded(house, tmp_path), 20)
    world = World(clock=lambda: changed.now)
    recapture(changed.store, changed.config, world, "m", "ana", "new survey", registry=changed.registry)
    assert [each.baseline.value for each in kept(changed)] == [33]


def test_each_start_has_its_own_window_and_each_part_its_own_baseline(tmp_path: Path) -> None:
    """A key result that starts on 1 November takes the last value by then; a mean is that of its days."""
    parts = [{"metric": "m", "baseline": "capture", "by": 20}, {"metric": "n", "baseline": {"capture": "mean", "over": "7 d"}, "target": 9}]  # fmt: skip # noqa: E501
    diary = Diary(m={-1: 31, 31: 33, 40: 43}, n={20: 1, 28: 4, 31: 5, 40: 6})
    house = on(diary_house(tmp_path, diary, {"both": {"all": parts}}, start="2026-11-01"), 40)
    found = state(house, "both")
    assert [str(each) for each in found.captured] == ["m 33 (last)", "n 4.5 (mean)"]
    assert found.progress == pytest.approx(1 / 3)


def test_an_answer_that_is_no_value_lets_the_first_one_count(tmp_path: Path) -> None:
    """`Unchanged` about the past is an answer: the source has nothing there."""
    seen: list[bool] = []

    class Silent(Diary):
        def answer(self, ask: Ask[Any]) -> Answer:
            seen.append(ask.past)
            return dict.fromkeys(ask.queries, Unchanged()) if ask.now <= BEGIN else super().answer(ask)

    assert state(diary_house(tmp_path, Silent(m={3: 33, 10: 43}))).baseline == 33
    assert seen == [True, True]


DAYS = st.dictionaries(st.integers(-95, 60), st.integers(-50, 50).map(float), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series=DAYS, days=st.lists(st.integers(0, 60), min_size=1, max_size=3))
def test_the_order_and_number_of_runs_do_not_matter_where_a_source_keeps_history(
    series: dict[int, float], days: list[int]
) -> None:
    """Syncing on some days and at the end captures what one sync at the end does."""
    with TemporaryDirectory(prefix="okr-sync-baselines-") as folder:
        often = diary_house(Path(folder) / "often", Diary(m=series))
        once = diary_house(Path(folder) / "once", Diary(m=series))
        for day in [*sorted(days), 60]:
            on(often, day).sync()
        on(once, 60).sync()
        found = [(each.baseline.value, each.baseline.how, each.baseline.time) for each in kept(often)]
        assert found == [(each.baseline.value, each.baseline.how, each.baseline.time) for each in kept(once)]
        assert len(found) == bool([day for day in series if -90 <= day <= 60])
