"""Notices reach their channels over real HTTP, each once; what a channel does to us is written down and passes."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.alerts import deliver
from okr_sync.alerts.delivering import HEADER, LEASE, Post
from okr_sync.alerts.watching import look
from okr_sync.alerts.wording import escaped, worded
from okr_sync.connector import WebSettings
from okr_sync.core.alerting import Notice
from okr_sync.sandbox.server import Fault, Response
from okr_sync.store.alerts import Watching, claim_letter, letters
from okr_sync.store.sources import declare_sources, save_source
from tests.alerts.rooms import CHAT, OPS, SECRET, Clock, alerts_to, notice, office, taking
from tests.store.builders import HOUR, NOW, answered

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_letter_reaches_its_channel_once_with_its_key_and_in_the_words_of_the_channel(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice("a < b"), channels=("ops", "chat"))
    with taking() as (taker, server):
        first = deliver(post, alerts_to(server))
        assert deliver(post, alerts_to(server)) == ()
    assert [each.state for each in first] == ["sent", "sent"]
    ops, chat = taker.taken
    assert (ops.method, ops.path, chat.path) == ("POST", OPS, CHAT.partition("?")[0])
    assert ops.headers[HEADER.lower()] == first[0].key == ops.json()["id"]
    assert ops.json() == {
        "id": first[0].key, "event": "raised", "kind": "source", "subject": "survey", "at": "2026-10-05T09:00:00Z",
        "since": "2026-10-05T09:00:00Z", "title": "Source survey: trouble", "reason": "a < b",
    }  # fmt: skip
    assert chat.json()["text"] == "🔴 okr-sync: Source survey: trouble\na &lt; b"
    assert chat.json()["mrkdwn"] is False


def test_what_is_refused_is_tried_again_later_and_holds_up_no_other_channel(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice(), channels=("ops", "chat"))
    with taking() as (taker, server):
        server.inject(Fault("response", Response(500), where="/services"))
        assert [each.state for each in deliver(post, alerts_to(server))] == ["waiting", "sent"]
        assert deliver(post, alerts_to(server)) == ()
        clock.forward(MINUTE)
        (again,) = deliver(post, alerts_to(server))
    assert (again.state, again.tries) == ("sent", 2)
    assert [each.path for each in taker.taken] == [CHAT.partition("?")[0], OPS]


def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice())
    with taking() as (_, server):
        server.inject(Fault("response", Response(429, headers={"Retry-After": "600"})))
        deliver(post, alerts_to(server))
        clock.forward(10 * MINUTE)
        assert deliver(post, alerts_to(server)) == ()
        clock.forward(MINUTE)
        assert [each.state for each in deliver(post, alerts_to(server))] == ["sent"]


def test_no_fault_of_a_channel_comes_through_and_none_shows_its_address(tmp_path: Path) -> None:
    """Seen red without `_without`: the path of the hook stood in the error."""
    clock = Clock()
    post = office(tmp_path, clock, notice())
    faults = [
        Fault("response", Response(404)), Fault("response", Response(401)), Fault("drop"), Fault("silence", seconds=2),
        Fault("response", Response(302, headers={"Location": f"http://127.0.0.2/{SECRET}"})),
    ]  # fmt: skip
    said = []
    with taking() as (taker, server):
        for fault in faults:
            server.inject(fault)
            (letter,) = deliver(post, alerts_to(server, timeout=0.3))
            said.append(letter.error or "")
            clock.forward(HOUR)
        private = dataclasses.replace(alerts_to(server), reach=WebSettings())
        said.append(deliver(post, private)[0].error or "")
        assert len(taker.taken) <= 2, "a redirect is not followed, a private address not asked"
    server.stop()
    clock.forward(HOUR)
    said.append(deliver(post, alerts_to(server))[0].error or "")
    assert all(said), said
    assert [each for each in said if SECRET in each or OPS in each] == []
    assert "allow_hosts" in said[5]


def test_a_letter_is_given_up_after_a_day_and_one_for_a_channel_that_is_gone_at_once(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice(), channels=("ops", "gone"))
    with taking() as (_, server):
        server.inject(Fault("response", Response(500), times=10_000))
        states = []
        for _ in range(24 * 6):
            states += [(each.channel, each.state) for each in deliver(post, alerts_to(server))]
            clock.forward(10 * MINUTE)
    assert states[1] == ("gone", "given_up")
    assert states[-1] == ("ops", "given_up")
    assert len(states) < 35
    with post.store.reading() as session:
        assert "not in the config any more" in (letters(session)[0].error or "")


def test_two_processes_send_each_letter_once(tmp_path: Path) -> None:
    """Seen red with claims that keep nobody away."""
    clock = Clock()
    first = office(tmp_path, clock, *[notice(subject=f"s{number}") for number in range(20)])
    with taking() as (taker, server):
        server_alerts = alerts_to(server, timeout=5)
        others = [threading.Thread(target=deliver, args=(Post(first.store, clock), server_alerts)) for _ in range(4)]
        for each in others:
            each.start()
        for each in others:
            each.join(60)
    assert len(taker.taken) == len({each.headers[HEADER.lower()] for each in taker.taken}) == 20
    assert [each.json()["subject"] for each in taker.taken] == [f"s{number}" for number in range(20)]


def test_a_letter_whose_sender_died_is_sent_by_the_next_one_with_the_same_key(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice())
    with post.store.writing() as session:
        claimed = claim_letter(session, NOW, LEASE)
    assert claimed is not None
    with taking() as (taker, server):
        assert deliver(post, alerts_to(server)) == ()
        clock.forward(LEASE)
        assert len(deliver(post, alerts_to(server))) == 1
        assert taker.taken[0].headers[HEADER.lower()] == claimed.key


def test_a_pass_ends_in_its_time_and_when_the_worker_is_asked_to(tmp_path: Path) -> None:
    clock = Clock()
    post = office(tmp_path, clock, notice())
    stopped = dataclasses.replace(post, stop=threading.Event())
    stopped.stop.set()
    with taking() as (taker, server):
        assert deliver(stopped, alerts_to(server)) == ()
        assert deliver(post, alerts_to(server), seconds=0) == ()
        assert taker.taken == []


def test_stale_numbers_are_told_without_any_run(tmp_path: Path) -> None:
    """With all workers' sources silent, a look raises it once; a second look says nothing."""
    clock = Clock()
    post = office(tmp_path, clock)
    with post.store.writing() as session:
        declare_sources(session, {"survey": HOUR})
        save_source(session, answered(()))
    watching = Watching(("ops",))
    assert look(post.store, watching, NOW + HOUR) == ()
    assert [each.event for each in look(post.store, watching, NOW + 2 * HOUR)] == ["raised"]
    assert look(post.store, watching, NOW + 2 * HOUR) == ()


