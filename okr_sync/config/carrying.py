"""Writes the next cycle's files from those of a cycle: what is unfinished, from where it stands, comments kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml.nodes import Node

from okr_sync.config.edits import Edits, items, scalar, value_of
from okr_sync.config.loading import Config
from okr_sync.core.model import Book, Objective
from okr_sync.core.numbers import at_least
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError

__all__ = ["Carried", "Standing", "carry_over"]

LEFT_BEHIND = frozenset({"metrics", "initiatives"})
"""Keys that outlive cycles: ids of metrics and initiatives stay, so that they keep their history."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key result stands at the end: its last value, and its score in [0, 1]; None: unknown."""

    value: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """The files to write (path → text), the ids that go on (old → new), and those that stay behind, each with why."""

    files: Mapping[Path, str]
    ids: Mapping[str, str]
    left: Mapping[str, str]


def carry_over(
    config: Config, begin: str, end: str, standings: Mapping[str, Standing], objectives: Collection[str] = ()
) -> Carried:
    """Return the files of cycle `end` made from those of cycle `begin`; nothing is written.

    Carried are key results that are not complete, with the objectives that hold them and those to which these
    contribute; of all, or of `objectives`. Each id gets the new cycle's name. A baseline becomes the last value,
    and one that is captured is captured anew.
    Raises UsageError for unknown names, when nothing is left to carry, when a new file exists already, and for a file
    that can't be copied line by line.
    """
    _require(config.book, begin, end, objectives)
    choice = _choose(config.book, begin, end, standings, objectives)
    files = {}
    for file in config.files[1:]:
        text = _copied(file, choice)
        if text is not None:
            files[_new_file(file, begin, end)] = text
    if not files:
        raise UsageError(f"nothing of cycle {begin} is left to carry over: {_say_left(choice.left)}")
    for file in files:
        if file.exists():
            raise UsageError(f"{file} exists; nothing was written. Move it away, or add to it by hand.")
    return Carried(files, choice.ids, choice.left)


@dataclass(frozen=True, slots=True)
class _Choice:
    begin: str
    end: str
    ids: dict[str, str]
    """Old id → new id of all objectives and key results that go on."""
    left: dict[str, str]
    standings: Mapping[str, Standing]
    stay: frozenset[str] = field(default_factory=frozenset)
    """Objectives of the old cycle that don't go on: links to them end."""


def _require(book: Book, begin: str, end: str, objectives: Collection[str]) -> None:
    cycles = {cycle.id for cycle in book.cycles}
    if begin not in cycles:
        raise UsageError(f"there is no cycle {begin} in the config{_hint(begin, cycles)}")
    if end not in cycles:
        raise UsageError(
            f"there is no cycle {end} in the config{_hint(end, cycles)}; declare its start and end under cycles first"
        )
    if begin == end:
        raise UsageError("a cycle can't be carried over into itself; name two")
    known = {each.id for each in book.objectives if each.cycle == begin}
    for name in objectives:
        if name not in known:
            raise UsageError(f"there is no objective {name} in cycle {begin}{_hint(name, known)}")


def _hint(word: str, known: Collection[str]) -> str:
    hint = did_you_mean(word, known, "")
    return f"; {hint}" if hint else ""


def _choose(book: Book, begin: str, end: str, standings: Mapping[str, Standing], wanted: Collection[str]) -> _Choice:
    mine = {each.id: each for each in book.objectives if each.cycle == begin}
    taken = {each.id for each in book.objectives} | {each.id for each in book.key_results()}
    ids: dict[str, str] = {}
    left: dict[str, str] = {}
    going: dict[str, None] = {}
    for objective in mine.values():
        for key_result in objective.key_results:
            new = _new_id(key_result.id, begin, end)
            why = _why_left(objective, standings.get(key_result.id, Standing()), wanted)
            if not why and new in taken:
                why = f"{new} is there already"
            if why:
                left[key_result.id] = why
            else:
                ids[key_result.id] = new
                going.update(dict.fromkeys(_upwards(objective, mine)))
    ids.update((name, _new_id(name, begin, end)) for name in going)
    return _Choice(begin, end, ids, left, standings, frozenset(mine) - set(going))


def _why_left(objective: Objective, standing: Standing, wanted: Collection[str]) -> str:
    if wanted and objective.id not in wanted:
        return "its objective is not named"
    return "complete" if standing.score is not None and at_least(standing.score, 1.0) else ""


def _upwards(objective: Objective, mine: Mapping[str, Objective]) -> Iterator[str]:
    """Yield the objective and those of its cycle that it contributes to, one above the other."""
    here: Objective | None = objective
    while here is not None:
        yield here.id
        here = mine.get(here.contributes_to or "")


