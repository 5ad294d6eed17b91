"""Laws of references: secrets come by environment or file only, and never out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.config import store_url
from okr_sync.config.places import Mistakes, Place
from okr_sync.config.references import References
from okr_sync.connector import Referenced
from okr_sync.errors import ConfigError
from tests.edge.config_builders import MAIN, Folder, NumbersSettings, WorkSettings

SECRET = "hunter2-\u00e4%'x"


@pytest.mark.parametrize(
    ("text", "value", "referenced"),
    [
        ("plain", "plain", False),
        ("${A}", "one", True),
        ("x${A}-${B:-two}y", "xone-twoy", True),
        ("${EMPTY:-fallback}", "fallback", True),
        ("${EMPTY}", "", True),
        ("$${A}", "${A}", False),
        ("$${A} ${A}", "${A} one", True),
        ("${file:secret.txt}", "from file", True),
        ("cost: 5 $", "cost: 5 $", False),
    ],
)
def test_a_reference_becomes_its_value_and_is_known_as_one(
    tmp_path: Path, text: str, value: str, referenced: bool
) -> None:
    (tmp_path / "secret.txt").write_text("from file\n")
    mistakes = Mistakes()
    resolved = References({"A": "one", "EMPTY": ""}, tmp_path, mistakes).resolve(text, Place("f", 1, 1))
    assert (resolved, isinstance(resolved, Referenced)) == (value, referenced)
    assert mistakes.told() == ()


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("${MISSING}", "environment variable MISSING is not set; set it, or give a default: ${MISSING:-…}"),
        ("${file:/no/such/file}", "file /no/such/file can't be read: No such file or directory; put the value there"),
        ("${file:binary}", "file binary can't be read: it is not UTF-8 text"),
        ("${file:large}", "file large is larger than 65536 bytes; a secret is one short line"),
        ("${not a name}", "this reference can't be read; write ${NAME}, ${NAME:-default} or ${file:/path}"),
        ("${open", "this reference can't be read; write ${NAME}"),
    ],
)
def test_what_cannot_be_resolved_says_what_to_set_at_its_place(tmp_path: Path, reference: str, told: str) -> None:
    folder = Folder(tmp_path)
    folder.write("binary", b"\xff\xfe")
    folder.write("large", "x" * 70_000)
    found = folder.main(MAIN.replace("${TOKEN}", reference)).told()
    assert len(found) == 1
    assert found[0].startswith(f"okr-sync.yaml:5:32: {told}")


def test_a_secret_reaches_its_setting_and_shows_as_stars(tmp_path: Path) -> None:
    config = Folder(tmp_path, env={"TOKEN": SECRET}).main().load()
    settings = config.sources["tracker"].settings
    assert isinstance(settings, WorkSettings)
    assert settings.token.get_secret_value() == SECRET
    assert SECRET not in repr(config)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    found = Folder(tmp_path, env={"TOKEN": " "}).main().told()
    assert len(found) == 1
    assert found[0].startswith("okr-sync.yaml:5:32: token: the value of")
    assert found[0].endswith("is empty")


def test_a_literal_secret_is_refused_without_repeating_it(tmp_path: Path) -> None:
    found = Folder(tmp_path).main(MAIN.replace("${TOKEN}", "ghp_literal0123456789")).told()
    assert len(found) == 1
    assert "may not stand in a file" in found[0]
    assert "ghp_literal" not in found[0]


@pytest.mark.parametrize(
    "edit",
    [
        "kind: numbers}|kind: numbers, url: '${TOKEN}'}",
        "kind: numbers}|kind: numbers, url: 'x${TOKEN}y'}",
        "kind: numbers}|kind: numbers, limit: '${TOKEN}'}",
        "kind: numbers}|kind: '${TOKEN}'}",
        "kind: numbers}|kind: numbers, fresh_for: '${TOKEN}'}",
        "source: survey, column: nps|source: '${TOKEN}', column: nps",
        "timezone: Europe/Berlin|timezone: '${TOKEN}'",
        "every 15 min|'${TOKEN}'",
        "end: 2026-12-31|end: '${TOKEN}'",
        "minimum: -100|minimum: '${TOKEN}'",
        "column: bugs|column: bugs, type: '${TOKEN}'",
        "timezone: Europe/Berlin|okrs: ['${TOKEN}']",
        "timezone: Europe/Berlin|okrs: ['${TOKEN}/../*']",
        "timezone: Europe/Berlin|store: '${TOKEN}'",
    ],
)
@pytest.mark.parametrize("secret", ["s3cret-token", "q7z", SECRET])
def test_no_mistake_tells_what_a_reference_brought(tmp_path: Path, edit: str, secret: str) -> None:
    before, after = edit.split("|")
    found = Folder(tmp_path, env={"TOKEN": secret}).main(MAIN.replace(before, after, 1)).told()
    assert found
    assert not [text for text in found if secret in text or repr(secret)[1:-1] in text]


def test_a_connector_that_repeats_its_input_tells_no_referenced_value(tmp_path: Path) -> None:
    main = MAIN.replace("kind: numbers}", "kind: numbers, url: 'http://s3cret-token.example'}")
    assert Folder(tmp_path).main(main).told() == ["okr-sync.yaml:4:32: url: http://${TOKEN}.example is no address"]
    short = Folder(tmp_path, env={"TOKEN": "is"}).main(main).told()
    assert short == ["okr-sync.yaml:4:32: url: http://s3cret-token.example is no address"]


def test_a_question_shows_a_reference_as_it_is_written(tmp_path: Path) -> None:
    main = MAIN.replace("column: bugs", "column: 'c-${TOKEN}', where: {a: '${TOKEN:-none}'}")
    config = Folder(tmp_path).main(main).load()
    assert config.book.metrics[-1].query == '{"column":"c-${TOKEN}","where":{"a":"${TOKEN}"}}'
    assert "s3cret" not in repr(config.book)


def test_a_number_may_come_by_reference(tmp_path: Path) -> None:
    main = MAIN.replace("kind: numbers}", "kind: numbers, limit: '${LIMIT:-7}'}").replace("-100", "'${LOW:--50}'")
    config = Folder(tmp_path).main(main).load()
    settings = config.sources["survey"].settings
    assert isinstance(settings, NumbersSettings)
    assert settings.limit == 7
    assert config.book.metrics[0].minimum == -50


def test_a_password_in_the_address_of_the_store_comes_by_reference_only(tmp_path: Path) -> None:
    file = tmp_path / "okr-sync.yaml"
    file.write_text("store: postgresql://okr:s3cret@db/okr\n", "utf-8")
    with pytest.raises(ConfigError, match="store: a password may not stand in a file") as caught:
        store_url(file, {})
    assert "s3cret" not in str(caught.value)
    file.write_text("store: ${OKR_STORE}\n", "utf-8")
    url = "postgresql://okr:s3cret@db/okr"
    assert store_url(file, {"OKR_STORE": url}) == url
    file.write_text("store: postgresql://okr@db:5432/okr\n", "utf-8")
    assert store_url(file, {}) == "postgresql://okr@db:5432/okr"
