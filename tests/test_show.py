"""`spanfit show`: answers marked in their contexts, on a terminal and in a pipe."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from spanfit.cli.app import app
from spanfit.cli.marks import MARGIN, choose_brackets, mark, merge
from spanfit.errors import DataError, RecipeError
from spanfit.types import Span

LAMP = {
    "id": "lit",
    "title": "Lamps",
    "question": "When was it lit?",
    "context": "The lamp was lit in 1864 or so.",
    "answers": [{"text": "1864", "start": 20}, {"text": "in 1864", "start": 17}] * 2,
}
LINES = [
    LAMP,
    {"id": "who", "question": "By whom?", "context": "The lamp was lit.", "answers": []},
    {"id": "blind", "question": "What?", "context": "The lamp."},
    LAMP | {"id": "bad", "answers": [{"text": "1864", "start": 4}, {"text": "lit", "start": 13}]},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "lamps.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    return path


def show(*arguments, env=None):
    result = CliRunner().invoke(app, ["show", *map(str, arguments)], env=env)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class TestInAPipe:
    def test_all_kinds_of_gold(self, file):
        blocks = show(file, "-n", 9).stdout.split("\n\n")
        assert blocks[0].startswith(
            f"{file}: questions 4 (2 with an answer, 1 without one, 1 whose gold is not given), "
            "contexts 3, titles 1\n"
            "gold answers that do not stand where the file says: 1; "
        )
        assert blocks[1].splitlines() == [
            "id        lit",
            "title     Lamps",
            "question  When was it lit?",
            "context   The lamp was lit [[in 1864]] or so.",
            "answer    1864  20–24 (2 times)",
            "answer    in 1864  17–24 (2 times)",
        ]
        assert blocks[2].splitlines()[1:] == [
            "question  By whom?",
            "context   The lamp was lit.",
            "answer    no answer",
        ]
        assert blocks[3].splitlines()[-1] == "answer    not given"
        assert blocks[4].splitlines()[3:] == [
            "context   The lamp was [[lit]] in 1864 or so.",
            "answer    MISPLACED 1864  at 4: 'lamp'; the text occurs once, at 20",
            "answer    lit  13–16",
        ]

    def test_three_by_default_and_what_to_type_next(self, file):
        result = show(file)
        assert result.stdout.count("\nid ") == 3
        assert f"spanfit windows {file} --tokenizer" in result.stderr
        assert f"spanfit init {file} > recipe.toml" in result.stderr

    def test_nothing_is_wrapped(self, tmp_path):
        path = tmp_path / "long.jsonl"
        path.write_text(json.dumps({"question": "?", "context": "word " * 100}))
        assert "word " * 99 + "word" in show(path).stdout

    def test_long_contexts_are_shortened_around_the_answer(self, tmp_path):
        context = "before " * 300 + "here" + " after" * 300
        line = {"question": "?", "context": context, "answers": [{"text": "here", "start": 2100}]}
        path = tmp_path / "long.jsonl"
        path.write_text(json.dumps(line))
        shown = show(path).stdout
        assert re.search(r"context   … (before ){20,}\[\[here\]\]( after){20,} …\n", shown)
        assert "before " * 300 + "[[here]]" + " after" * 300 in show(path, "--full").stdout

    def test_by_id(self, file):
        assert show(file, "--id", "who").stdout.count("\nid ") == 1
        with pytest.raises(RecipeError) as caught:
            show(file, "--id", "blnd")
        assert "none of the questions has the id 'blnd'" in str(caught.value)
        assert "--id blind" in str(caught.value)

    def test_errors_of_reading_come_through(self, tmp_path):
        with pytest.raises(DataError, match="no such file"):
            show(tmp_path / "absent.json")

    def test_no_markup_emoji_or_control_character_of_the_data_acts(self, tmp_path):
        path = tmp_path / "odd.jsonl"
        line = {"id": "[red]", "question": "a :warning: [b]b[/b]", "context": "x\x1b[31my\rz\x07"}
        path.write_text(json.dumps(line))
        shown = show(path).stdout
        assert "id        [red]" in shown
        assert "a :warning: [b]b[/b]" in shown
        assert "x␛[31my␍z␇" in shown


def test_json(file):
    found = json.loads(show(file, "-n", 4, "--json").stdout)
    assert found.pop("examples") == [
        {"title": "", "answers": None, "synthetic": ""} | line for line in LINES
    ]
    assert found == {
        "questions": 4,
        "contexts": 3,
        "titles": 1,
        "answerable": 2,
        "unanswerable": 1,
        "without_gold": 1,
        "synthetic": 0,
        "misplaced_answers": 1,
    }


def test_json_holds_the_data_as_it_is(tmp_path):
    path = tmp_path / "odd.jsonl"
    line = {"id": "a", "question": ":warning: [b]", "context": "a\tb\x1b\r\x85", "answers": []}
    path.write_text(json.dumps(line))
    (found,) = json.loads(show(path, "--json").stdout)["examples"]
    assert found == line | {"title": "", "synthetic": ""}


class TestSynthetic:
    """A question that nobody asked is marked wherever questions are shown."""

    @pytest.fixture
    def made(self, tmp_path):
        path = tmp_path / "made.jsonl"
        other = LAMP | {"id": "made", "answers": [], "synthetic": "other_paragraph"}
        path.write_text(json.dumps(LAMP) + "\n" + json.dumps(other) + "\n", encoding="utf-8")
        return path

    def test_in_a_pipe(self, made):
        blocks = show(made).stdout.split("\n\n")
        assert "questions 2 (1 with an answer, 1 without one; 1 synthetic), contexts 1" in blocks[0]
        assert "synthetic" not in blocks[1]
        assert "synthetic other_paragraph" in blocks[2].splitlines()

    def test_in_json(self, made):
        found = json.loads(show(made, "--json").stdout)
        assert found["synthetic"] == 1
        assert [item["synthetic"] for item in found["examples"]] == ["", "other_paragraph"]


class TestOnATerminal:
    def test_styled_and_wrapped(self, shared):
        env = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "90"}
        shown = show(shared / "data/jsquad/valid-v1.3.json", "-n", 1, env=env).stdout
        assert "\x1b[1;4;32m小笠原諸島を除く日本\x1b[0m" in shown
        assert "[[" not in shown
        lines = plain(shown).splitlines()[1:]
        assert max(cell_len(line) for line in lines) == 90
        assert sum(line.startswith("context") for line in lines) == 1

    def test_brackets_where_there_are_no_styles(self, file):
        env = {"TTY_COMPATIBLE": "1", "TERM": "dumb", "COLUMNS": "40"}
        assert "[[in 1864]]" in show(file, "-n", 1, env=env).stdout


def styled(text, *spans):
    """The marked text with styled parts in <>."""
    console = Console(file=io.StringIO(), width=10_000)
    segments = mark(text, [Span(*span) for span in spans]).render(console)
    return "".join(f"<{part.text}>" if part.style else part.text for part in segments)


class TestMark:
    @pytest.mark.parametrize(
        ("spans", "expected"),
        [
            ([], "abcdef"),
            ([(2, 4)], "ab<cd>ef"),
            ([(0, 6)], "<abcdef>"),
            ([(1, 3), (2, 5)], "a<bcde>f"),
            ([(1, 5), (2, 3)], "a<bcde>f"),
            ([(4, 6), (0, 1), (0, 1)], "<a>bcd<ef>"),
            ([(0, 2), (2, 4)], "<ab><cd>ef"),
            ([(3, 3)], "abcdef"),
        ],
    )
    def test_spans(self, spans, expected):
        assert styled("abcdef", *spans) == expected

    @given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=5))
    def test_brackets_can_be_taken_out_again(self, text, places):
        spans = [
            Span(start, min(start + length, len(text)))
            for start, length in places
            if start + length <= len(text)
        ]
        shown = mark(text, spans, brackets=True).plain
        opening, closing = choose_brackets(text)
        assert shown.count(opening) == len(merge(span for span in spans if len(span)))
        assert len(shown.replace(opening, "").replace(closing, "")) == len(text)

    def test_brackets_that_the_text_does_not_hold(self):
        assert mark("a [[b]] c", [Span(2, 7)], brackets=True).plain == "a ⟦[[b]]⟧ c"
        assert mark("x]] ⟦ c", [Span(6, 7)], brackets=True).plain == "x]] ⟦ {{c}}"

    def test_two_distant_spans(self):
        text = "a " * 1000
        shown = mark(text, [Span(400, 401), Span(1600, 1601)], brackets=True, shorten=True).plain
        assert shown.count("[[a]]") == 2
        assert shown.count(" … ") == 1
        assert shown.startswith("… a") and shown.endswith("a …")
        assert 3 * MARGIN < len(shown) < 5 * MARGIN

    def test_without_spans_the_beginning_is_shown(self):
        shown = mark("語" * 5000, [], shorten=True).plain
        assert shown == "語" * (2 * MARGIN) + " …"

    def test_short_ends_are_not_cut(self):
        text = "a" * 20 + " " + "b" * 1000
        shown = mark(text, [Span(180, 181)], brackets=True, shorten=True).plain
        assert shown.startswith("aaaa")