HOSTILE = [
    "<!channel>",
    "@here now",
    "<https://evil.example|safe>",
    "[safe](https://evil.example)",
    "a\u202eb\x1b[2J",
    "a\nb",
]


def test_a_hostile_title_mentions_nobody_and_links_nowhere() -> None:
    for text in HOSTILE:
        said = worded(notice(text, text), "slack", "k")["text"]
        assert not {"<", ">", "@here", "@channel", "](", "://", "\u202e", "\x1b"} & {each for each in said if each}
        for forbidden in ("<!", "@h", "](", "://", "\u202e", "\x1b"):
            assert forbidden not in said, text
        assert said.count("\n") == 1
        document = worded(notice(text, text), "webhook", "k")
        assert "\x1b" not in document["reason"]


@given(st.text(max_size=300))
def test_whatever_is_said_nothing_of_it_means_anything_to_a_chat(text: str) -> None:
    said = escaped(text)
    assert "<" not in said
    assert ">" not in said
    assert not any(said[at] in "@!" and said[at + 1 : at + 2] != "\u200b" for at in range(len(said)))
    assert "](" not in said
    assert "://" not in said


def test_a_reason_has_an_end() -> None:
    long = Notice("raised", "source", "survey", NOW, NOW, "x" * 100_000)
    assert len(worded(long, "webhook", "k")["reason"]) == 1_500
