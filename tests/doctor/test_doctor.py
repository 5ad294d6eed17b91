"""The doctor sees what is wrong, says what to do, changes nothing, and its bundle holds no secret."""

from __future__ import annotations

import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from okr_sync.doctor import examine
from okr_sync.doctor.sources import skew
from okr_sync.doctor.store import examine_store
from okr_sync.sandbox.server import Fault, Response
from okr_sync.store import Store
from okr_sync.store.housekeeping import claim, fail, finish
from okr_sync.store.ledger import begin_run
from okr_sync.store.tokens import add_token
from tests.edge.cli_play import GITHUB_TOKEN, JIRA_TOKEN, QUICK, SECRETS, Play, Ran, playing
from tests.edge.test_cli_secrets import FORMS

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.change_source("tracker", deadline=QUICK)
        yield play


def found(ran: Ran) -> dict[str, tuple[str, str, str]]:
    """Subject → level, what was seen, what to do."""
    return {each["subject"]: (each["level"], each["said"], each["fix"]) for each in ran.json()["findings"]}


def test_a_healthy_installation_passes_and_nothing_is_written(play: Play) -> None:
    play.sync()
    before = play.rows()
    ran = play.run("doctor", "--json")
    assert (ran.code, ran.json()["passed"]) == (0, True), ran.said
    said = found(ran)
    assert {level for level, _, _ in said.values()} <= {"ok", "warn"}
    assert {"config", "time zones", "disk", "schema", "integrity", "permissions", "runs", "source tracker"} <= set(said)
    assert said["clock and tracker"][:2] == ("ok", "they agree")
    assert said["source tracker"][1].startswith("signed in as")
    assert play.rows() == before
    text = play.run("doctor", "--offline")
    assert text.out.rstrip().endswith("0 fail")
    assert "source tracker" not in text.out


def test_a_refused_token_and_a_wrong_clock_are_found_each_with_what_to_do(play: Play) -> None:
    play.sync()
    play.jira.inject(Fault("response", Response.of({}, 401), times=10_000))
    ran = play.run("doctor", "--json")
    assert ran.code == 4
    level, said, fix = found(ran)["source tracker"]
    assert (level, "401" in said) == ("fail", True), said
    assert "It needs:" in fix


@pytest.mark.parametrize(("minutes", "level"), [(-20, "fail"), (2, "warn"), (0, "ok")])
def test_a_wrong_clock_is_told_by_the_sources_also_when_they_refuse_us(play: Play, minutes: int, level: str) -> None:
    play.jira.inject(Fault("response", Response.of({}, 401), times=10_000))
    off = timedelta(minutes=minutes)
    examined = examine(play.folder / "okr-sync.yaml", SECRETS, lambda: current_time() + off)
    finding = next(each for each in examined.findings if each.subject == "clock and tracker")
    assert finding.level == level
    if level != "ok":
        assert finding.said.endswith("behind" if minutes < 0 else "ahead")
        assert "NTP" in finding.fix


def test_broken_files_are_one_finding_and_the_store_is_examined_all_the_same(play: Play) -> None:
    play.sync()
    play.main["sources"]["tracker"]["kind"] = "nothing"
    play.save()
    ran = play.run("doctor", "--json")
    assert ran.code == 4
    assert found(ran)["config"][0] == "fail"
    assert "okr-sync check" in found(ran)["config"][2]
    assert found(ran)["integrity"][0] == "ok"


def test_a_store_that_is_not_there_is_no_failure_and_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    assert [each.level for each in examine_store(url, NOW) if each.subject == "store"] == ["warn"]
    assert list(tmp_path.iterdir()) == []
    gone = [each for each in examine_store(f"sqlite:///{tmp_path}/no/x.db", NOW) if each.subject == "disk"]
    assert [each.level for each in gone] == ["fail"]


def test_damage_an_open_mode_an_older_schema_and_a_run_to_come_are_found(tmp_path: Path) -> None:
    file = tmp_path / "okrs.db"
    store = Store.open(f"sqlite:///{file}")
    begin_run(store, NOW + timedelta(hours=2), "test", timedelta(hours=1), "host:1")
    with store.writing() as session:
        add_token(session, NOW, "ci", "ana", metrics=("*",), expires=NOW + timedelta(days=3))
    file.chmod(0o644)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        columns = "run_id, source, outcome, requests, retries, seconds, seen, changed"
        connection.execute(f"INSERT INTO run_sources ({columns}) VALUES (99, 'x', 'ok', 0, 0, 0, 0, 0)")  # noqa: S608
    said = {each.subject: each for each in examine_store(f"sqlite:///{file}", NOW)}
    assert said["permissions"].level == "warn"
    assert said["permissions"].fix == f"chmod 600 {file}"
    assert (said["runs"].level, "still to come" in said["runs"].said) == ("fail", True)
    assert said["integrity"].said == "1 rows point to rows that are not there"
    assert (said["token of a sender"].level, "ci ends on 2026-10-08" in said["token of a sender"].said) == (
        "warn",
        True,
    )
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    said = {each.subject: each for each in examine_store(f"sqlite:///{file}", NOW)}
    assert (said["schema"].level, said["schema"].fix) == ("fail", "run okr-sync migrate")
    file.write_bytes(b"not a database at all" * 100)
    said = {each.subject: each for each in examine_store(f"sqlite:///{file}", NOW)}
    assert said["store"].level == "fail"


