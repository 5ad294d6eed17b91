"""The last good config as texts: what to keep of a config, and how to read it when what is written now has mistakes.

Texts are kept as people wrote them: references stand there unresolved, and no secret does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from okr_sync.config.loading import Config, load
from okr_sync.config.store_address import main_file, store_url
from okr_sync.errors import ConfigError
from okr_sync.registry import Registry

__all__ = ["kept_texts", "load_kept", "salvaged_store_url"]


def kept_texts(config: Config) -> dict[str, str]:
    """Return path → text of all files of the config, paths relative to its folder. Raises OSError, ValueError."""
    return {file.relative_to(config.folder).as_posix(): file.read_text("utf-8") for file in config.files}


def load_kept(path: Path, texts: Mapping[str, str], env: Mapping[str, str], registry: Registry | None = None) -> Config:
    """Return the config that the texts make in the place of the files in `path`. Raises ConfigError."""
    folder = path if path.is_dir() else path.parent
    return load(path, env, registry, texts={folder / name: text for name, text in texts.items()})


def salvaged_store_url(path: Path, env: Mapping[str, str]) -> str:
    """Return the address of the store of a config that may be broken beyond reading: of its line `store:` alone.

    Raises ConfigError when even that says no address.
    """
    try:
        return store_url(path, env)
    except ConfigError:
        try:
            lines = main_file(path).read_text("utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        said = next((line for line in lines if line.startswith("store:")), "okrs: []")
        return store_url(path, env, text=said)
