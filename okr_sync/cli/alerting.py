"""`alerts`: what is wrong now, what was told to whom, and whether a message would arrive."""

from __future__ import annotations

import os
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.alerts import deliver
from okr_sync.alerts.delivering import Post
from okr_sync.cli.exits import DONE, FAILED
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.stores import reader
from okr_sync.config import load
from okr_sync.core.alerting import Notice, Trouble
from okr_sync.errors import UsageError
from okr_sync.render.words import moment, status_word
from okr_sync.store.alerts import Letter, enqueue, letters
from okr_sync.store.alerts import troubles as open_troubles
from okr_sync.store.database import Store


def alerts(
    *,
    test: Annotated[bool, Parameter(negative="", help="Send a test message to every channel of the config.")] = False,
    limit: Annotated[int, Parameter(validator=Number(gte=1), help="How many messages to list, the newest first.")] = 20,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """List what is wrong now and the messages about it; send a test message with --test.

    Example: okr-sync alerts --test
    """
    tested = _test(place) if test else ()
    with reader(place).reading() as session:
        found, sent = list(open_troubles(session).values()), letters(session, limit=limit)
    if json:
        emit({"troubles": [_trouble(each) for each in found], "letters": [_letter(each) for each in sent]})
    else:
        say(
            "\n".join([*map(_trouble_line, found), *map(_letter_line, sent)]) or "nothing is wrong, and nobody was told"
        )
    return DONE if all(each.state == "sent" for each in tested) else FAILED


def _test(place: Place | None) -> list[Letter]:
    """Put a test into the outbox and send it; return what became of it."""
    config, now = load((place or Place()).config_file(), os.environ), current_time()
    if not config.alerts.channels:
        raise UsageError("there is no channel to test; name some below `alerts: channels:` in okr-sync.yaml")
    store = Store.open((place and place.store) or config.store_url)
    said = Notice("test", "source", "", now, now, f"{author_of_changes()} wants to know whether this arrives")
    with store.writing() as session:
        number = enqueue(session, [said], config.alerts.channels)
        tested = {each.id for each in letters(session, limit=number)}
    deliver(Post(store, current_time), config.alerts)
    with store.reading() as session:
        return [each for each in letters(session, limit=number) if each.id in tested]


def _trouble_line(trouble: Trouble) -> str:
    name = f"{trouble.kind} {trouble.subject}".rstrip()
    return f"! {name} since {moment(trouble.since)}: {trouble.reason}"


def _letter_line(letter: Letter) -> str:
    notice = letter.notice
    when = f", next try {moment(letter.try_at)}" if letter.state == "waiting" else ""
    error = f"; {letter.error}" if letter.error else ""
    return (
        f"{letter.id}  {moment(notice.at)}  to {letter.channel}, {status_word(letter.state)}{when} "
        f"({letter.tries} {'try' if letter.tries == 1 else 'tries'}): {notice.title}: {notice.reason}{error}"
    )


def _trouble(trouble: Trouble) -> dict[str, Any]:
    said = {"kind": trouble.kind, "subject": trouble.subject}
    return {**said, "since": _instant(trouble.since), "reason": trouble.reason}


def _letter(letter: Letter) -> dict[str, Any]:
    notice = letter.notice
    return {
        **{name: getattr(letter, name) for name in ("id", "key", "channel", "state", "tries", "error")},
        **{name: getattr(notice, name) for name in ("event", "kind", "subject", "title", "reason")},
        "at": _instant(notice.at),
        "since": _instant(notice.since),
        "try_at": _instant(letter.try_at) if letter.state == "waiting" else None,
        "ended_at": _instant(letter.ended_at),
    }


def _instant(at: Any) -> str | None:
    return None if at is None else str(at.isoformat()).replace("+00:00", "Z")
