"""Foreign text stays text: whatever a title holds, no format lets it act."""

from __future__ import annotations

import csv
import io
import re

import pytest
from rich.console import Console

from okr_sync.render import html, markdown, table, terminal, words
from tests.edge.render_reading import RENDERERS, parse
from tests.edge.render_samples import hostile_report

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "</title></style><script>x</script>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "`code` **bold** _under_ ~~gone~~ # head",
    "a | b \\| c",
    "line\n# two\r\n- three\u2028four",
    "- [ ] a task",
    "1. a list",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "  =1+1",
    "\x1b[31mred\x1b]0;owned\x07\x1b[2J",
    "\x9b31mred",
    "\u202egnp.exe\u2066 hidden\u2069",
    "\x00nul\x08back\x7f",
    "[bold red]markup[/bold red] [link=file:///etc/passwd]x[/link]",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &amp; &#60;",
    "\ud800 alone",
    "%s %n {0} ${HOME}",
)
_STEERING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\ud800-\udfff]"
)


def has_steering(said: str) -> bool:
    """Return whether text could steer a terminal or turn the reading direction."""
    return _STEERING.search(said) is not None


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("name", RENDERERS)
def test_foreign_text_can_not_steer_the_reader(name: str, evil: str) -> None:
    """No control, no turn of the reading direction and no lone surrogate reaches any output."""
    said = RENDERERS[name](hostile_report(evil))
    assert not has_steering(said)
    said.encode()


@pytest.mark.parametrize("evil", HOSTILE)
def test_foreign_text_stays_text_in_html(evil: str) -> None:
    """The page of a hostile report has the same elements and attributes as that of a harmless one."""
    harmless = parse(html.render(hostile_report("harmless")))
    page = parse(html.render(hostile_report(evil)))
    assert page.tags == harmless.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in harmless.attributes]
    assert " ".join(words.clean(evil).split()) in " ".join(" ".join(page.shown).split())


@pytest.mark.parametrize("evil", HOSTILE)
def test_foreign_text_stays_text_in_markdown(evil: str) -> None:
    """It opens no block, no table cell, no link, no tag: as many lines and cells as a harmless text."""
    harmless = markdown.render(hostile_report("harmless")).split("\n")
    lines = markdown.render(hostile_report(evil)).split("\n")
    assert len(lines) == len(harmless)
    for line, model in zip(lines, harmless, strict=True):
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == len(re.findall(r"\|", model))
        assert not re.search(r"(?<!\\)(?:\\\\)*(\]\(|!\[|<[a-z/])", line)
        assert re.match(r"^(#+ |\| |- |\*\*|$)?", line).group() == re.match(r"^(#+ |\| |- |\*\*|$)?", model).group()  # type: ignore[union-attr]
        assert not re.match(r"- (- |\d+[.)] |\[ \])", line)


@pytest.mark.parametrize("evil", HOSTILE)
def test_foreign_text_is_no_formula_in_csv(evil: str) -> None:
    """No cell begins with a sign that a spreadsheet computes; each row has all cells."""
    rows = list(csv.reader(io.StringIO(table.render(hostile_report(evil)), newline="")))
    assert {len(row) for row in rows} == {len(table.COLUMNS)}
    for row in rows[1:]:
        for name, cell in zip(table.COLUMNS, row, strict=True):
            if not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "|")):
                continue
            assert name in {"progress_delta", "value_delta"}, f"{name}: {cell!r}"
            float(cell)


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("width", [40, 80, 160])
def test_foreign_text_can_not_steer_the_terminal(evil: str, width: int) -> None:
    """The only escapes are colours of our own; markup in titles is shown as it is."""
    out = io.StringIO()
    terminal.show(hostile_report(evil), Console(file=out, width=width, force_terminal=True, color_system="standard"))
    plain = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue())
    assert not has_steering(plain)
    assert "file:///etc" not in re.findall("\x1b]8;[^\x1b]*", out.getvalue())
