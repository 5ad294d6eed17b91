"""Who is believed to be the tracker, and how often one that refuses us is asked."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.sandbox.server import Server
from tests.edge.case_play import Kind, check_kept, check_true, check_witness, opened, tracker_of
from tests.edge.sync_play import entry_of
from tests.edge.test_source_cases import EACH, ROWS
from tests.outbound.web import certificate


@pytest.mark.parametrize("kind", EACH)
def test_only_a_certificate_that_is_vouched_for_is_believed(kind: Kind, tmp_path: Path) -> None:
    """The server says what is true, but anybody could have signed its certificate. Red when none is verified."""
    files = certificate(tmp_path, "127.0.0.1")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusting.load_cert_chain(*files)
    with opened(tracker_of(kind), tmp_path) as case, Server(case.tracker.server.site, tls=trusting) as secure:
        before = dict(case.tracker.truth())
        case.finish_something()
        seen = case.run(url=secure.url)
        check_kept(seen, before)
        check_witness(case, seen)
        assert (secure.log, seen.slept) == ([], [])
        assert "`ca_file`" in entry_of(seen.report, "finish-alpha").fix
        seen = case.run(url=secure.url, ca_file=str(files[0]))
        check_true(case, seen)
        assert len(secure.log) == seen.requests
        check_true(case, case.run())


@pytest.mark.parametrize(
    ("kind", "refusal"), [("cloud", "a CAPTCHA"), ("dc", "401 now"), ("graphql", "401 now"), ("gitlab", "401 now")]
)
def test_a_tracker_that_refuses_is_probed_once_an_hour_until_the_settings_change(
    kind: Kind, refusal: str, tmp_path: Path
) -> None:
    """Quarters of an hour. Red without the breaker: each of them asks."""
    with opened(tracker_of(kind), tmp_path) as case:
        before = dict(case.tracker.truth())
        case.finish_something()
        ROWS[refusal].begin(case)
        runs = [case.run(timedelta(minutes=15)) for _ in range(7)]
        assert 1 <= runs[0].requests <= 2
        assert [each.requests for each in runs[1:]] == [0, 0, 0, 1, 0, 0]
        for each in runs:
            check_kept(each, before)
        case.tracker.server.heal()
        assert case.run(timedelta(minutes=1)).requests == 0, "the settings are the same"
        check_true(case, case.run(timedelta(minutes=1), timeout=31))
