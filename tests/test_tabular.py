"""CSV, TSV and Parquet: what a row becomes, and what the errors say."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, complaint, write

from spanfit.data import read, stream, tabular
from spanfit.errors import DataError, MissingExtraError
from spanfit.types import UNKNOWN_START, Answer

HEAD = "id,question,context"
GOLD = {"text": ["sea", "At sea"], "answer_start": [3, 0]}


def table(rows, **options):
    """CSV as Python writes it."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], **options)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def parquet(folder, columns, name="file", **options):
    path = folder / name
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_the_samples_of_the_module(tmp_path):
    samples = [part for part in tabular.__doc__.split("\n\n") if part.startswith("    id,")]
    first, second = (
        read(write(tmp_path, "\n".join(line.strip() for line in sample.splitlines())))
        for sample in samples
    )
    assert [example.answers for example in first] == [(Answer("1864", 20),), ()]
    assert [example.answers for example in second] == [(Answer("1864", 20),), ()]
    assert {example.title for example in first} == {"Lamps"}
    assert first[0].answers[0].stands_in(first[0].context)


class TestAnswersInOneColumn:
    @pytest.mark.parametrize(
        "cell",
        [
            json.dumps(GOLD),
            repr(GOLD),
            f" {GOLD}\n",
            json.dumps([{"text": "sea", "start": 3}, {"text": "At sea", "answer_start": 0}]),
            "{'text': array(['sea', 'At sea'], dtype=object), 'answer_start': array([3, 0])}",
            "{'text': ['sea', 'At sea'], 'answer_start': array([3, 0],\n      dtype=int32)}",
            "{'text': [np.str_('sea'), 'At sea'], 'answer_start': [np.int64(3), np.int32(0)]}",
        ],
    )
    def test_how_it_may_be_written(self, tmp_path, cell):
        (example,) = read(write(tmp_path, table([LINE | {"answers": cell}])))
        assert example.answers == (Answer("sea", 3), Answer("At sea", 0))

    @pytest.mark.parametrize(
        ("cell", "gold"),
        [("{'text': [], 'answer_start': []}", ()), ("[]", ()), ("", None), ("null", None)],
    )
    def test_no_answer_and_no_gold(self, tmp_path, cell, gold):
        (example,) = read(write(tmp_path, table([LINE | {"answers": cell}])))
        assert example.answers == gold

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            ("sea", ["'answers' can't be read", "'sea'", "name the column 'answer'"]),
            ("1864", ["'answers' can't be read"]),
            ("__import__('os').getcwd()", ["'answers' can't be read"]),
            ("array(__import__('os').getcwd())", ["'answers' can't be read"]),
            ("(" * 10_000, ["'answers' can't be read"]),
            ("{'text': ['sea'], 'answer_start': []}", ["differ in length", "1 and 0"]),
            ("{'text': ['sea'], 'answer_start': ['3']}", ["'answer_start' is not a whole number"]),
            ("{'text': ['a', ...], 'answer_start': [0, 1]}", ["'text' is not a string"]),
        ],
    )
    def test_errors(self, tmp_path, cell, expected):
        message = complaint(write(tmp_path, table([LINE, LINE | {"id": "b", "answers": cell}])))
        for part in ["row 2 (line 3)", *expected]:
            assert part in message


class TestAnswersInTwoColumns:
    @pytest.mark.parametrize(
        ("header", "row", "gold"),
        [
            ("answer,answer_start", "sea,3", (Answer("sea", 3),)),
            ("answer_text,answer_start", "sea,3.0", (Answer("sea", 3),)),
            ("answer", "sea", (Answer("sea", UNKNOWN_START),)),
            ("answer,answer_start", "sea,", (Answer("sea", UNKNOWN_START),)),
            ("answer,answer_start", ",", ()),
            ("answer,answer_start", ",-1", ()),
            ("answer,is_impossible", ",True", ()),
            ("answer,is_impossible", "sea,0", (Answer("sea", UNKNOWN_START),)),
            ("is_impossible", "true", ()),
            ("is_impossible", "", None),
        ],
    )
    def test_golds(self, tmp_path, header, row, gold):
        (example,) = read(write(tmp_path, f"{HEAD},{header}\na,Where?,At sea.,{row}\n"))
        assert example.answers == gold

    @pytest.mark.parametrize(
        ("header", "row", "expected"),
        [
            ("answer,answer_start", ",3", ["'answer' is blank, but 'answer_start' is not", "'3'"]),
            ("answer,answer_start", "sea,3.5", ["'answer_start' is not a whole number", "'3.5'"]),
            ("answer,answer_start", "sea,three", ["'answer_start' is not a whole number"]),
            ("answer,is_impossible", "sea,true", ["'is_impossible' is true, but", "'sea'"]),
            ("answer,is_impossible", ",false", ["'is_impossible' is false"]),
            ("answer,is_impossible", ",perhaps", ["'is_impossible' is not true or false"]),
        ],
    )
    def test_errors(self, tmp_path, header, row, expected):
        message = complaint(write(tmp_path, f"{HEAD},{header}\na,Where?,At sea.,{row}\n"))
        for part in ["row 1 (line 2)", *expected]:
            assert part in message


