"""Where logs, warnings and uncaught exceptions go: stderr, redacted, as JSON off a terminal."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from okr_sync.errors import UsageError
from okr_sync.redaction import Redactor, Sieve, redacting

LEVELS = ("debug", "info", "warning", "error")
OPTION, VARIABLE = "--log-level", "OKR_SYNC_LOG_LEVEL"
USUAL = "warning"


def split_level(words: Sequence[str]) -> tuple[list[str], str]:
    """Return the words without `--log-level`, and the level: as said there, else in OKR_SYNC_LOG_LEVEL.

    Raises UsageError for a level that there is not.
    """
    kept, level, rest = [], os.environ.get(VARIABLE, USUAL), iter(words)
    for word in rest:
        if word == "--":
            kept += [word, *rest]
        elif word == OPTION:
            level = next(rest, "")
        elif word.startswith(f"{OPTION}="):
            level = word.partition("=")[2]
        else:
            kept.append(word)
    if level.lower() not in LEVELS:
        raise UsageError(f"{OPTION} is one of {', '.join(LEVELS)}")
    return kept, level.lower()


@contextmanager
def guarded_output() -> Iterator[None]:
    """Redact all that stdout and stderr get while this lasts; what waits then is passed on."""
    with redacting() as redactor:
        redactor.learn(_from_environment())
        with _sieved("stdout", redactor), _sieved("stderr", redactor):
            yield


@contextmanager
def _sieved(name: str, redactor: Redactor) -> Iterator[None]:
    """Put a sieve before a stream of `sys`; a process that was started without it goes on without it."""
    sink = getattr(sys, name)
    if sink is None:
        yield
        return
    sieve = Sieve(sink, redactor)
    setattr(sys, name, sieve)
    try:
        yield
    finally:
        setattr(sys, name, sink)
        _drain(sieve)


@contextmanager
def logging_at(level: str) -> Iterator[None]:
    """Send what is logged at `level` and above to stderr while this lasts, with warnings and what threads leave."""
    root, handler = logging.getLogger(), _handler()
    before, hook = root.level, threading.excepthook
    with ExitStack() as undo:
        root.addHandler(handler)
        undo.callback(root.removeHandler, handler)
        root.setLevel(level.upper())
        undo.callback(root.setLevel, before)
        logging.captureWarnings(capture=True)
        undo.callback(logging.captureWarnings, capture=False)
        threading.excepthook = _log_of_thread
        undo.callback(setattr, threading, "excepthook", hook)
        yield


def log_uncaught(error: BaseException) -> None:
    """Log an exception that nobody expected, with its traceback, at the level debug."""
    logging.getLogger("okr_sync").debug("uncaught", exc_info=(type(error), error, error.__traceback__))


def _log_of_thread(left: threading.ExceptHookArgs) -> None:
    trace: Any = (left.exc_type, left.exc_value, left.exc_traceback)
    logging.getLogger("okr_sync").error("a thread ended by an exception", exc_info=trace)


def _handler() -> logging.Handler:
    handler = _Late()
    handler.setFormatter(_Formatter())
    return handler


class _Late(logging.StreamHandler[Any]):
    """Writes to what stderr is at the time of writing, so that nothing passes by the sieve."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Return stderr as it is now."""
        return sys.stderr


class _Formatter(logging.Formatter):
    """Formats by structlog, which is loaded when there is something to log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON off a terminal; lines for people on one."""
        return _lines(terminal=sys.stderr.isatty()).format(record)


def _lines(*, terminal: bool) -> logging.Formatter:
    import structlog  # noqa: PLC0415 -- most commands log nothing

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(processors=[*shared, *last])


def _from_environment() -> Iterator[str]:
    token = os.environ.get("OKR_SYNC_TOKEN", "").strip()  # the one secret that is no setting
    if token:
        yield token


def _drain(sieve: Sieve) -> None:
    try:
        sieve.flush()
    except (BrokenPipeError, ValueError):
        return  # whoever read is gone, or closed it: there is nobody to tell
