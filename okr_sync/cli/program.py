"""The command `okr-sync`: its words, loaded when used, and the one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.config import Env

from okr_sync import __version__
from okr_sync.cli.exits import BROKEN_CONFIG, BUG, DONE, INTERRUPTED, exit_code
from okr_sync.cli.logs import guarded_output, log_uncaught, logging_at, split_level
from okr_sync.errors import ConfigError, OkrSyncError, SourceError, UsageError

COMMANDS = {
    "init": ("okr_sync.cli.files:init", "Write a commented starter config into a folder."),
    "check": ("okr_sync.cli.files:check", "Read the config files and show every mistake at once."),
    "schema": ("okr_sync.cli.files:schema", "Print the JSON Schema of the config files, for editors."),
    "plan": ("okr_sync.cli.running:plan", "Ask the sources and show what a sync would change; write nothing."),
    "sync": ("okr_sync.cli.running:sync", "Ask the sources, compute every key result, write it to the store."),
    "backfill": ("okr_sync.cli.backfilling:backfill", "Compute past days from what the sources know; write them."),
    "run": ("okr_sync.cli.working:run", "Do a run at once, in a process of its own: run now."),
    "work": ("okr_sync.cli.working:work", "Run the schedule until stopped; any number of workers share a store."),
    "up": ("okr_sync.cli.working:up", "Run everything that this installation needs, in one process."),
    "check-in": ("okr_sync.cli.checking_in:check_in", "Enter a value, a confidence or a note for a key result."),
    "baseline": ("okr_sync.cli.baselines:baseline", "Show how a baseline was captured, or capture it anew."),
    "push": ("okr_sync.cli.pushing:push", "Send a value of a metric; the next sync takes it over."),
    "tokens": ("okr_sync.cli.tokens:tokens", "List, make or revoke the tokens with which programs send values."),
    "confirm": ("okr_sync.cli.confirming:confirm", "Accept a number that is suspect, with a reason that is kept."),
    "owed": ("okr_sync.cli.owing:owed", "List who owes what: values that are missing or end soon, check-ins."),
    "status": ("okr_sync.cli.reading:status", "Show where every objective and key result stands."),
    "explain": ("okr_sync.cli.explaining:explain", "Show why a key result has its number, down to the issue."),
    "report": ("okr_sync.cli.reporting:report", "Write a report: text, Markdown, HTML, CSV or JSON."),
    "history": ("okr_sync.cli.reading:history", "List the progress points of a key result."),
    "runs": ("okr_sync.cli.reading:runs", "List the runs, or show one with an entry a key result."),
    "cycles": ("okr_sync.cli.cycles:cycles", "List the cycles with their state, and who closed and reopened them."),
    "close": ("okr_sync.cli.cycles:close", "Freeze a cycle with every score; --verify checks that nobody changed it."),
    "reopen": ("okr_sync.cli.cycles:reopen", "Open a closed cycle again, with a reason that is kept."),
    "import": ("okr_sync.cli.importing:import_okrs", "Write config files from a CSV file or Markdown tables."),
    "carry-over": ("okr_sync.cli.carrying:carry_over", "Write the next cycle's files from what is not complete."),
    "sources": ("okr_sync.cli.sources:sources", "List the sources with their last success; ask them with --test."),
    "new-connector": ("okr_sync.cli.kit:new_connector", "Write a package with a connector of your own."),
    "doctor": ("okr_sync.cli.doctoring:doctor", "Examine config, store, disk, clock, sources and tokens."),
    "alerts": ("okr_sync.cli.alerting:alerts", "List what is wrong and who was told; send a test message."),
    "watch": ("okr_sync.cli.watching:watch", "Serve health, readiness and metrics on a loopback port."),
    "migrate": ("okr_sync.cli.running:migrate", "Bring the store's schema up to this version."),
    "backup": ("okr_sync.cli.keeping:backup", "Write the whole store into one file, also while a run is under way."),
    "restore": ("okr_sync.cli.keeping:restore", "Bring a backup into the store, or into another database."),
    "verify": ("okr_sync.cli.keeping:verify", "Check what must hold of every store."),
    "prune": ("okr_sync.cli.keeping:prune", "Delete what is older than --keep and no answer rests on."),
    "demo": ("okr_sync.cli.demonstrating:demo", "See it work: a sandbox, an example, weeks of history, a report."),
}
"""Command → where it lives and its one line of help."""


def build_app() -> App:
    """Return the command line; commands are imported when they are used."""
    app = App(
        name="okr-sync",
        help="Keeps OKRs true by itself: computes every key result from Jira, GitHub and metrics.",
        version=__version__,
        config=Env("OKR_SYNC_", command=False),
        help_format="plaintext",
        help_epilogue="Every option is also an environment variable: --config is OKR_SYNC_CONFIG.\n"
        "--log-level debug, info, warning or error, anywhere: what is logged to stderr, as JSON off a terminal.\n"
        "Exit codes: 0 done, 1 a bug, 2 wrong config or words, 3 done but a source failed, 4 failed, "
        "5 already running.",
        suppress_keyboard_interrupt=False,
    )
    for name, (where, line) in COMMANDS.items():
        app.command(where, name=name, help=line)
    return app


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error becomes one clear message on stderr.

    No secret that the command reads comes out, on stdout or stderr, in a log or a traceback.
    """
    with guarded_output():
        try:
            kept, level = split_level(sys.argv[1:] if words is None else words)
        except UsageError as error:
            return _explained(error)
        with logging_at(level):
            return _run(kept)


def _run(words: Sequence[str]) -> int:
    try:
        done: Any = build_app()(
            words, result_action="return_value", exit_on_error=False, print_error=False, help_on_error=False
        )
        sys.stdout.flush()  # a reader that went away is noticed here and not at the interpreter's end
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- the edge: whatever happened, one message
        return _explained(error)
    return done if isinstance(done, int) else DONE


def _explained(error: BaseException) -> int:
    """Say what happened and what to do; return the exit code."""
    match error:
        case CycloptsError():
            _say(f"{str(error).strip()}\nSee `okr-sync --help`.")
            return BROKEN_CONFIG
        case ConfigError():
            _say(_mistakes(error))
        case OkrSyncError():
            fix = f"\nWhat to do: {error.fix}" if isinstance(error, SourceError) and error.fix else ""
            _say(f"{error}{fix}")
        case KeyboardInterrupt():
            _say("interrupted; the store holds what was complete")
            return INTERRUPTED
        case BrokenPipeError():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        case _:
            return _bug(error)
    return exit_code(error)


def _bug(error: BaseException) -> int:
    log_uncaught(error)
    if os.environ.get("OKR_SYNC_DEBUG"):
        traceback.print_exception(error)
    _say(
        f"this is a bug in okr-sync: {type(error).__name__}: {error}\n"
        "Run the same command with OKR_SYNC_DEBUG=1 and report what it prints."
    )
    return BUG


def _mistakes(error: ConfigError) -> str:
    files = len({mistake.file for mistake in error.mistakes})
    count = len(error.mistakes)
    return (
        f"{error}\n{count} mistake{'s' * (count != 1)} in {files} file{'s' * (files != 1)}; nothing was done. "
        "Correct them and run `okr-sync check`."
    )


def _say(text: str) -> None:
    """Write to stderr; what a tracker or a config said in it can't steer the terminal."""
    clean = import_module("okr_sync.render.words").clean  # loaded only when there is something to say
    sys.stderr.write("\n".join(clean(line) for line in text.rstrip().split("\n")) + "\n")