class TestCsv:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n"])
    @pytest.mark.parametrize("options", [{}, {"delimiter": "\t"}, {"delimiter": ";"}])
    def test_every_character_is_kept(self, tmp_path, pack, mark, options):
        context = ' "Où?",\tsagt; 😀\n\n\r\nsie \r '
        rows = [
            {"id": "a", "context": context, "question": " Wo? ", "title": "T"},
            {"id": "b", "context": context, "question": "", "title": ""},
        ]
        path = write(tmp_path, pack(mark + table(rows, **options).encode()))
        first, second = read(path)
        assert (first.context, first.question, first.title) == (context, " Wo? ", "T")
        assert second.context is first.context
        assert (second.question, second.title, second.answers) == ("", "", None)

    def test_a_missing_id_is_the_number_of_the_row(self, tmp_path):
        lines = "question,context\nWhy?,At sea.\n\nWhere?,At sea.\n"
        assert [item.id for item in read(write(tmp_path, lines))] == ["1", "2"]
        lines = f"{HEAD}\na,Why?,At sea.\n,Where?,At sea.\n"
        assert [item.id for item in read(write(tmp_path, lines))] == ["a", "2"]

    def test_a_context_as_long_as_a_book(self, tmp_path):
        context = "At sea. " * 100_000
        (example,) = read(write(tmp_path, table([{"question": "Where?", "context": context}])))
        assert example.context == context

    def test_one_row_at_a_time(self, tmp_path):
        rows = stream(write(tmp_path, f"{HEAD}\na,Where?,At sea.\nb,Why?\n"))
        assert next(rows).id == "a"
        with pytest.raises(DataError, match=r"row 2 \(line 3\)"):
            next(rows)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ("Question,Context\nWhy?,Sea.\n", ["line 1", "rename 'Question' to 'question'"]),
            ("id,question,contexts\n", ["'context' is missing", "rename 'contexts'"]),
            ("question,context,question\n", ["several columns 'question'"]),
            ("question,context,answers,answer\n", ["'answers', 'answer'", "which answers"]),
            ("question,context,answer_start\n", ["'answer_start' alone"]),
            ("question,context,Answers\nWhy?,Sea.,\n", ["rename 'Answers' to 'answers'"]),
            (f"{HEAD}\na,Why?\n", ["row 1 (line 2)", "3 cells", "found:    2", "string: 'a'"]),
            (f'{HEAD}\na,"Why\n?",Sea.\nb,"Why" then,S\n', ["row 2 (line 4)", "is doubled"]),
            (f"\n{HEAD}\na,Why?,Sea.\n\n\nb,Why?\n", ["row 2 (line 6)", "3 cells"]),
            (f'{HEAD}\na,Why?,"Sea\n\n', ["row 1 (line 2)", "unexpected end of data"]),
            (f"{HEAD}\na,Why?,Sea.\na,Why?,Sea.\n", ["row 2 (line 3)", "at row 1 (line 2)"]),
            (f"{HEAD}\na,Où?,Mer.\n".encode("latin-1"), ["line 2, byte 4", "not UTF-8"]),
        ],
    )
    def test_errors(self, tmp_path, content, expected):
        message = complaint(write(tmp_path, content))
        for part in expected:
            assert part in message


