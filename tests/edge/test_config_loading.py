"""Laws of loading a config: what the files say is what the book and the sources hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from okr_sync.config import load, store_url
from okr_sync.core.model import (
    DROPPED_RESOLUTIONS,
    Change,
    Delivery,
    Done,
    DoneSubject,
    Measure,
    Step,
    Steps,
    Threshold,
)
from okr_sync.errors import ConfigError
from okr_sync.registry import Registry
from tests.edge.config_builders import HEAD, INITIATIVE, MAIN, Folder, NumbersSettings, WorkQuery, entry, registry

APP = DoneSubject(initiative="app")

MEASURES: list[tuple[str, Measure]] = [
    ("{done: {initiative: app}}", Done(APP)),
    ("{done: {metric: bugs}, deadline: hard}", Done(DoneSubject(metric="bugs"), "hard")),
    ("{metric: nps, baseline: 31, target: 51}", Change("nps", 31, target=51)),
    ("{metric: nps, baseline: 31, by: +20}", Change("nps", 31, points=20)),
    ("{metric: nps, baseline: 31, by: {points: -20}}", Change("nps", 31, points=-20)),
    ("{metric: bugs, baseline: 16, by: -25 %}", Change("bugs", 16, relative=-0.25)),
    (
        "{metric: bugs, baseline: -4, by: +50%, relative_to: abs}",
        Change("bugs", -4, relative=0.5, relative_to_abs=True),
    ),
    ("{metric: share, baseline: 16, by: {relative: -25 %}}", Change("share", 16, relative=-0.25)),
    ("{metric: share, baseline: 16, by: {points: -4}}", Change("share", 16, points=-4)),
    ("{metric: share, baseline: 0 %, target: 75 %}", Change("share", 0, target=75)),
    ("{metric: bugs, at_most: 0}", Threshold("bugs", 0, "at_most")),
    (
        "{metric: bugs, at_least: 5, strict: true, baseline: 1, tolerance: 2.5, evaluate: worst}",
        Threshold("bugs", 5, "at_least", strict=True, baseline=1, tolerance=2.5, evaluate="worst"),
    ),
    (
        "{steps: [{title: A, initiative: app}, {title: B, metric: bugs, weight: 3}], need: 1, partial: items}",
        Steps((Step("A", APP), Step("B", DoneSubject(metric="bugs"), 3)), need=1, partial=True),
    ),
    ("{delivery: app}", Delivery(("app",))),
    ("{delivery: [app]}", Delivery(("app",))),
]


@pytest.mark.parametrize(("text", "measure"), MEASURES)
def test_each_spelling_of_a_measure_means_one_thing(tmp_path: Path, text: str, measure: Measure) -> None:
    (key_result,) = Folder(tmp_path).measure(text).load().book.key_results()
    assert key_result.measure == measure
    assert key_result.definition


def test_a_cycle_covers_both_its_local_days(tmp_path: Path) -> None:
    (cycle,) = Folder(tmp_path).main().load().book.cycles
    assert (cycle.first, cycle.last) == (date(2026, 10, 1), date(2026, 12, 31))
    assert cycle.start == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert cycle.end == datetime(2026, 12, 31, 23, tzinfo=UTC)


def test_a_day_without_midnight_begins_at_its_first_instant(tmp_path: Path) -> None:
    """In Santiago the clocks went from 24:00 on Saturday 5 September 2026 to 01:00 on Sunday."""
    text = "timezone: America/Santiago\ncycles: {c: {start: 2026-09-06, end: 2026-09-06}}\n"
    (cycle,) = Folder(tmp_path).main(text).load().book.cycles
    assert (cycle.start, cycle.end) == (datetime(2026, 9, 6, 4, tzinfo=UTC), datetime(2026, 9, 7, 3, tzinfo=UTC))


def test_a_key_result_keeps_its_own_days_inside_the_cycle(tmp_path: Path) -> None:
    text = (
        f"{HEAD}objectives:\n  - id: o\n    title: O\n    key_results:\n"
        "      - {id: kr, title: KR, start: 2026-11-01, due: 2026-11-30, measure: {metric: bugs, at_most: 0}}\n"
    )
    (key_result,) = Folder(tmp_path).main().okrs(text).load().book.key_results()
    assert key_result.start == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert key_result.due == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_an_initiative_keeps_its_policies_and_numbers_its_scopes(tmp_path: Path) -> None:
    text = (
        f"{HEAD}initiatives:\n  - id: app\n    title: App\n    owner: ana\n    weight_by: points\n"
        "    missing_points: fail\n    unit: leaf\n    include: both\n    containers: mean\n    due: 2026-11-30\n"
        "    dropped: [Nicht umgesetzt]\n"
        "    delivery:\n      - {source: tracker, places: [B, A]}\n      - {source: tracker, places: [C]}\n"
    )
    config = Folder(tmp_path).main().okrs(text).load()
    (initiative,) = config.book.initiatives
    assert [(scope.ref, scope.query) for scope in initiative.scopes] == [
        ("app/1", '{"places":["B","A"]}'),
        ("app/2", '{"places":["C"]}'),
    ]
    assert (initiative.weight_by, initiative.missing_points, initiative.unit) == ("points", "fail", "leaf")
    assert (initiative.include, initiative.containers, initiative.due) == ("both", "mean", date(2026, 11, 30))
    assert initiative.dropped == {"nicht umgesetzt"}
    assert config.sources["tracker"].questions == {
        "app/1": WorkQuery(places=("B", "A")),
        "app/2": WorkQuery(places=("C",)),
    }


def test_resolutions_that_are_not_listed_drop_as_usual(tmp_path: Path) -> None:
    (initiative,) = Folder(tmp_path).main().okrs(HEAD + INITIATIVE).load().book.initiatives
    assert initiative.dropped == DROPPED_RESOLUTIONS


def test_a_level_comes_from_the_objective_else_the_file_else_the_team(tmp_path: Path) -> None:
    main = MAIN.replace("{title: Product}", "{title: Product, level: individual}")
    folder = Folder(tmp_path).main(main)
    folder.okrs(f"{HEAD}objectives: [{{id: a, title: A}}]\n", "okrs/a.yaml")
    folder.okrs(
        f"{HEAD}level: organisation\nobjectives: [{{id: b, title: B}}, {{id: c, title: C, level: team}}]\n",
        "okrs/b.yaml",
    )
    assert [each.level for each in folder.load().book.objectives] == ["individual", "organisation", "team"]


def test_links_and_weights_are_kept_in_the_order_of_the_files(tmp_path: Path) -> None:
    text = (
        f"{HEAD}objectives:\n  - {{id: z, title: Z, weight: 2, owner: ana}}\n"
        "  - {id: a, title: A, contributes_to: z, supports: z}\n"
    )
    z, a = Folder(tmp_path).main().okrs(text).load().book.objectives
    assert (z.id, z.weight, z.owner, z.cycle, z.team) == ("z", 2, "ana", "2026-Q4", "product")
    assert (a.contributes_to, a.supports) == ("z", ("z",))


def test_metrics_keep_their_bounds_and_their_question(tmp_path: Path) -> None:
    text = (
        f"{HEAD}metrics:\n  late: {{source: survey, column: x, where: {{b: '1', a: '2'}}, type: flow, max_age: 36 h}}\n"
    )
    config = Folder(tmp_path).main().okrs(text).load()
    nps, late = config.book.metrics[0], config.book.metrics[-1]
    assert (nps.minimum, nps.maximum, nps.unit, nps.title) == (-100, 100, "points", "nps")
    assert (late.type, late.max_age_days) == ("flow", 1.5)
    assert late.query == '{"column":"x","where":{"a":"2","b":"1"}}'
    assert list(config.sources["survey"].questions) == ["nps", "share", "bugs", "late"]


def test_a_source_is_fresh_for_two_intervals_and_its_deadline_unless_it_says(tmp_path: Path) -> None:
    main = MAIN.replace("kind: numbers}", "kind: numbers, fresh_for: 2 d, concurrency: 9, deadline: 30 s}")
    sources = Folder(tmp_path).main(main).load().sources
    assert sources["tracker"].fresh_for == timedelta(minutes=2 * 15 + 10)
    assert (sources["tracker"].is_delivery, sources["tracker"].concurrency) == (True, 4)
    assert sources["survey"].fresh_for == timedelta(days=2)
    assert (sources["survey"].is_delivery, sources["survey"].concurrency) == (False, 9)
    assert sources["survey"].deadline == timedelta(seconds=30)


def test_a_schedule_is_an_interval_and_none_is_none(tmp_path: Path) -> None:
    assert Folder(tmp_path).main().load().interval == timedelta(minutes=15)
    assert Folder(tmp_path).main("timezone: UTC\n").load().interval is None


def test_freshness_counts_from_the_longest_time_between_two_slots(tmp_path: Path) -> None:
    """On weekdays only: from Friday to Monday are three days, and a source with its own schedule has its own gap."""
    main = MAIN.replace("every 15 min", "cron 0 6 * * mon-fri").replace(
        "kind: work,", "kind: work, schedule: every 1 h,"
    )
    config = Folder(tmp_path).main(main).load()
    assert config.interval == timedelta(days=3)
    assert config.sources["tracker"].fresh_for == timedelta(hours=2, minutes=10)
    assert set(config.schedules) == {"", "tracker"}
    assert config.sources_of([""]) == frozenset(config.sources) - {"tracker"}
    assert config.sources_of(["tracker"]) == {"tracker"}


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("sqlite:///okr.db", "sqlite:///{folder}/okr.db"),
        ("sqlite:///data/okr.db", "sqlite:///{folder}/data/okr.db"),
        ("sqlite:////var/okr.db", "sqlite:////var/okr.db"),
        ("'sqlite:///:memory:'", "sqlite:///:memory:"),
        ("postgresql://db/okr", "postgresql://db/okr"),
        ("'sqlite:///${NAME:-x}.db'", "sqlite:///{folder}/x.db"),
    ],
)
def test_a_relative_store_lies_beside_the_main_file(tmp_path: Path, written: str, url: str) -> None:
    folder = Folder(tmp_path).main(f"store: {written}\n")
    assert folder.load().store_url == url.format(folder=tmp_path)
    assert store_url(tmp_path, {}) == url.format(folder=tmp_path)


def test_the_store_is_found_whatever_else_is_wrong(tmp_path: Path) -> None:
    folder = Folder(tmp_path, env={}).main(MAIN.replace("schedule", "scedule"))
    assert store_url(folder.path, {}) == f"sqlite:///{tmp_path}/okr-sync.db"
    with pytest.raises(ConfigError, match="STORE is not set"):
        store_url(folder.main("store: ${STORE}\n").path, {})
    with pytest.raises(ConfigError, match="not YAML"):
        store_url(folder.main("store: [\n").path, {})


def test_the_folder_and_its_main_file_are_the_same_config(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main().okrs(HEAD + INITIATIVE)
    by_file = load(tmp_path / "okr-sync.yaml", folder.env, registry())
    assert by_file == folder.load()
    assert by_file.files == (tmp_path / "okr-sync.yaml", tmp_path / "okrs/team.yaml")
    assert (by_file.file, by_file.folder) == (tmp_path / "okr-sync.yaml", tmp_path)


def test_a_path_in_settings_starts_at_the_config_folder(tmp_path: Path) -> None:
    config = Folder(tmp_path).main(MAIN.replace("kind: numbers}", "kind: numbers, path: data/x.csv}")).load()
    settings = config.sources["survey"].settings
    assert isinstance(settings, NumbersSettings)
    assert settings.path == tmp_path / "data/x.csv"


def test_a_connector_that_cannot_be_imported_is_a_mistake_at_its_source(tmp_path: Path) -> None:
    Folder(tmp_path).main("sources: {a: {kind: gone}}\n")
    with pytest.raises(ConfigError, match=r"okr-sync.yaml:1:21: connector 'gone' \(not_there:Gone\) can't be imported"):
        load(tmp_path, {}, Registry([entry("gone", "not_there:Gone")]))


def test_a_missing_config_says_how_to_begin(tmp_path: Path) -> None:
    assert Folder(tmp_path).told() == [
        "okr-sync.yaml:1:1: the file can't be read: No such file or directory; `okr-sync init` writes a new one"
    ]


def test_empty_files_and_empty_sections_say_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main("metrics:\nsources:\n# nothing yet\n").okrs("")
    config = folder.load()
    assert config.book.metrics == ()
    assert config.sources == {}
    assert len(config.files) == 2


def test_patterns_say_which_files_count_and_each_is_read_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main(MAIN + "okrs: [a/*.yaml, a/one.yaml]\n")
    folder.okrs(HEAD + INITIATIVE, "a/one.yaml").okrs("nonsense: 1", "okrs/unread.yaml")
    assert [file.name for file in folder.load().files] == ["okr-sync.yaml", "one.yaml"]
