"""`spanfit show` of tagged texts: words over their tags, aligned, wrapped, and what is wrong."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import write
from rich.cells import cell_len
from typer.testing import CliRunner

from spanfit.cli.app import app
from spanfit.cli.tagged_words import TaggedWord, lay_out, show_word
from spanfit.errors import RecipeError

CONLL = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
lamb NN I-NP O

Peter NNP B-NP B-PER
"""
WIDE = {"id": "w", "text": "東京へ", "entities": [{"start": 0, "end": 2, "label": "地名"}]}


def show(*arguments, env=None):
    result = CliRunner().invoke(app, ["show", *map(str, arguments)], env=env)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def file(tmp_path):
    return write(tmp_path, CONLL, "train.txt")


class TestInAPipe:
    def test_words_over_their_tags(self, file):
        result = show(file)
        blocks = result.stdout.split("\n\n")
        assert blocks[0].splitlines() == [
            f"{file}: texts 2 in 1 documents, words 5",
            "tag scheme IOB2 (found B- 3, O 2)",
            "entities 3: MISC 1, ORG 1, PER 1",
        ]
        assert blocks[1].splitlines() == [
            "id        3",
            "document  1",
            "words     EU     rejects  German  lamb",
            "tags      B-ORG  O        B-MISC  O",
            "entities  EU ORG 0–2; German MISC 11–17",
        ]
        assert f"spanfit windows {file} --tokenizer" in result.stderr
        assert f"spanfit init {file} > recipe.toml" in result.stderr

    def test_another_column(self, file):
        result = show(file, "--columns", "tags=pos", "--id", "8")
        blocks = result.stdout.split("\n\n")
        assert blocks[0].splitlines()[1:] == [
            "tag scheme plain (found without prefix 5)",
            "tags other than O 5: NNP 2, JJ 1, NN 1, VBZ 1",
        ]
        assert blocks[1].splitlines()[2:] == ["words     Peter", "tags      NNP"]
        assert f"spanfit init {file} --columns tags=pos > recipe.toml" in result.stderr

    def test_wide_characters(self, tmp_path):
        blocks = show(write(tmp_path, [WIDE])).stdout.split("\n\n")
        assert "characters 3\ntag scheme IOB2, made of the ranges of the entities" in blocks[0]
        assert blocks[1].splitlines() == [
            "id        w",
            "text      東     京     へ",
            "tags      B-地名 I-地名 O",
            "entities  東京 地名 0–2",
        ]

    def test_nothing_is_wrapped(self, tmp_path):
        line = {"words": ["word"] * 100, "tags": ["O"] * 100}
        shown = show(write(tmp_path, [line]), env={"COLUMNS": "40"}).stdout
        assert f"words     {'word  ' * 99}word\n" in shown

    def test_long_texts_are_shortened(self, tmp_path):
        path = write(tmp_path, [{"words": ["word"] * 200, "tags": ["O"] * 200}])
        shown = show(path).stdout
        assert shown.count("word  ") == 149 and "… and 50 more words: --full" in shown
        assert show(path, "--full").stdout.count("word  ") == 199

    def test_without_gold(self, tmp_path):
        path = write(tmp_path, [{"text": "Mira left."}, {"words": ["a", "b"]}])
        result = show(path)
        assert "texts 2, 2 without gold, words 2\n" in result.stdout
        assert "\ntext      Mira left.\ntags      not given\n" in result.stdout
        assert "\ntext      a b\ntags      not given\n" in result.stdout
        assert "spanfit predict MODEL" in result.stderr

    def test_by_id(self, file):
        assert show(file, "--id", "8").stdout.count("\nid ") == 1
        with pytest.raises(RecipeError, match="none of the tagged texts has the id '9'"):
            show(file, "--id", "9")


class TestInvalidTags:
    @pytest.fixture
    def broken(self, tmp_path):
        return write(tmp_path, "Mira B-PER\nOslo I-LOC\n\nhere O\nit B-LOC\nis I-LOC\n")

    def test_they_are_marked(self, broken):
        shown = show(broken).stdout
        assert "scheme none that all tags follow; IOB2 is the nearest\n" in shown
        assert "tags that break the scheme IOB2: 1; commands that learn from them" in shown
        assert "words     Mira   Oslo\ntags      B-PER  !I-LOC\n" in shown
        allowed = "allowed there: O, B-LOC, B-PER, I-PER"
        assert f"\nINVALID   I-LOC of 'Oslo' (line 2) after B-PER; {allowed}\n" in shown
        assert shown.count("INVALID") == 1

    def test_under_the_scheme_that_is_named(self, broken):
        shown = show(broken, "--columns", "scheme=BIOES").stdout
        assert "tag scheme BIOES, as --columns says" in shown
        assert "tags      B-PER  !I-LOC\n" in shown and "allowed there: E-PER\n" in shown

    def test_repaired_where_a_repair_is_named(self, broken):
        result = show(broken, "--columns", "repair=conlleval")
        assert "tags      B-PER  B-LOC\n" in result.stdout
        assert "INVALID" not in result.stdout
        assert "tags repaired (conlleval, IOB2): 1" in result.stderr

    def test_what_is_no_tag_at_all(self, tmp_path):
        shown = show(write(tmp_path, "Mira B-PER\nOslo LOC\n")).stdout
        assert "tags      B-PER  !LOC\nentities  Mira PER 0–4\nINVALID   LOC of 'Oslo'" in shown