class TestParquet:
    def test_the_columns_of_the_hub(self, tmp_path):
        columns = {
            "id": ["a", "b", "c"],
            "title": ["T", None, ""],
            "question": ["Où?", "b?", "c?"],
            "context": ["At sea."] * 3,
            "answers": [GOLD, {"text": [], "answer_start": []}, None],
            "weather": ["calm"] * 3,
        }
        examples = read(parquet(tmp_path, columns, row_group_size=2))
        assert [item.id for item in examples] == ["a", "b", "c"]
        assert [item.title for item in examples] == ["T", "", ""]
        assert [item.answers for item in examples] == [
            (Answer("sea", 3), Answer("At sea", 0)),
            (),
            None,
        ]
        assert len({id(item.context) for item in examples}) == 1
        assert examples[2].place == "row 3"

    @pytest.mark.parametrize(
        ("columns", "golds"),
        [
            ({"answer": ["sea", None, ""], "answer_start": [3, None, -1]}, [3, None, None]),
            ({"answer": ["sea", None, ""], "answer_start": [3.0, float("nan"), None]}, [3, 0, 0]),
            ({"answers": [json.dumps(GOLD), "[]", "[]"]}, [3, None, None]),
            ({"answers": [[{"text": "sea", "start": 3}], [], []]}, [3, None, None]),
        ],
    )
    def test_other_ways_to_write_the_gold(self, tmp_path, columns, golds):
        columns |= {"id": [1, 2, 3], "question": ["?"] * 3, "context": ["At sea."] * 3}
        examples = read(parquet(tmp_path, columns))
        assert [item.id for item in examples] == ["1", "2", "3"]
        assert examples[0].answers[0] == Answer("sea", golds[0])
        assert [item.answers for item in examples[1:]] == [(), ()]

    def test_packed(self, tmp_path):
        path = parquet(tmp_path, {"question": ["Where?"], "context": ["At sea."]})
        path.write_bytes(gzip.compress(path.read_bytes()))
        assert [item.id for item in read(path)] == ["1"]

    def test_errors(self, tmp_path):
        message = complaint(parquet(tmp_path, {"question": ["Where?"], "contexts": ["At sea."]}))
        assert "'context' is missing" in message and "rename 'contexts'" in message
        columns = {"id": ["a", "b"], "question": ["?", None], "context": ["At sea."] * 2}
        message = complaint(parquet(tmp_path, columns))
        assert "row 2: 'question' is not a string" in message and "null" in message

    @given(st.data())
    def test_a_broken_file_is_an_error(self, tmp_path_factory, data):
        path = parquet(tmp_path_factory.getbasetemp(), {"question": ["?"], "context": ["At sea."]})
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(4, len(content) - 1))])
        assert "the Parquet table can't be read" in complaint(path)

    def test_without_pyarrow_it_says_what_to_install(self, tmp_path, monkeypatch):
        path = parquet(tmp_path, {"question": ["Where?"], "context": ["At sea."]})
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'spanfit\[tabular\]'"):
            read(path)

    def test_csv_takes_no_extra(self, tmp_path):
        path = write(tmp_path, f"{HEAD}\na,Where?,At sea.\n")
        code = (
            "import sys; sys.modules['pyarrow'] = None; import spanfit;"
            f"print(spanfit.read({str(path)!r})[0].id)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert done.stdout.split() == [b"a"]


def test_what_pandas_writes(tmp_path):
    """The columns of the hub, through pandas into CSV and back into Parquet."""
    pandas = pytest.importorskip("pandas")
    rows = [
        LINE | {"answers": GOLD},
        LINE | {"id": "b", "answers": {"text": ['it\'s "at"'], "answer_start": [0]}},
        LINE | {"id": "c", "answers": {"text": [], "answer_start": []}},
    ]
    expected = [(Answer("sea", 3), Answer("At sea", 0)), (Answer('it\'s "at"', 0),), ()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    frame = pandas.read_parquet(tmp_path / "in.parquet")
    frame.to_csv(tmp_path / "out.csv")  # with its nameless index column
    frame.to_parquet(tmp_path / "out.parquet")
    for name in ("out.csv", "out.parquet"):
        assert [item.answers for item in read(tmp_path / name)] == expected


cells = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4), st.sampled_from(",\t;"))
def test_any_text_comes_through_csv(tmp_path_factory, pairs, delimiter):
    rows = [{"question": question, "context": context} for question, context in pairs]
    content = table(rows, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    path = write(tmp_path_factory.getbasetemp(), content)
    assert [(item.question, item.context) for item in read(path)] == pairs


@given(
    st.lists(st.tuples(cells, st.integers(-1, 99)), max_size=3), st.sampled_from([repr, json.dumps])
)
def test_any_answers_come_through_a_cell(tmp_path_factory, golds, write_cell):
    cell = write_cell({"text": [g[0] for g in golds], "answer_start": [g[1] for g in golds]})
    path = write(tmp_path_factory.getbasetemp(), table([LINE | {"answers": cell}]))
    assert read(path)[0].answers == tuple(Answer(*gold) for gold in golds)
