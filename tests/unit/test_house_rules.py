"""The house rules that no linter checks."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
CHECKING_HELPERS = r"raises|assert|recount|await_condition"
MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
WORDS_OF_A_MACHINE = re.compile(r"(?<![\w.])/(home|root|work|Users)/\w")


def sources() -> list[Path]:
    """Return every Python file that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


SOURCES = sources()
TESTS = [path for path in SOURCES if path.name.startswith("test_")]


def named(path: Path) -> str:
    """Return a file's name within the project."""
    return str(path.relative_to(ROOT))


def functions_of(path: Path) -> Iterator[ast.FunctionDef]:
    """Return the test functions of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def can_fail(test: ast.FunctionDef) -> bool:
    """Return whether a test asserts something, by itself or by a helper that says so."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and re.search(CHECKING_HELPERS, ast.unparse(node.func)):
            return True
    return False


def bare_sleeps(path: Path) -> list[int]:
    """Return the lines that sleep outside a loop which asks for a condition, without a word on why."""
    text = path.read_text()
    tree, lines = ast.parse(text), text.splitlines()
    polling = {inner for loop in ast.walk(tree) if isinstance(loop, ast.While) for inner in ast.walk(loop)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.search(r"\bsleep$", ast.unparse(node.func))
        and ast.unparse(node.args[0]) != "0"
        if node not in polling and "  # " not in lines[node.lineno - 1]
    ]


def test_the_rules_see_the_code() -> None:
    """The rules below look at many files, not at none."""
    assert len(SOURCES) > 50
    assert len(TESTS) > 10


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_are_short_and_finished(path: Path) -> None:
    """No file is longer than the limit, has work left over in a comment, or a path of one machine."""
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX
    assert not MARKS.search(text)
    assert not WORDS_OF_A_MACHINE.search(text)


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_tests_say_what_they_show(path: Path) -> None:
    """Every test has a docstring of one sentence and something that can fail, and none waits by the clock."""
    for test in functions_of(path):
        sentence = ast.get_docstring(test)
        assert sentence, f"{test.name} has no docstring"
        assert sentence.rstrip().endswith("."), f"the docstring of {test.name} is no sentence"
        assert can_fail(test), f"{test.name} asserts nothing"
    assert not bare_sleeps(path), "await a condition instead"
