"""What the redactor has learnt comes out of no stream, in no form, however the text is cut into writes."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from okr_sync.cli.logs import guarded_output, logging_at, split_level
from okr_sync.cli.program import COMMANDS, main
from okr_sync.errors import UsageError
from okr_sync.redaction import HIDDEN, Redactor, Sieve, current, forms_of, learn, learn_address, redacting
from tests.edge.cli_play import JIRA_TOKEN, playing
from tests.edge.test_cli_secrets import FORMS

SECRET = 'pa"ss/w+örd\\42'


def forms(secret: str) -> tuple[str, ...]:
    """Return the secret raw, in base64, URL- and JSON-escaped, made here anew."""
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return (
        secret,
        coded,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    )


@pytest.mark.parametrize("form", forms(SECRET))
def test_every_form_of_a_secret_is_hidden(form: str) -> None:
    redactor = Redactor()
    redactor.learn(forms_of({"auth": {"deep": [SecretStr(SECRET)]}}))
    assert redactor.over(f"a {form} b") == f"a {HIDDEN} b"


@given(st.lists(st.text(alphabet='pa"s/w+örd\\42 \n', max_size=6), max_size=12), st.integers(0, 12))
def test_no_cut_between_two_writes_lets_a_secret_through(noise: list[str], at: int) -> None:
    sink, redactor = io.StringIO(), Redactor()
    redactor.learn(forms_of({"token": SecretStr(SECRET)}))
    sieve = Sieve(sink, redactor)
    for piece in [*noise[:at], *SECRET, *noise[at:]]:
        sieve.write(piece)
    sieve.flush()
    assert SECRET not in sink.getvalue()


def test_a_secret_of_many_lines_is_hidden_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"
    redactor = Redactor()
    redactor.learn(forms_of({"key": SecretStr(key)}))
    assert "MIIE" not in redactor.over("first MIIEvQIBADAN then BgkqhkiG9w0B")
    assert "Bgkq" not in redactor.over("first MIIEvQIBADAN then BgkqhkiG9w0B")


def test_a_password_in_an_address_is_a_secret_whether_the_address_is_one_or_not() -> None:
    with redacting() as redactor:
        learn_address("postgresql://okr:s3cr%2Ft-word@db/okr")
        learn({"proxy": SecretStr("http://me:pr0xy-word@proxy:3128")})
        said = redactor.over("s3cr%2Ft-word s3cr/t-word pr0xy-word db")
    assert said == f"{HIDDEN} {HIDDEN} {HIDDEN} db"
    assert current().forms == (), "one command's secrets are forgotten at its end"


def test_logs_warnings_and_tracebacks_of_threads_go_through_the_redactor(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError(f"refused {SECRET}")

    with guarded_output(), logging_at("info"):
        learn({"token": SecretStr(SECRET)})
        logging.getLogger("urllib3").warning("retrying with %s", SECRET)
        logging.getLogger("okr_sync").info("plain")
        logging.getLogger("okr_sync").debug("too quiet")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        traceback.print_exception(ValueError(SECRET))
    err = capfd.readouterr().err
    assert not [form for form in forms(SECRET) if form in err]
    documents = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [each["event"] for each in documents] == [
        f"retrying with {HIDDEN}", "plain", "a thread ended by an exception"
    ]  # fmt: skip
    assert "Traceback" in documents[2]["exception"]
    assert documents[0]["level"] == "warning"


def test_the_level_is_a_word_anywhere_or_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert split_level(["sync", "--log-level", "debug", "--full"]) == (["sync", "--full"], "debug")
    assert split_level(["--log-level=ERROR", "sync"]) == (["sync"], "error")
    assert split_level(["push", "--", "--log-level", "x"]) == (["push", "--", "--log-level", "x"], "warning")
    monkeypatch.setenv("OKR_SYNC_LOG_LEVEL", "info")
    assert split_level(["sync"])[1] == "info"
    with pytest.raises(UsageError, match="debug, info, warning, error"):
        split_level(["sync", "--log-level", "loud"])
    assert main(["--log-level"]) == 2


WORDS = {"init": "new", "baseline": "nps", "push": "nps 1", "check-in": "guide-out --note x", "explain": "assistant",
         "history": "beta-built", "close": "Q4", "reopen": "Q4 --reason x", "import": "no.csv",
         "carry-over": "Q4 Q5", "new-connector": "thing --folder new", "runs": "1", "sources": "--test"}  # fmt: skip
ENDLESS = {"watch", "demo"}  # have tests of their own; neither reads a token


def test_planted_secrets_are_in_no_byte_of_any_output_of_any_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every word of the program, as it is in its table: also where a token stands in a title and in an argument."""
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.sync()
        play.okrs["objectives"][0]["title"] = f"Rotate {JIRA_TOKEN} soon"
        play.save()
        play.sync()
        monkeypatch.chdir(tmp_path)
        assert JIRA_TOKEN.encode() in b"".join(play.bytes_of_store().values()), "the secret is planted"
        said, codes = "", {}
        for command in COMMANDS.keys() - ENDLESS:
            ran = play.run(command, *WORDS.get(command, "").split(), "--log-level", "debug")
            said, codes[command] = said + ran.said, ran.code
    assert len(said) > 15_000
    assert codes["plan"] == codes["check"] == codes["sources"] == codes["sync"] == 0
    assert [form for form in FORMS if form in said] == []


def test_a_process_without_stderr_or_stdout_goes_on_without_it() -> None:
    code = "import sys; sys.stderr = None; from okr_sync.cli import main; sys.exit(main(['--version']))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, env=dict(os.environ))
    assert done.returncode == 0
