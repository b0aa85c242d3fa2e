"""Decisions rest on types, enums and attributes, never on the text of an error, a warning or a note.

The walk below finds ``in``, ``==`` with a literal, ``startswith`` and its relatives, dictionary look-ups and
``re.*`` applied to such a text. What third parties write (pip's output, a server's body, FFmpeg's words) has
no other form; one function per source translates it to a code, and those functions are named here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT

PACKAGE = ROOT / "embedlab"
# Names of variables and attributes that hold a sentence for people.
SENTENCE = re.compile(
    r"(?:.*_)?(?:notes?|whys?|reasons?|messages?|warnings?|caveats?|words|advice|hints?|complaints?|sentences?)"
)
# Functions that return the text of an exception or of a note.
SPEAKING = {"str", "repr", "format_exc", "format_exception", "text"}
METHODS = {"startswith", "endswith", "find", "rfind", "index", "rindex", "count", "partition", "removeprefix"}
PATTERN_METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}

# file::function: why the words of somebody else's program have to be read there.
TRANSLATORS: dict[str, str] = {
    "items/readers/csv.py::_quote_problem": "the csv module has one error class for all",
    "embedders/openai/responses.py::read_code": "servers agree on statuses, not on error codes",
    "store/milvus_errors.py::translate": "old servers and Milvus Lite put most failures under one number",
    "media/image_source.py::decode_problem": "Pillow raises OSError for cut and for damaged files alike",
}


class Walk(ast.NodeVisitor):
    """Collect (line, what) for every decision on a sentence in one file."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._functions: list[str] = []
        self._errors: list[set[str]] = [set()]  # names bound to exceptions, by function
        self._texts: list[set[str]] = [set()]  # names bound to the text of one

    # -- scopes ------------------------------------------------------------------------------------------

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions.append(node.name)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        raised = {a.arg for a in arguments if a.annotation and _is_exception(ast.unparse(a.annotation))}
        self._errors.append(self._errors[-1] | raised)
        self._texts.append(set(self._texts[-1]))
        self.generic_visit(node)
        self._errors.pop()
        self._texts.pop()
        self._functions.pop()

    visit_FunctionDef = _function
    visit_AsyncFunctionDef = _function

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._errors[-1].add(node.name)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._is_sentence(node.value):
            self._texts[-1] |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        if self._is_sentence(node.value):
            self._texts[-1].add(node.target.id)
        self.generic_visit(node)

    # -- what counts as a sentence -----------------------------------------------------------------------

    def _is_sentence(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self._texts[-1] or (name != "words" and bool(SENTENCE.fullmatch(name)))
            case ast.Attribute(value=value, attr="args" | "message" | "msg"):
                return self._is_error(value) or bool(SENTENCE.fullmatch(node.attr))
            case ast.Attribute(attr=name):
                return bool(SENTENCE.fullmatch(name))
            case ast.Call(func=ast.Name(id=name), args=[argument, *_]) if name in SPEAKING:
                return self._is_error(argument) or self._is_sentence(argument)
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in SPEAKING:
                return self._is_error(value) or self._is_sentence(value)
            case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str())):
                return False  # a column of a table
            case ast.Call(func=ast.Attribute(value=value)) | ast.Subscript(value=value):
                return self._is_sentence(value)  # .strip().splitlines()[0]: still that text
            case ast.BoolOp(values=values):
                return any(map(self._is_sentence, values))
            case ast.BinOp(left=left, right=right):
                return self._is_sentence(left) or self._is_sentence(right)
            case ast.JoinedStr(values=values):
                return any(isinstance(v, ast.FormattedValue) and self._is_error(v.value) for v in values)
        return False

    def _is_error(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._errors[-1]

    # -- what counts as a decision -----------------------------------------------------------------------

    def _note(self, node: ast.expr) -> None:
        self.found.append((node.lineno, ".".join(self._functions), ast.unparse(node)))

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            literal = any(
                isinstance(s, ast.Constant) and isinstance(s.value, str) and s.value for s in (left, right)
            )
            if isinstance(operator, ast.In | ast.NotIn):
                decides = self._is_sentence(right) and _is_text(left)
            else:
                decides = literal and (self._is_sentence(left) or self._is_sentence(right))
            if decides:
                self._note(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            owner, name, given = node.func.value, node.func.attr, any(map(self._is_sentence, node.args[:2]))
            constant = isinstance(owner, ast.Name) and (owner.id == "re" or owner.id.isupper())
            looks = constant and given and name in {*PATTERN_METHODS, "get"}
            if looks or (name in METHODS and self._is_sentence(owner)):
                self._note(node)
        self.generic_visit(node)


def _is_text(node: ast.AST) -> bool:
    """Whether something could be a piece of a text; a code or an id in a set is another thing."""
    return not (isinstance(node, ast.Attribute) and node.attr.isupper())


def _is_exception(annotation: str) -> bool:
    return any(part.strip().endswith(("Error", "Exception")) for part in annotation.split("|"))


def decisions(source: str) -> list[tuple[int, str, str]]:
    walk = Walk()
    walk.visit(ast.parse(source))
    return walk.found


def files() -> Iterator[Path]:
    return (path for path in sorted(PACKAGE.rglob("*.py")) if not {"_notebooks", "_data"} & set(path.parts))


def test_no_decision_rests_on_a_sentence() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} in {function}: {what}"
        for path in files()
        for line, function, what in decisions(path.read_text("utf-8"))
        if f"{path.relative_to(PACKAGE).as_posix()}::{function}" not in TRANSLATORS
    ]
    assert found == []


def test_translators_are_there_and_needed() -> None:
    for place in TRANSLATORS:
        file, function = place.split("::")
        there = {name for _, name, _ in decisions((PACKAGE / file).read_text("utf-8"))}
        assert function in there, f"{place} decides on no text any more: take it off the list"


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept OSError as error:\n    if 'full' in str(error): g()",
        "def f(note):\n    return 'asked' not in note",
        "def f(quality):\n    return GRADES.get(quality.words)",
        "def f(why: str):\n    return why.startswith('not utf')",
        "try: f()\nexcept Exception as e:\n    text = str(e).strip()\n    re.search('x', text)",
        "def f(error: ValueError):\n    return PATTERN.search(str(error))",
        "def f(c):\n    return c.reason == 'busy'",
        "try: f()\nexcept OSError as error:\n    return 'x' in error.args[0]",
    ],
)
def test_the_walk_sees_a_decision(code: str) -> None:
    assert decisions(code)


@pytest.mark.parametrize(
    "code",
    [
        "def f(problem):\n    return problem.code is Code.EMPTY",
        "def f(error: OSError):\n    return f'{error}: no'",
        "def f(note):\n    return note or 'nothing'",
        "def f(id, problems):\n    return id in problems",
    ],
)
def test_the_walk_lets_data_and_display_pass(code: str) -> None:
    assert not decisions(code)
