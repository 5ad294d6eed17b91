"""Who changed a definition, and why: what was said, else what git knows of its lines, else who runs this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from okr_sync.config import Config
from okr_sync.config.commits import UNCOMMITTED, Commit, Commits, FileLines, date_of
from okr_sync.config.whereabouts import Defined, Lines
from okr_sync.core.definition import initiatives_of, metrics_of
from okr_sync.core.model import Book
from okr_sync.store.definitions import Credit, Definition

__all__ = ["REASON", "UNSIGNED", "Changed", "Signed", "credits_of"]

Changed = Mapping[Defined, Definition | None]
"""What has a new version → the version before; None: there is none."""

REASON = "config files"


@dataclass(frozen=True, slots=True)
class Signed:
    """Who and why, as the person says who runs it: `author` and `reason` win over everything else."""

    author: str | None = None
    reason: str | None = None


UNSIGNED = Signed()


def credits_of(
    config: Config, changed: Changed, author: str, signed: Signed, commits: Commits | None
) -> dict[Defined, Credit]:
    """Return who changed each of `changed`, and why; `author` is who it is when nobody else is known.

    By `commits` (None: git is not asked): the newest one among its own lines; if the version before came from that one
    already, of what it rests on and changed, too; else the last commit of its file, which may have removed lines.
    """
    if commits is None or (signed.author and signed.reason):
        return {each: _credit(None, author, signed) for each in changed}
    blame = _Blame(config, changed, commits)
    return {each: _credit(blame.find(each), author, signed) for each in changed}


def _credit(found: Commit | None, author: str, signed: Signed) -> Credit:
    if found is None:
        by, why = author, REASON
    elif not found.hash:
        by, why = author, f"{REASON} (not committed)"
    else:
        by, why = found.author or author, found.reason
    return Credit(signed.author or by, signed.reason or why)


@dataclass(slots=True)
class _Blame:
    config: Config
    changed: Changed
    commits: Commits
    found: dict[Defined, Commit | None] = field(default_factory=dict)

    def find(self, each: Defined) -> Commit | None:
        if each not in self.found:
            self.found[each] = None  # what rests on itself is not followed
            self.found[each] = self._find(each)
        return self.found[each]

    def _find(self, each: Defined) -> Commit | None:
        lines, before = self.config.lines.get(each), self.changed[each]
        if lines is None:
            return None
        own = self._newest(lines)
        if own is None or not own.hash or _is_news(own, before):
            return own
        beneath = (self.find(name) for name in _rests_on(self.config.book, each) if name in self.changed)
        news = [commit for commit in beneath if commit is not None]
        if news:
            return news[0]
        last = self.commits.last(lines.file)
        return last if last is not None and (not last.hash or _is_news(last, before)) else None

    def _newest(self, lines: Lines) -> Commit | None:
        known = self.commits.lines(lines.file)
        if not isinstance(known, FileLines):
            return known
        held = [commit for number, commit in _written(lines, known)]
        if UNCOMMITTED in held:
            return UNCOMMITTED
        dated = [(commit.at, commit) for commit in held if commit.at is not None]
        return max(dated, key=lambda pair: pair[0], default=(None, None))[1]


def _written(lines: Lines, known: FileLines) -> Iterable[tuple[int, Commit]]:
    """Yield the lines that say something, with their commits: blank ones and comments are left out."""
    for number, (commit, text) in enumerate(zip(known.commits, known.texts, strict=True), 1):
        if number in lines and text.strip() and not text.lstrip().startswith("#"):
            yield number, commit


def _is_news(commit: Commit, before: Definition | None) -> bool:
    """Return whether a commit can have made another version than `before`: not one that made it, nor an older one."""
    if before is None:
        return True
    then = date_of(before.reason)
    older = then is not None and (commit.at is None or commit.at < then)
    return not older and (before.author, before.reason) != (commit.author, commit.reason)


def _rests_on(book: Book, each: Defined) -> list[Defined]:
    """Return what stands elsewhere and makes a new version of a key result: metrics, initiatives, the cycle."""
    kind, name = each
    for objective in book.objectives if kind == "key_result" else ():
        for key_result in objective.key_results:
            if key_result.id == name:
                metrics: list[Defined] = [("metric", used) for used in metrics_of(key_result.measure)]
                work: list[Defined] = [("initiative", used) for used in initiatives_of(key_result.measure)]
                return [*metrics, *work, ("cycle", objective.cycle)]
    return []