@pytest.mark.parametrize(("ahead", "told"), [(0, 0), (-1, 0), (1, 0), (60, 58), (-60, -59)])
def test_a_difference_of_clocks_is_told_only_beyond_what_can_be_known(ahead: int, told: int) -> None:
    """The answer took two seconds and the header is exact to one: less than that is no difference."""
    assert skew(NOW + ahead * SECOND, NOW, NOW + 2 * SECOND) == told * SECOND


def test_the_bundle_has_what_helps_and_no_secret_in_any_byte(play: Play) -> None:
    play.sync()
    play.okrs["objectives"][0]["title"] = f"Rotate {JIRA_TOKEN}"
    play.save()
    log = play.folder / "service.log"
    log.write_text("x" * 300_000 + f"\n401 for {GITHUB_TOKEN}\n", "utf-8")
    target = play.folder / "help.tar.gz"
    ran = play.run("doctor", "--bundle", str(target), "--log", str(log))
    assert ran.code == 0, ran.said
    assert f"wrote {target}" in ran.out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with tarfile.open(target) as bundle:
        texts = {each.name.partition("/")[2]: _text(bundle, each) for each in bundle}
    assert set(texts) >= {"findings.json", "versions.json", "runs.json", "log.txt", "config/okr-sync.yaml"}
    assert "config/okrs/product.yaml" in texts
    assert "${JIRA_TOKEN}" in texts["config/okr-sync.yaml"]
    assert "Rotate ***" in texts["config/okrs/product.yaml"]
    assert texts["log.txt"].endswith("401 for ***\n")
    assert len(texts["log.txt"]) < 300_000
    assert [form for form in FORMS for text in texts.values() if form in text] == []


def test_a_bundle_overwrites_nothing(play: Play) -> None:
    target = play.folder / "help.tar.gz"
    target.write_text("mine", "utf-8")
    assert play.run("doctor", "--offline", "--bundle", str(target)).code == 2
    assert target.read_text("utf-8") == "mine"
    assert play.run("doctor", "--offline", "--log", "x").code == 2


def _text(bundle: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    content = bundle.extractfile(entry)
    assert content is not None
    return content.read().decode()


def test_growth_and_housekeeping_are_told_and_a_disk_that_will_be_full(tmp_path: Path) -> None:
    """Seen red without the days that are left."""
    url, day = f"sqlite:///{tmp_path / 'okrs.db'}", timedelta(days=1)
    store = Store.open(url)
    said = {each.subject: each for each in examine_store(url, NOW)}
    assert (said["growth"].level, said["housekeeping"].said[:8]) == ("ok", "none was")
    begin_run(store, NOW, "test", timedelta(hours=1), "host:1")
    with store.writing() as session:
        assert claim(session, NOW + day, NOW + day, "a:1", NOW + 2 * day)
        finish(session, NOW + day, NOW + day, {"points": 7, "runs": 0})
        session.connection().exec_driver_sql("UPDATE housekeeping SET size = size - 1000")
    said = {each.subject: each for each in examine_store(url, NOW + 5 * day)}
    assert (said["growth"].level, "MiB a day: there is room for " in said["growth"].said) == ("ok", True)
    assert said["housekeeping"].said == "done at 2026-10-06 09:00 UTC; deleted 7 points"
    with store.writing() as session:
        session.connection().exec_driver_sql("UPDATE housekeeping SET size = -100000000000000000")
    said = {each.subject: each for each in examine_store(url, NOW + 5 * day)}
    assert (said["growth"].level, "the disk is full in 0 days" in said["growth"].said) == ("warn", True)
    with store.writing() as session:
        assert claim(session, NOW + 5 * day, NOW + 5 * day, "a:1", NOW + 6 * day)
        assert fail(session, NOW + 5 * day, NOW + 5 * day, "it was too large")
    told = [each.said for each in examine_store(url, NOW + 5 * day) if each.subject == "service"]
    assert told == ["the housekeeping of the store: it failed at 2026-10-10 09:00 UTC: it was too large"]
