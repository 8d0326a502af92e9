"""What the documents say can be done: their commands parse, their targets exist, their links lead somewhere."""

import functools
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lineament import cli

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""\]\(([^)\s#]+)[^)]*\)|(?:src|href)="([^"#]+)""")
PREFIX = re.compile(r"^\s*\$?\s*(?:[A-Z_]+=\S+\s+)*(?:\.venv/bin/)?(?:python -m )?")


def commands(text: str) -> Iterator[list[str]]:
    """The commands of the code blocks, word by word, up to a pipe, a redirection or the next command."""
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = PREFIX.sub("", line)
            if re.match(r"(lineament|make|benchmarks\.\w+)\b", words):
                yield shlex.split(re.split(r"\s(?:[|;<>]|&&|#)", words)[0])


def all_commands(program: str) -> list[tuple[str, ...]]:
    found = {tuple(words) for name in DOCUMENTS for words in commands((ROOT / name).read_text())}
    return sorted(words for words in found if words[0].split(".")[0] == program)


def idle(verb: Callable[..., Any]) -> Callable[..., None]:
    """A function of the same parameters that does nothing."""
    return functools.wraps(verb)(lambda *arguments, **options: None)


def parses(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(cli, "VERBS", {name: idle(verb) for name, verb in cli.VERBS.items()})
    try:
        return cli.main(words[1:]) == 0
    except SystemExit as refused:  # help ends like this too, with 0
        return not refused.code


@pytest.mark.parametrize("words", all_commands("lineament"), ids=shlex.join)
def test_commands_parse(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert parses(words, monkeypatch)


@pytest.mark.parametrize("words", [("lineament", "frobnicate"), ("lineament", "--frobnicate")], ids=shlex.join)
def test_what_does_not_exist_does_not_parse(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert not parses(words, monkeypatch)


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join((ROOT / name).read_text() for name in DOCUMENTS)
    named = {word for words in all_commands("make") for word in words[1:] if "=" not in word}
    assert named | set(re.findall(r"`make ([\w-]+)`", text)) <= targets


def test_benchmarks_that_are_named_exist() -> None:
    text = "\n".join((ROOT / name).read_text() for name in DOCUMENTS)
    missing = [
        name
        for name in re.findall(r"python -m benchmarks\.(\w+)", text)
        if not (ROOT / "benchmarks" / f"{name}.py").exists()
    ]
    assert not missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_somewhere(name: str) -> None:
    links = ["".join(pair) for pair in LINK.findall(FENCE.sub("", (ROOT / name).read_text()))]
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in relative if not ((ROOT / name).parent / link).exists()]


def test_commands_are_found_as_people_write_them() -> None:
    text = (
        "```console\n$ A=1 .venv/bin/lineament dossier \\\n    --out x.html | less  # why\nmake test\n```\nlineament no"
    )
    assert list(commands(text)) == [["lineament", "dossier", "--out", "x.html"], ["make", "test"]]