def test_json(file, tmp_path):
    found = json.loads(show(file, "-n", 1, "--json").stdout)
    (example,) = found.pop("examples")
    assert found == {
        "texts": 2,
        "documents": 1,
        "units": 5,
        "without_gold": 0,
        "scheme": "IOB2",
        "entities": 3,
        "labels": {"MISC": 1, "ORG": 1, "PER": 1},
        "invalid_tags": 0,
    }
    assert example == {
        "id": "3",
        "document": "1",
        "text": "EU rejects German lamb",
        "units": [[0, 2], [3, 10], [11, 17], [18, 22]],
        "tags": ["B-ORG", "O", "B-MISC", "O"],
        "entities": [
            {"start": 0, "end": 2, "label": "ORG", "text": "EU"},
            {"start": 11, "end": 17, "label": "MISC", "text": "German"},
        ],
        "invalid": [],
    }
    broken = write(tmp_path, "Mira B-PER\nOslo I-LOC\n", "broken")
    (example,) = json.loads(show(broken, "--json").stdout)["examples"]
    allowed = ["O", "B-LOC", "B-PER", "I-PER"]
    assert example["invalid"] == [{"unit": 1, "found": "I-LOC", "allowed": allowed}]


class TestOnATerminal:
    ENV = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}  # noqa: RUF012

    def test_wrapped_and_coloured(self, file):
        shown = show(file, "-n", 1, env=self.ENV | {"COLUMNS": "30"}).stdout
        lines = [line.rstrip() for line in plain(shown).splitlines()]
        start = lines.index("words     EU     rejects")
        assert lines[start : start + 5] == [
            "words     EU     rejects",
            "tags      B-ORG  O",
            "",
            "words     German  lamb",
            "tags      B-MISC  O",
        ]
        colours = {re.search(rf"\x1b\[([0-9;]*)m{word}\x1b", shown)[1] for word in ("EU", "German")}
        assert len(colours) == 2 and all(colour.startswith("1;") for colour in colours)

    @pytest.mark.parametrize("width", [24, 50, 90])
    def test_real_texts_fit(self, shared, width):
        for file in ("klue_ner/klue-ner-v1.1_dev.tsv", "ner_wikipedia_ja/ner.json"):
            env = self.ENV | {"COLUMNS": str(width + 10)}
            path = shared / "data" / file
            lines = plain(show(path, "-n", 2, "--full", env=env).stdout).splitlines()
            start = next(row for row, line in enumerate(lines) if line.startswith("id "))
            assert max(cell_len(line) for line in lines[start:]) <= width + 10


class TestAlignment:
    @pytest.mark.parametrize(
        ("word", "shown"),
        [
            ("Mira", "Mira"),
            (" ", "␣"),
            ("\u3000", "␣"),
            ("\n", "␊"),
            ("a\tb", "a␉b"),
            ("\x07", "␇"),
            ("\u3099", "◌\u3099"),
            ("\u200b", "U+200B"),
            ("e\u0301", "e\u0301"),
            ("👩‍🚀", "👩‍🚀"),
        ],
    )
    def test_what_would_not_be_seen_is_shown(self, word, shown):
        assert show_word(word) == shown
        assert cell_len(shown) > 0

    @given(
        st.lists(
            st.tuples(
                st.text(st.sampled_from("aé語か\u3099\u0301 \n\u200b👩"), min_size=1, max_size=6),
                st.sampled_from(["O", "B-PER", "I-場所"]),
            ),
            max_size=12,
        ),
        st.none() | st.integers(8, 30),
        st.integers(1, 2),
    )
    def test_each_word_begins_over_its_tag(self, pairs, width, gap):
        words = [TaggedWord(show_word(word), tag) for word, tag in pairs]
        left = list(words)
        for above, below in lay_out(words, gap=gap, width=width):
            n = len(below.plain.split())
            line, left = left[:n], left[n:]
            assert below.plain.split() == [word.tag for word in line]
            place = 0
            top, bottom = "", ""
            for word in line:
                top += " " * (place - cell_len(top)) + word.word
                bottom += " " * (place - cell_len(bottom)) + word.tag
                place += word.width + gap
            assert (above.plain, below.plain) == (top, bottom)
            assert width is None or n == 1 or max(cell_len(top), cell_len(bottom)) <= width
        assert not left
