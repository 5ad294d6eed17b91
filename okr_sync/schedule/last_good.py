"""Reads the config for a worker: what is written, and while that has mistakes the last one that had none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okr_sync.config import Config, load
from okr_sync.config.kept import kept_texts, load_kept, salvaged_store_url
from okr_sync.errors import ConfigError, StoreError
from okr_sync.registry import Registry
from okr_sync.schedule.engine import Tell
from okr_sync.store.database import Store
from okr_sync.store.good_configs import fingerprint, keep, kept, note_mistake
from okr_sync.store.location import store_exists

__all__ = ["LastGood", "first_config"]


def first_config(
    file: Path, env: Mapping[str, str], store_url: str | None = None, registry: Registry | None = None
) -> tuple[Config, ConfigError | None]:
    """Return the config to begin with, and what is wrong with what is written when it is an older one.

    `store_url` is an address over the config's. Raises ConfigError when what is written has mistakes and the store
    holds nothing that could stand in.
    """
    try:
        return load(file, env, registry), None
    except ConfigError as error:
        found = _stand_in(file, env, store_url, registry)
        if found is None:
            raise
        return found, error


def _stand_in(file: Path, env: Mapping[str, str], store_url: str | None, registry: Registry | None) -> Config | None:
    try:
        url = store_url or salvaged_store_url(file, env)
        if not store_exists(url):
            return None
        with Store.open(url, create=False).reading() as session:
            found = kept(session, str(file.absolute()))
        return None if found is None else load_kept(file, found.texts, env, registry)
    except (ConfigError, StoreError):
        return None  # what is written has mistakes, and they are what is told


@dataclass(frozen=True, slots=True)
class LastGood:
    """Reads the config in `file`, and keeps it in the store whenever it has no mistake."""

    store: Store
    file: Path
    env: Mapping[str, str]
    clock: Callable[[], datetime]
    tell: Tell
    registry: Registry | None = None

    def load(self) -> Config:
        """Return the config as it is written now. Raises ConfigError; that it has mistakes is noted in the store."""
        try:
            config = load(self.file, self.env, self.registry)
        except ConfigError as error:
            self._note(str(error.mistakes[0]))
            raise
        self._keep(config)
        return config

    def _keep(self, config: Config) -> None:
        try:
            texts = kept_texts(config)
            with self.store.reading() as session:
                known = kept(session, self._name())
            if known is not None and not known.mistake and known.sha256 == fingerprint(texts):
                return
            load_kept(self.file, texts, self.env, self.registry)
            with self.store.writing() as session:
                keep(session, self._name(), texts, self.clock())
        except (OSError, ValueError, ConfigError):
            return  # it is being edited just now: the next look keeps it
        except StoreError as error:
            self.tell(f"the config is good, but could not be kept: {error}")

    def _note(self, mistake: str) -> None:
        try:
            with self.store.reading() as session:
                known = kept(session, self._name())
            if known is not None and known.mistake != mistake:
                with self.store.writing() as session:
                    note_mistake(session, self._name(), mistake, self.clock())
        except StoreError as error:
            self.tell(f"that the config has mistakes could not be noted: {error}")

    def _name(self) -> str:
        return str(self.file.absolute())
