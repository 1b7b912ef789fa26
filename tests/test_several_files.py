"""Several files as one part: ids, places, errors that name both files, the recipe's lists."""

from __future__ import annotations

import pytest
from question_files import LINE, LIT, squad, write

from spanfit.data import read, stream
from spanfit.errors import DataError, RecipeError
from spanfit.recipe import make_recipe, read_recipe
from spanfit.types import QuestionExample

BARE = {"question": "Where?", "context": "At sea."}
CSV = "question,context,answer,answer_start\nWhere?,At sea.,sea,3\n"


def test_in_their_order_and_in_any_format(tmp_path):
    paths = [
        write(tmp_path, squad(LIT), "a.json"),
        write(tmp_path, [LINE, BARE], "b.jsonl"),
        write(tmp_path, CSV, "c.csv"),
    ]
    examples = read(*paths)
    assert [item.id for item in examples] == ["q1", "a", "b:2", "c:1"]
    assert examples[1].place == f"{paths[1]}, line 1"
    assert examples[3].place == f"{paths[2]}, row 1 (line 2)"
    assert [item.id for item in read(*reversed(paths))] == ["c:1", "a", "b:2", "q1"]


def test_one_file_alone_has_plain_numbers(tmp_path):
    assert read(write(tmp_path, [BARE]))[0].id == "1"


def test_missing_ids_of_files_with_one_name(tmp_path):
    paths = [write(tmp_path, [BARE], name) for name in ("a.jsonl", "a.jsonl.gz")]
    assert [item.id for item in read(*paths)] == [f"{path}:1" for path in paths]
    assert read(tmp_path / "a.jsonl.gz")[0].id == "1"


def test_an_id_in_two_files(tmp_path):
    first = write(tmp_path, [LINE | {"id": "x"}, LINE], "first")
    second = write(tmp_path, [BARE, LINE, LINE | {"id": "x"}], "second")
    with pytest.raises(DataError) as caught:
        read(first, second)
    message = str(caught.value)
    assert f"{second}, line 2: the id 'a' comes a second time" in message
    assert f"the same id at {first}, line 2, and 1 more" in message
    with pytest.raises(DataError, match="comes a second time"):
        read(first, first)


def test_equal_questions_of_two_files_count_once_where_that_is_asked_for(tmp_path):
    first = write(tmp_path, [LINE, LINE | {"id": "b"}], "first")
    second = write(tmp_path, [LINE, LINE | {"id": "c"}], "second")
    repeats = []
    found = [item.id for item in stream(first, second, repeats=repeats)]
    assert (found, repeats) == (["a", "b", "c"], ["a"])
    other = write(tmp_path, [LINE | {"answers": [{"text": "sea", "start": 3}]}], "other")
    with pytest.raises(DataError, match="comes a second time"):
        list(stream(first, other, repeats=[]))


def test_a_list_in_a_recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[data]\ntrain = ["a.json", "b.csv"]\nvalidation = "c.json"\n')
    data = read_recipe(path).data
    assert (data.train, data.validation) == (["a.json", "b.csv"], "c.json")
    changed = read_recipe(path, overrides=['data.calibration=["d"]', "data.train=e.json"])
    assert (changed.data.train, changed.data.calibration) == ("e.json", ["d"])
    path.write_text(changed.to_toml())
    assert read_recipe(path) == changed


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.train=[a.json, b.json]", """--set 'data.train=["a.json", "b.json"]'"""),
        ('data.train=["a.json", 3]', "data.train: input should be a valid string"),
    ],
)
def test_a_list_that_is_none(override, expected):
    with pytest.raises(RecipeError) as caught:
        make_recipe({}, overrides=[override])
    assert expected in str(caught.value)


@pytest.mark.training
class TestParts:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        lines = [
            LINE
            | {"id": f"x{n}", "context": f"At sea {n}.", "answers": [{"text": "sea", "start": 3}]}
            for n in range(30)
        ]
        write(tmp_path, lines[:20], "a.jsonl")
        write(tmp_path, lines[20:], "b.jsonl")
        write(tmp_path, lines, "whole.jsonl")
        write(tmp_path, CSV, "c.csv")
        return tmp_path

    def read_parts(self, progress=None, **data):
        from spanfit.parts import read_parts
        from spanfit.progress import Progress

        progress = progress or Progress(quiet=True)
        return read_parts(make_recipe({"data": data}), kind=QuestionExample, progress=progress)

    def test_what_is_drawn_does_not_depend_on_how_the_data_are_cut(self, folder):
        parts = self.read_parts(train=["a.jsonl", "b.jsonl"], validation=["c.csv"], max_examples=12)
        whole = self.read_parts(train="whole.jsonl", max_examples=12)
        assert parts.training == whole.training and parts.calibration == whole.calibration
        assert len(parts.training) + len(parts.calibration) == 12
        assert [item.id for item in parts.validation] == ["1"]
        digests = parts.digests()
        assert digests["training"] == whole.digests()["training"]
        assert digests["validation"] != whole.digests().get("validation")

    def test_errors_name_the_file(self, folder):
        write(folder, CSV.replace(",3", ",4"), "bad.csv")
        with pytest.raises(DataError, match=r"^bad.csv, row 1 \(line 2\), question 'bad:1'"):
            self.read_parts(train=["a.jsonl", "bad.csv"])
        write(folder, [BARE], "bare.jsonl")
        with pytest.raises(DataError, match=r"^bare.jsonl, line 1: question 'bare:1' has no gold"):
            self.read_parts(train=["a.jsonl", "bare.jsonl"])
        with pytest.raises(RecipeError, match="names no training data"):
            self.read_parts(train=[])

    def test_repairs_name_the_files(self, folder, capsys):
        from spanfit.progress import Progress

        write(folder, CSV.replace(",3", ",4"), "bad.csv")
        self.read_parts(Progress(), train=["a.jsonl", "bad.csv"], bad_answers="relocate")
        assert (
            "a.jsonl, bad.csv: gold answers relocated: 1: bad:1 (4 → 3)" in capsys.readouterr().err
        )