def _new_id(old: str, begin: str, end: str) -> str:
    return f"{old.removesuffix(f'-{begin}')}-{end}"


def _new_file(file: Path, begin: str, end: str) -> Path:
    return file.with_name(f"{file.stem.removesuffix(f'-{begin}')}-{end}{file.suffix}")


def _copied(file: Path, choice: _Choice) -> str | None:
    """Return the new cycle's text of a file; None when nothing in it goes on."""
    edits = Edits(file.read_text("utf-8-sig"))
    root = edits.root()
    cycle = value_of(root, "cycle")
    names = [scalar(value_of(each, "id")) for each in items(value_of(root, "objectives"))]
    if cycle is None or scalar(cycle) != choice.begin or not any(name in choice.ids for name in names):
        return None
    try:
        _copy_file(edits, root, cycle, choice)
    except ValueError as error:
        raise UsageError(f"{file} can't be copied line by line: {error}; carry it over by hand") from error
    return f"# Carried over from {choice.begin}: what was not complete, from where it stood.\n{edits.done()}"


def _copy_file(edits: Edits, root: Node, cycle: Node, choice: _Choice) -> None:
    if edits.has_aliases():
        raise ValueError("it uses aliases (*name), whose values stand elsewhere")
    edits.replace(cycle, choice.end)
    _remove_keys(edits, root, LEFT_BEHIND)
    listed = value_of(root, "objectives")
    for number, each in enumerate(items(listed)):
        if listed is not None and scalar(value_of(each, "id")) not in choice.ids:
            edits.remove(listed, number)
        else:
            _copy_objective(edits, each, choice)


def _copy_objective(edits: Edits, objective: Node, choice: _Choice) -> None:
    _rename(edits, value_of(objective, "id"), choice)
    gone = set(LEFT_BEHIND)
    if scalar(value_of(objective, "contributes_to")) in choice.stay:
        gone.add("contributes_to")
    gone |= _copy_supports(edits, value_of(objective, "supports"), choice)
    _rename(edits, value_of(objective, "contributes_to"), choice)
    listed = value_of(objective, "key_results")
    kept = [each for each in items(listed) if scalar(value_of(each, "id")) in choice.ids]
    if not kept:
        gone.add("key_results")
    for number, each in enumerate(items(listed)):
        if each in kept:
            _copy_key_result(edits, each, choice)
        elif kept and listed is not None:
            edits.remove(listed, number)
    _remove_keys(edits, objective, gone)


def _copy_supports(edits: Edits, supports: Node | None, choice: _Choice) -> set[str]:
    """Rename what goes on; return the key when nothing of it is left to link to."""
    if supports is None:
        return set()
    links = [supports] if scalar(supports) is not None else list(items(supports))
    staying = [number for number, each in enumerate(links) if scalar(each) in choice.stay]
    if len(staying) == len(links):
        return {"supports"}
    for number, each in enumerate(links):
        if number in staying:
            edits.remove(supports, number)
        else:
            _rename(edits, each, choice)
    return set()


def _copy_key_result(edits: Edits, key_result: Node, choice: _Choice) -> None:
    name = value_of(key_result, "id")
    _rename(edits, name, choice)
    _remove_keys(edits, key_result, {"start", "due"})
    baseline = value_of(value_of(key_result, "measure"), "baseline")
    written = scalar(baseline)
    value = choice.standings.get(scalar(name) or "", Standing()).value
    if baseline is not None and (written is None or written == "capture"):
        edits.comment(key_result, f"baseline as in {choice.begin}: captured at the start of {choice.end}")
        return
    if baseline is None or written is None:
        return
    if value is None:
        edits.comment(key_result, f"baseline as in {choice.begin}: it had no value at the end")
        return
    if value <= 0 and _is_share(value_of(value_of(key_result, "measure"), "by")):
        edits.comment(
            key_result, f"baseline as in {choice.begin}: a share of its last value, {value:.15g}, says nothing"
        )
        return
    number = f"{value:.15g}" + (" %" if written.endswith("%") else "")
    edits.replace_number(baseline, number)
    edits.comment(key_result, f"baseline {number} is the last value of {choice.begin}, where it was {written}")


def _is_share(by: Node | None) -> bool:
    return value_of(by, "relative") is not None or (scalar(by) or "").endswith("%")


def _rename(edits: Edits, node: Node | None, choice: _Choice) -> None:
    new = choice.ids.get(scalar(node) or "")
    if node is not None and new is not None:
        edits.replace(node, new)


def _remove_keys(edits: Edits, node: Node, keys: Collection[str]) -> None:
    for number, (key, _) in enumerate(node.value):
        if key.value in keys:
            edits.remove(node, number)


def _say_left(left: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in left.items()) or "it has no key results"
