"""`report`: the same facts in five formats, to the terminal or a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import AsOf, Json, Place, reading_time
from okr_sync.cli.stores import address, reading
from okr_sync.core.report import Report
from okr_sync.errors import UsageError
from okr_sync.store.database import Store
from okr_sync.views.reporting import publish as remember
from okr_sync.views.reporting import stored_report

Format: TypeAlias = Literal["md", "html", "csv", "json", "text"]

RENDERERS: dict[Format, str] = {
    "md": "okr_sync.render.markdown",
    "html": "okr_sync.render.html",
    "csv": "okr_sync.render.table",
    "json": "okr_sync.render.document",
    "text": "okr_sync.render.text",
}
"""Format → the module whose `render` writes it."""


def report(
    *,
    format: Annotated[Format, Parameter(help="Which format.")] = "text",  # noqa: A002 -- the option's name
    output: Annotated[Path | None, Parameter(help="Write to this file instead of the terminal.")] = None,
    since: Annotated[
        datetime | None, Parameter(help="Compare with this instant [default: the last published report, else 7 days].")
    ] = None,
    publish: Annotated[bool, Parameter(negative="", help="The next report is compared with this one.")] = False,
    place: Place | None = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """Write a report: text, Markdown, HTML, CSV or JSON; the same store gives the same bytes."""
    basis = None if since is None else reading_time(since)
    with reading(place, as_of) as (session, now):
        made = stored_report(session, now, basis)
    _write(renderer("json" if json and output is None else format)(made), output, json=json)
    if publish:
        with Store.open(address(place), create=False).writing() as session:
            remember(session, made)
    return DONE


def renderer(form: Format) -> Callable[[Report], str]:
    """Return the function that renders a report in this format."""
    render: Callable[[Report], str] = import_module(RENDERERS[form]).render
    return render


def _write(text: str, output: Path | None, *, json: bool) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"the report can't be written to {output}: {error.strerror}; name another --output") from error
    if json:
        emit({"written": str(output)})
    else:
        say(f"wrote {output}")
