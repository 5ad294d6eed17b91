"""How `check --live` and `sources --test` tell what the sources said about all that is mapped to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from okr_sync.cli.exits import DONE, SOURCE_FAILED
from okr_sync.cli.place import current_time
from okr_sync.cli.progressing import progress
from okr_sync.config import Config, Source
from okr_sync.connector import Grant, Named
from okr_sync.sync.checking import Checked, check_all, mistakes
from okr_sync.sync.probing import grant_words


def checked_live(config: Config, *, quiet: bool, only: str | None = None) -> tuple[Checked, ...]:
    """Return what the sources say, or the one called `only`; with a progress line each on a terminal."""
    names = tuple(name for name in config.sources if only in (None, name))
    with progress(names, quiet=quiet) as watch:
        return check_all(config, current_time(), only=only, watch=watch)


def passed(found: Iterable[Checked]) -> bool:
    """Return whether nothing is wrong anywhere."""
    return all(each.passed for each in found)


def exit_of(found: Iterable[Checked]) -> int:
    """Return the exit code."""
    return DONE if passed(found) else SOURCE_FAILED


def live_lines(found: Sequence[Checked], config: Config) -> list[str]:
    """Return a line or more a source, then each name that leads nowhere as file:line:column: message."""
    lines = [line for each in found for line in source_lines(each)]
    wrong = mistakes(found, config.sources)
    return [*lines, *map(str, wrong), _sum(found)]


def source_lines(checked: Checked) -> list[str]:
    """Return who we are at a source, what we may do there, how many names were found, and why it failed."""
    probe, names = checked.probe, _names(checked)
    good = sum(not each.miss for each in names)
    asked = f"{checked.requests} request{'s' * (checked.requests != 1)}"
    lines = [f"{probe.source}: {probe.identity or 'not signed in'}; {good} of {len(names)} found; {asked}"]
    lines += [*grant_lines(checked), *word_lines(checked)]
    if probe.error:
        lines.append(f"  ! {probe.error}" + (f"; what to do: {probe.fix}" if probe.fix else ""))
    return lines


def grant_lines(checked: Checked | None) -> list[str]:
    """Return what the credential may do, in a line, or in none when nothing is known."""
    grant = checked.probe.grant if checked else None
    words = grant_words(grant) if grant else ""
    return [f"  {words}"] if words else []


def word_lines(checked: Checked | None) -> list[str]:
    """Return what is to be known of a source as a whole, a line each."""
    return [f"  {each.said}" for each in (checked.named if checked else ()) if not each.ref and not each.miss]


def live_document(found: Iterable[Checked], config: Config) -> list[dict[str, Any]]:
    """Return the same for machines, with the names that were found."""
    return [
        {
            "source": each.probe.source,
            "ok": each.passed,
            "identity": each.probe.identity,
            "error": each.probe.error,
            "fix": each.probe.fix,
            "requests": each.requests,
            "grant": grant_document(each.probe.grant),
            "named": [named_document(named, config.sources[each.probe.source]) for named in each.named],
        }
        for each in found
    ]


def named_document(named: Named, source: Source) -> dict[str, Any]:
    """Return where a name is written and what it leads to."""
    place = source.place(named.ref, named.path)
    return {
        "file": place and place.file,
        "line": place and place.line,
        "column": place and place.column,
        "question": named.ref or None,
        "said": named.said,
        "miss": named.miss,
    }


def grant_document(grant: Grant | None) -> dict[str, Any] | None:
    """Return what a credential may do and when it ends; null: unknown."""
    if grant is None:
        return None
    expires = grant.expires.isoformat().replace("+00:00", "Z") if grant.expires else None
    granted = None if grant.granted is None else list(grant.granted)
    return {"needed": list(grant.needed), "granted": granted, "missing": list(grant.missing), "expires": expires}


def _names(checked: Checked) -> list[Named]:
    """Return what the config names, without the words about a source as a whole."""
    return [each for each in checked.named if each.ref or each.path]


def _sum(found: Sequence[Checked]) -> str:
    wrong, names = sum(not each.passed for each in found), sum(len(_names(each)) for each in found)
    if not wrong:
        return f"everything that is mapped is there: {names} names at {len(found)} sources"
    return f"{wrong} of {len(found)} sources have something to correct"
