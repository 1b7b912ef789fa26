"""Writing and reading back: nothing is lost in any direction, and what is not read is named."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, LIT, squad, write
from typer.testing import CliRunner

from spanfit.cli.app import app
from spanfit.data import digest, read
from spanfit.data.writing import choose_format, write_examples
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Reading
from spanfit.types import UNKNOWN_START, Answer, QuestionExample

FORMATS = ("squad", "jsonl", "parquet")

texts = st.text(st.characters(exclude_categories=["Cs"]))
answers = st.builds(Answer, texts, st.integers(-2, 50) | st.just(2**31 - 1))
few_texts = st.sampled_from(["", "At sea.", "Où ?\r\n\x00\u2028😀"])  # neighbours share titles
questions = st.builds(
    QuestionExample,
    id=texts.filter(bool),
    question=texts,
    context=texts | few_texts,
    answers=st.none() | st.lists(answers, max_size=3).map(tuple),
    title=texts | few_texts,
    synthetic=st.sampled_from(["", "other_paragraph"]),
)
several = st.lists(questions, unique_by=lambda item: item.id, min_size=1, max_size=6)


def convert(*arguments):
    """The command, which must succeed; its result with standard error apart."""
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
@given(items=several)
def test_there_and_on(tmp_path_factory, items, first, second):
    folder = tmp_path_factory.getbasetemp()
    write_examples(folder / "a", items, to=first)
    there = read(folder / "a")
    assert there == items
    write_examples(folder / "b", there, to=second)
    assert read(folder / "b") == items
    assert digest(there) == digest(items)


@pytest.mark.parametrize(
    "file",
    [
        "squad_v2/dev-v2.0.json",
        "korquad_v1/KorQuAD_v1.0_dev.json",
        "cmrc2018/cmrc2018_dev.json",
    ],
)
def test_real_files(shared, tmp_path, file):
    path = shared / "data" / file
    examples = read(path)
    # In turn: SQuAD → Parquet → JSON Lines → SQuAD, and the other way round.
    names = ["a.parquet", "b.jsonl", "c.json", "d.jsonl.gz", "e.parquet", "f.json.gz"]
    for name in names:
        convert(path, path := tmp_path / name)
        assert read(path) == examples


def test_starts_that_are_not_known(tmp_path):
    golds = (Answer("sea", UNKNOWN_START), Answer("sea", 3), Answer("sea", 3))
    item = QuestionExample("a", "Where?", "At sea.", answers=golds)
    for to in FORMATS:
        write_examples(tmp_path / "file", [item], to=to)
        assert read(tmp_path / "file") == [item]
    write_examples(tmp_path / "lines", [item], to="jsonl")
    first, second, third = json.loads((tmp_path / "lines").read_text())["answers"]
    assert "start" not in first and second == third == {"text": "sea", "start": 3}


class TestSquad:
    def test_the_shape_and_the_order(self, tmp_path):
        items = [
            QuestionExample("1", "?", "x", answers=(Answer("x", 0),), title="A"),
            QuestionExample("2", "?", "x", answers=(), title="A"),
            QuestionExample("3", "?", "y", title="A"),
            QuestionExample("4", "?", "x", answers=(), title="B"),
            QuestionExample("5", "?", "x", answers=(), title="A", synthetic="other_paragraph"),
        ]
        write_examples(tmp_path / "file.json", items, to="squad")
        document = json.loads((tmp_path / "file.json").read_text())
        shape = [
            (
                article["title"],
                paragraph["context"],
                [question["id"] for question in paragraph["qas"]],
            )
            for article in document["data"]
            for paragraph in article["paragraphs"]
        ]
        assert shape == [
            ("A", "x", ["1", "2"]),
            ("A", "y", ["3"]),
            ("B", "x", ["4"]),
            ("A", "x", ["5"]),
        ]
        assert [article["title"] for article in document["data"]] == ["A", "B", "A"]
        assert document["version"] == "v2.0"
        first, second = document["data"][0]["paragraphs"][0]["qas"]
        assert first["answers"] == [{"text": "x", "answer_start": 0}]
        assert (first["is_impossible"], second["is_impossible"]) == (False, True)
        assert not {"answers", "is_impossible"} & {*document["data"][0]["paragraphs"][1]["qas"][0]}

    def test_the_version_of_answerable_questions(self, tmp_path):
        item = QuestionExample("1", "?", "x", answers=(Answer("x", 0),))
        write_examples(tmp_path / "file", [item], to="squad")
        assert json.loads((tmp_path / "file").read_text())["version"] == "1.1"


class TestParquet:
    def test_the_columns_are_those_of_the_hub(self, tmp_path):
        item = QuestionExample("1", "?", "x", answers=(Answer("x", 0),))
        write_examples(tmp_path / "file", [item], to="parquet")
        table = pq.read_table(tmp_path / "file")
        assert [f"{column.name}: {column.type}" for column in table.schema][:5] == [
            *(f"{name}: string" for name in ("id", "title", "context", "question")),
            "answers: struct<text: list<element: string>, answer_start: list<element: int32>>",
        ]
        assert table.column("synthetic").to_pylist() == [None]

    def test_many_row_groups(self, tmp_path):
        items = [QuestionExample(str(n), "?", f"At sea {n // 7}.") for n in range(25_000)]
        write_examples(tmp_path / "file", items, to="parquet")
        assert pq.ParquetFile(tmp_path / "file").num_row_groups > 1
        assert read(tmp_path / "file") == items

    def test_a_start_that_does_not_fit(self, tmp_path):
        item = QuestionExample("q", "?", "x", answers=(Answer("x", 2**31),))
        with pytest.raises(DataError, match=r"question 'q'.*too large"):
            write_examples(tmp_path / "file", [item], to="parquet")


class TestCommand:
    @pytest.fixture
    def lines(self, tmp_path):
        return write(tmp_path, [LINE], "lines.jsonl")

    def test_what_is_not_carried_is_named(self, tmp_path):
        question = LIT | {"plausible_answers": [], "level": 1}
        question["answers"] = [LIT["answers"][0] | {"answer_type": "year"}] * 2
        document = squad(question, LIT | {"id": "q2", "level": 2}) | {"version": "7"}
        document["data"][0]["paragraphs"][0]["id"] = "P"
        result = convert(write(tmp_path, document), tmp_path / "out.jsonl")
        assert result.stdout == f"2 questions: {tmp_path}/out.jsonl\n"
        for part in (
            "not carried over",
            "'level' of the questions (2)",
            "'answer_type' of the answers (2)",
            "'plausible_answers' of the questions (1)",
            "'id' of the paragraphs (1)",
            "'version' of the file (1)",
        ):
            assert part in result.stderr

    @pytest.mark.parametrize("to", FORMATS)
    def test_columns_that_are_not_carried(self, tmp_path, to):
        path = write(tmp_path, "id,question,context,,mood\na,?,x,0,calm\nb,?,x,1,wild\n")
        result = convert(path, tmp_path / "out", "--to", to)
        assert "'mood' of the questions (2)" in result.stderr
        assert "a nameless one of the questions (2)" in result.stderr
        again = convert(tmp_path / "out", tmp_path / "on.jsonl").stderr
        assert "of the questions" not in again and "of the answers" not in again

    def test_nothing_to_name(self, tmp_path, lines):
        assert "not carried" not in convert(lines, tmp_path / "out.parquet").stderr

    def test_nothing_is_overwritten(self, tmp_path, lines):
        (tmp_path / "out.json").write_text("mine")
        with pytest.raises(DataError, match="there is such a file already"):
            convert(lines, tmp_path / "out.json")
        assert (tmp_path / "out.json").read_text() == "mine"

    def test_a_mistake_leaves_nothing_behind(self, tmp_path):
        path = write(tmp_path, json.dumps(LINE) + "\n{broken", "lines.jsonl")
        for name in ("out.json", "out.jsonl.gz", "out.parquet"):
            with pytest.raises(DataError, match="line 2"):
                convert(path, tmp_path / name)
        assert [file.name for file in tmp_path.iterdir()] == ["lines.jsonl"]

    def test_no_questions(self, tmp_path):
        with pytest.raises(DataError, match="nothing to write"):
            convert(write(tmp_path, {"data": []}), tmp_path / "out.jsonl")

    @pytest.mark.parametrize(
        ("name", "format_"),
        [
            ("x.json", "squad"),
            ("x.json.gz", "squad"),
            ("x.jsonl", "jsonl"),
            ("x.v2.jsonl.gz", "jsonl"),
            ("x.parquet", "parquet"),
        ],
    )
    def test_the_name_says_the_format(self, tmp_path, name, format_):
        assert choose_format(tmp_path / name) == format_

    @pytest.mark.parametrize("name", ["x", "x.csv", "x.parquet.gz", "json", "x.json.zip"])
    def test_a_name_that_says_nothing(self, tmp_path, lines, name):
        with pytest.raises(RecipeError, match="--to squad"):
            convert(lines, tmp_path / name)

    def test_packed(self, tmp_path, lines):
        convert(lines, tmp_path / "a.jsonl.gz")
        convert(lines, tmp_path / "b.jsonl.gz")
        first, second = ((tmp_path / name).read_bytes() for name in ("a.jsonl.gz", "b.jsonl.gz"))
        assert first == second
        assert json.loads(gzip.decompress(first)) == LINE


# Tagged texts

CONLL = """\
-DOCSTART-\tO

