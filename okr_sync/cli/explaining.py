"""`explain`: why a number is what it is."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import AsOf, Json, Place
from okr_sync.cli.stores import reading
from okr_sync.render import document
from okr_sync.render.explanation import render_explanation
from okr_sync.render.said import render_said, said_documents
from okr_sync.store import results
from okr_sync.store.checkins import check_ins
from okr_sync.views.explaining import stored_explanation


def explain(
    name: Annotated[str, Parameter(help="A key result or an initiative.")],
    /,
    *,
    place: Place | None = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """Show why a key result has its number: formula, query, the items behind it, what changed, what people said."""
    with reading(place, as_of) as (session, now):
        explanation = stored_explanation(session, name, now)
        said = () if results.is_withheld(session, name) else check_ins(session, name)
    if json:
        emit({**document.explain_document(explanation), "check_ins": said_documents(said)})
    else:
        say(render_explanation(explanation).rstrip("\n") + "\n" + render_said(said))
    return DONE
