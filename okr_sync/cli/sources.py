"""`sources`: how each source fares, who we are there, and which kinds there are."""

from __future__ import annotations

import os
from typing import Annotated, Any

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.live import checked_live, exit_of, grant_document, grant_lines, named_document, word_lines
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.troubles import trouble_document
from okr_sync.cli.upcoming import next_slots, slot_document, slot_line
from okr_sync.config import Config, load
from okr_sync.core.breaker import Breaker
from okr_sync.core.facts import SourceState
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.kit.describing import Description, Key, brought_by
from okr_sync.kit.describing import describe as kind_description
from okr_sync.registry import ConnectorError, Registry, UnknownKindError
from okr_sync.store.breakers import load_breakers
from okr_sync.store.database import Store
from okr_sync.store.location import store_exists
from okr_sync.store.sources import source_states
from okr_sync.sync.checking import Checked, mistakes


def sources(
    name: Annotated[str | None, Parameter(help="Only this source.")] = None,
    /,
    *,
    test: Annotated[
        bool, Parameter(negative="", help="Ask who we are, what we may do, and whether all that is mapped is there.")
    ] = False,
    kinds: Annotated[bool, Parameter(negative="", help="List the kinds of sources there are.")] = False,
    describe: Annotated[str | None, Parameter(help="Show all that one kind of source can be told and asked.")] = None,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """List the sources with their last success; ask them with --test, or see what kinds there are.

    Example: okr-sync sources --describe csv_file
    """
    if describe is not None:
        return _describe(describe, json=json)
    if kinds:
        return _kinds(json=json)
    config = load((place or Place()).config_file(), os.environ)
    names = _names(config, name)
    states, troubles = _states((place and place.store) or config.store_url)
    found = {each.probe.source: each for each in checked_live(config, quiet=json, only=name)} if test else {}
    rows = [
        _row(config, each, states.get(each), found.get(each)) | {"held_back": trouble_document(troubles.get(each))}
        for each in names
    ]
    slots = next_slots(config, current_time())
    due = {each: slots.get(each, slots.get("", [])) for each in names}
    if json:
        emit({"sources": [{**row, "next_slots": slot_document(due[row["name"]])} for row in rows]})
        return exit_of(found.values())
    for row in rows:
        slot = [f"  {slot_line(due[row['name']])}"] if due[row["name"]] else []
        say("\n".join([_line(row), *grant_lines(found.get(row["name"])), *word_lines(found.get(row["name"])), *slot]))
    if found:
        say("\n".join(map(str, mistakes(found.values(), config.sources))) or "everything that is mapped is there")
    return exit_of(found.values())


def _names(config: Config, name: str | None) -> tuple[str, ...]:
    if name is None or name in config.sources:
        return tuple(config.sources) if name is None else (name,)
    known = f"known: {', '.join(config.sources) or 'none'}"
    raise UsageError(f"there is no source {name!r}; {did_you_mean(name, config.sources, known)}")


def _kinds(*, json: bool) -> int:
    registry = Registry()
    rows = [_kind(registry, kind) for kind in registry.kinds()]
    if json:
        emit({"kinds": rows})
        return DONE
    groups = {"numbers": "For metrics", "work": "For the work of initiatives", None: "Can't be used"}
    for brings, title in groups.items():
        lines = [f"  {row['kind']:20} {row['summary'] or row['error']}" for row in rows if row["brings"] == brings]
        if lines:
            say("\n".join([f"{title}:", *lines]))
    say("`okr-sync sources --describe KIND` shows one of them, `okr-sync new-connector NAME` makes one of your own.")
    return DONE


def _kind(registry: Registry, kind: str) -> dict[str, str | None]:
    """Return a kind's line; one whose package is broken does not hide the others."""
    try:
        found = registry.connector_class(kind)
    except ConnectorError as error:
        return {"kind": kind, "summary": None, "brings": None, "error": str(error)}
    return {"kind": kind, "summary": found.summary, "brings": brought_by(found), "error": None}


def _describe(kind: str, *, json: bool) -> int:
    try:
        found = kind_description(kind, Registry().connector_class(kind))
    except UnknownKindError as error:
        raise UsageError(str(error)) from error
    if json:
        emit(found.document())
    else:
        say("\n".join(_page(found)))
    return DONE


def _page(found: Description) -> list[str]:
    past = "can say what was true in the past" if found.history else "says what is true now"
    lines = [f"{found.kind}: {found.summary}; brings {found.brings}, {past}."]
    lines += [f"Permissions: {found.permissions}"] if found.permissions else []
    for title, keys in (("Settings", found.settings), ("A question", found.question)):
        lines += ["", f"{title}:" if keys else f"{title}: no keys"]
        lines += [f"  {key.name:18} {_told(key)}" for key in keys]
    return [*lines, "", "Example:", *(f"  {line}" for line in found.example.splitlines())] if found.example else lines


def _told(key: Key) -> str:
    default = "required" if key.default is None else f"default {key.default}" if key.default else ""
    return "; ".join(part for part in (key.type, default, key.description) if part)


def _states(url: str) -> tuple[dict[str, SourceState], dict[str, Breaker]]:
    """A store that is not there yet knows nothing; that is no mistake here. One that can't be read is."""
    if not store_exists(url):
        return {}, {}
    with Store.open(url, create=False).reading() as session:
        return source_states(session, current_time()), load_breakers(session)


def _row(config: Config, name: str, state: SourceState | None, checked: Checked | None) -> dict[str, Any]:
    source, probe = config.sources[name], checked.probe if checked else None
    last = state.last_success if state else None
    row = {
        "name": name,
        "kind": source.kind,
        "questions": len(source.questions),
        "last_success": last.isoformat().replace("+00:00", "Z") if last else None,
        "stale": last is None or current_time() - last > source.fresh_for,
        "error": (probe.error if probe else None) or (state.error if state else None),
        "fix": (probe.fix if probe else None) or (state.fix if state else None),
        "identity": probe.identity if probe else None,
    }
    if checked is None:
        return row
    named = [named_document(each, source) for each in checked.named]
    grant = grant_document(checked.probe.grant)
    return {**row, "ok": checked.passed, "requests": checked.requests, "grant": grant, "named": named}


def _line(row: dict[str, Any]) -> str:
    since = f"last success {row['last_success']}" if row["last_success"] else "never asked with success"
    mark = "stale, " if row["stale"] else ""
    lines = [f"{row['name']} ({row['kind']}, {row['questions']} questions): {mark}{since}"]
    if row["identity"]:
        lines.append(f"  {row['identity']}")
    if row["error"]:
        lines.append(f"  ! {row['error']}" + (f"; what to do: {row['fix']}" if row["fix"] else ""))
    return "\n".join(lines)