Mira\tB-PER
Berg\tI-PER
left\tO

-DOCSTART-\tO

Oslo\tB-LOC
"""


def lossless(examples):
    """The examples as columns keep them: ranges are in the tags too."""
    return [replace(example, entities=None) for example in examples]


class TestTaggedTexts:
    @pytest.mark.parametrize("name", ["a.conll", "a.txt", "a.tsv.gz", "a.jsonl", "a.jsonl.gz"])
    def test_there_and_back(self, tmp_path, name):
        path = write(tmp_path, CONLL)
        result = convert(path, tmp_path / name)
        assert result.stdout == f"2 tagged texts: {tmp_path / name}\n"
        assert read(tmp_path / name) == read(path)
        convert(tmp_path / name, tmp_path / "back", "--to", "conll")
        assert (tmp_path / "back").read_text() == CONLL + "\n"

    def test_ranges_stay_ranges_in_json_and_become_tags_in_columns(self, tmp_path):
        entities = [{"start": 3, "end": 6, "label": "LOC"}]
        path = write(tmp_path, [{"id": "a", "text": "At sea.", "entities": entities}])
        convert(path, tmp_path / "a.jsonl")
        assert read(tmp_path / "a.jsonl") == read(path)
        convert(path, tmp_path / "a.conll")
        assert read(tmp_path / "a.conll") == lossless(read(path))

    @pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES", "BILOU", "BMES"])
    def test_into_a_scheme_and_back(self, tmp_path, scheme):
        path = write(tmp_path, CONLL)
        convert(path, tmp_path / "there.conll", "--scheme", scheme)
        found = read(tmp_path / "there.conll")
        tags = {
            "IOB1": ("I-PER", "I-PER", "O"),
            "IOB2": ("B-PER", "I-PER", "O"),
            "BIOES": ("B-PER", "E-PER", "O"),
            "BILOU": ("B-PER", "L-PER", "O"),
            "BMES": ("B-PER", "E-PER", "O"),
        }[scheme]
        assert found[0].tags == tags
        convert(tmp_path / "there.conll", tmp_path / "back.conll", "--scheme", "bio")
        assert (tmp_path / "back.conll").read_text() == CONLL + "\n"

    def test_a_chosen_column(self, tmp_path):
        path = write(tmp_path, "Mira NNP B-PER\nleft VBD O\n")
        convert(path, tmp_path / "a.jsonl", "--columns", "tags=2")
        assert read(tmp_path / "a.jsonl")[0].tags == ("NNP", "VBD")

    def test_tags_in_small_letters_are_recognised_again(self, tmp_path):
        path = write(tmp_path, [{"words": ["Mira", "left"], "tags": ["noun", "verb"]}])
        convert(path, tmp_path / "a.conll")
        assert read(tmp_path / "a.conll")[0].tags == ("noun", "verb")

    def test_invalid_tags(self, tmp_path):
        """They stay as they are, unless a scheme is wanted; then a repair must be named."""
        path = write(tmp_path, "Mira\tB-PER\nOslo\tI-LOC\n")
        convert(path, tmp_path / "same.jsonl")
        assert read(tmp_path / "same.jsonl") == read(path)
        with pytest.raises(DataError, match=r"line 2, token 'Oslo': the scheme IOB2 does not"):
            convert(path, tmp_path / "a.conll", "--scheme", "BIOES")
        assert not (tmp_path / "a.conll").exists()
        result = convert(
            path, tmp_path / "a.conll", "--scheme", "BIOES", "--columns", "repair=conlleval"
        )
        assert "line 2, token 'Oslo': I-LOC → B-LOC" in result.stderr
        assert read(tmp_path / "a.conll")[0].tags == ("S-PER", "S-LOC")

    def test_what_does_not_fit(self, tmp_path):
        text = write(tmp_path, [{"text": "At sea."}], "text")
        with pytest.raises(DataError, match="without gold can't be written in columns"):
            convert(text, tmp_path / "a.conll")
        with pytest.raises(RecipeError, match="tagged texts can't be written as parquet"):
            convert(text, tmp_path / "a.parquet")
        question = write(tmp_path, [LINE], "question")
        with pytest.raises(RecipeError, match="questions can't be written as conll"):
            convert(question, tmp_path / "a.conll")
        with pytest.raises(RecipeError, match="questions have no tags"):
            convert(question, tmp_path / "a.jsonl", "--scheme", "BIOES")
        assert {file.name for file in tmp_path.iterdir()} == {"text", "question"}

    def test_texts_without_gold_in_json(self, tmp_path):
        path = write(tmp_path, [{"text": "At sea."}, {"words": ["At", "sea"]}])
        convert(path, tmp_path / "a.jsonl")
        assert read(tmp_path / "a.jsonl") == read(path)

    @pytest.mark.parametrize("tags", ["pos", "chunk", "ner"])
    def test_each_column_of_conll_2003(self, shared, tmp_path, tags):
        path = shared / "data/conll2003/test.txt"
        convert(path, tmp_path / "a.jsonl", "--columns", f"tags={tags}")
        convert(tmp_path / "a.jsonl", tmp_path / "b.conll")
        there = read(path, reading=Reading(tags=tags))
        assert read(tmp_path / "a.jsonl") == there
        assert read(tmp_path / "b.conll") == there

    @pytest.mark.parametrize(
        "file", ["klue_ner/klue-ner-v1.1_dev.tsv", "ner_wikipedia_ja/ner.json"]
    )
    def test_characters(self, shared, tmp_path, file):
        path = shared / "data" / file
        convert(path, tmp_path / "a.conll")
        convert(path, tmp_path / "a.jsonl")
        there = read(path)
        assert read(tmp_path / "a.jsonl") == there
        assert read(tmp_path / "a.conll") == lossless(there)
