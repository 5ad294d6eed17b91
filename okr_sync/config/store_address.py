"""The address of the store: what readers need of a config, and all that they read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from okr_sync.config.amounts import Text
from okr_sync.config.entry import Entry, read_entry
from okr_sync.config.places import Mistakes, Place
from okr_sync.config.reading import parse_table, read_table
from okr_sync.config.references import References
from okr_sync.errors import ConfigError, Mistake
from okr_sync.redaction import learn, learn_address

__all__ = ["MAIN_NAME", "StoreEntry", "main_file", "noted_address", "store_url"]

MAIN_NAME = "okr-sync.yaml"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|KEY|CREDENTIAL|HOOK|PING", re.IGNORECASE)


class StoreEntry(Entry):
    """What okr-sync.yaml says of the store."""

    store: Text = "sqlite:///okr-sync.db"


def main_file(path: Path) -> Path:
    """Return okr-sync.yaml, which `path` is or holds."""
    return path / MAIN_NAME if path.is_dir() else path


def store_url(path: Path, env: Mapping[str, str], text: str | None = None) -> str:
    """Return the address of the store alone, whatever else okr-sync.yaml holds; `text` stands in its place.

    Raises ConfigError when the file can't be read or the address is wrong.
    """
    file, mistakes = main_file(path), Mistakes()
    mistakes.files.append(str(file))
    references = References(env, file.parent, mistakes)
    if text is None:
        table = read_table(file, str(file), references, mistakes)
    else:
        table = parse_table(text, str(file), references, mistakes)
    main = None if table is None else read_entry(StoreEntry, table.only(["store"]), mistakes)
    if table is None or main is None:
        raise ConfigError(mistakes.told())
    if text is None:
        _learn_referenced(file, env)
    url = noted_address(main, file.parent, mistakes)
    wrong = tuple(each for each in mistakes.told() if _stands_at(each, table.values_at.get("store")))
    if wrong:
        raise ConfigError(wrong)
    return url


def noted_address(main: StoreEntry, folder: Path, mistakes: Mistakes) -> str:
    """Return the address with a relative SQLite path made absolute, from the config's folder; note what is wrong."""
    learn_address(main.store)
    scheme, mark, rest = main.store.partition("://")
    if not mark or not scheme:
        mistakes.add(main.at("store"), "store: expected an address like sqlite:///okr-sync.db")
    if _holds_a_password(rest) and not main.referenced("store"):
        told = "a password may not stand in a file; write ${NAME} for an environment variable or ${file:/path}"
        mistakes.add(main.at("store"), f"store: {told}")
    path = rest.removeprefix("/")
    if scheme.partition("+")[0] != "sqlite" or not rest.startswith("/") or path in {"", ":memory:"}:
        return main.store
    return f"{scheme}:///{(folder / path).absolute()}"


def _learn_referenced(file: Path, env: Mapping[str, str]) -> None:
    """Tell the redactor the secrets that the file refers to: readers load no sources, but titles may quote a token."""
    names = set(_REFERENCE.findall(file.read_text("utf-8", errors="replace")))
    learn({name: SecretStr(env[name]) for name in names if name in env and _SECRET.search(name)})


def _holds_a_password(rest: str) -> bool:
    """Return whether what follows :// in an address names a password: user:password@…, or as an option."""
    return ("@" in rest and ":" in rest.partition("@")[0]) or "password=" in rest


def _stands_at(mistake: Mistake, place: Place | None) -> bool:
    return place is not None and (mistake.line, mistake.column) == (place.line, place.column)
