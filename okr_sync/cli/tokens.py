"""`tokens`: who may send values, for which metrics, until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time, reading_time
from okr_sync.cli.stores import address
from okr_sync.errors import UsageError
from okr_sync.store.database import Store
from okr_sync.store.tokens import Token, add_token, revoke_token
from okr_sync.store.tokens import tokens as all_tokens

LIFE = timedelta(days=90)


def tokens(
    action: Annotated[Literal["list", "add", "revoke"], Parameter(help="What to do.")] = "list",
    name: Annotated[str | None, Parameter(help="The token's name, for add and revoke.")] = None,
    /,
    *,
    metric: Annotated[
        tuple[str, ...], Parameter(help="A metric that it may send, or a pattern (sales_*); may be repeated.")
    ] = (),
    expires: Annotated[datetime | None, Parameter(help="When it ends [default: in 90 days].")] = None,
    author: Annotated[str | None, Parameter(help="Who does so [default: who is logged in].")] = None,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """List, make or revoke the tokens with which programs send values; the store keeps only their hashes.

    Example: okr-sync tokens add ci --metric deploys --metric 'build_*'
    """
    who, now = author or author_of_changes(), current_time()
    if action == "list":
        return _list(place, now, json=json)
    if name is None:
        raise UsageError(f"name the token: okr-sync tokens {action} NAME")
    store = Store.open(address(place))
    if action == "revoke":
        with store.writing() as session:
            revoke_token(session, now, name, who)
        _tell({"name": name, "state": "revoked"}, f"{name} is revoked", json=json)
        return DONE
    until = reading_time(expires) if expires else now + LIFE
    with store.writing() as session:
        text = add_token(session, now, name, who, metrics=metric, expires=until)
    words = f"{text}\nThis is the only time that it is shown. It ends on {until:%Y-%m-%d %H:%M} UTC."
    _tell({"name": name, "token": text, "metrics": list(metric), "expires": _instant(until)}, words, json=json)
    return DONE


def _list(place: Place | None, now: datetime, *, json: bool) -> int:
    with Store.open(address(place), create=False).reading() as session:
        found = all_tokens(session)
    lines = [
        f"{each.name}: {each.state(now)}, for {', '.join(each.metrics)}, until {each.expires:%Y-%m-%d %H:%M} UTC, "
        f"made by {each.author} on {each.made_at:%Y-%m-%d}"
        for each in found
    ]
    _tell({"tokens": [_row(each, now) for each in found]}, "\n".join(lines) or "there are no tokens", json=json)
    return DONE


def _row(token: Token, now: datetime) -> dict[str, Any]:
    said = {"name": token.name, "state": token.state(now), "metrics": list(token.metrics), "author": token.author}
    return {**said, "made_at": _instant(token.made_at), "expires": _instant(token.expires)}


def _tell(document: dict[str, Any], words: str, *, json: bool) -> None:
    if json:
        emit(document)
    else:
        say(words)


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
