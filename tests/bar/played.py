"""A source for real processes: a file says what it answers, how long it takes, and how it misbehaves."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from okr_sync.connector import Answer, Ask, ConfigPath, MetricSource, Query, Reading, Settings

MIB = 1024**2  # bytes


class PlayedSettings(Settings):
    """The file with what to do, and the file to which each answer is appended."""

    script: ConfigPath
    told: ConfigPath


class Played(MetricSource):
    """Answers with the number in its script."""

    kind = "played"
    summary = "numbers from a script"
    Settings = PlayedSettings
    Query = Query

    def probe(self) -> str:
        return "played"

    def read(self, ask: Ask[Any]) -> Answer:
        """Answer all questions with one number, after doing what the script says."""
        script = json.loads(Path(self.settings.script).read_text("utf-8"))
        with Path(self.settings.told).open("a", encoding="utf-8") as told:
            told.write(f"{os.getpid()} {script['value']}\n")
        if "begin" in script:
            subprocess.Popen(["sleep", str(script["begin"])])
        hoard = [bytearray(MIB) for _ in range(script.get("hog", 0))]
        if script.get("crash"):
            os.abort()
        time.sleep(script.get("seconds", 0))
        hoard.clear()
        return dict.fromkeys(ask.queries, (Reading(float(script["value"])),))
