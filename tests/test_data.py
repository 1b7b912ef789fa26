"""Reading real files, duplicate ids, the round trip through JSON Lines, the digest."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, LIT, complaint, squad, write

from spanfit.data import digest, jsonl, read
from spanfit.data import squad as squad_format
from spanfit.data.answers import check_answers
from spanfit.data.predictions import read_na_probs, read_predictions
from spanfit.types import Answer, QuestionExample


class TestRealFiles:
    @pytest.mark.parametrize(
        ("file", "answerable", "unanswerable"),
        [
            ("squad_v1/dev-v1.1.json", 10_570, 0),
            ("squad_v2/dev-v2.0.json", 5_928, 5_945),
            ("squad_v2/train-v2.0.subset.json", 4_799, 348),
            ("jsquad/valid-v1.3.json", 4_442, 0),
            ("korquad_v1/KorQuAD_v1.0_dev.json", 5_774, 0),
            ("cmrc2018/cmrc2018_dev.json", 3_219, 0),
            ("jaquad/jaquad_dev.json", 3_939, 0),
        ],
    )
    def test_counts(self, shared, file, answerable, unanswerable):
        examples = read(shared / "data" / file)
        assert sum(example.is_answerable for example in examples) == answerable
        assert sum(example.answers == () for example in examples) == unanswerable
        assert len(examples) == answerable + unanswerable

    @pytest.mark.parametrize("file", ["squad_v1/dev-v1.1.json", "jsquad/valid-v1.3.json"])
    def test_every_answer_stands_in_its_context(self, shared, file):
        for example in read(shared / "data" / file):
            assert all(answer.stands_in(example.context) for answer in example.answers)

    def test_outer_white_space_is_kept(self, shared):
        examples = read(shared / "data/squad_v1/dev-v1.1.json")
        contexts = {example.context for example in examples}
        assert sum(context != context.strip() for context in contexts) == 6
        assert sum(example.question != example.question.strip() for example in examples) == 344


class TestSamples:
    """The samples of the formats, in the documentation and in the modules, are what they say."""

    def test_of_the_documentation(self, tmp_path):
        page = (Path(__file__).parent.parent / "docs/files.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
        paths = [write(tmp_path, block, str(n)) for n, block in enumerate(blocks)]
        assert [example.id for path in paths[:4] for example in read(path)] == [
            *("q1", "q2"),
            *("q1", "q2", "3"),
            "q1",
            *("a1", "a2", "a3", "4"),
        ]
        assert [list(read_predictions(path)) for path in paths[4:6]] == [["q1", "q2"]] * 2
        assert read_na_probs(paths[6]) == {"q1": 0.02, "q2": 0.97}
        (predicted,) = read(paths[7])
        assert (predicted.id, predicted.tags) == ("a3", ("B-PER", "O", "O"))

    def test_of_columns_in_the_documentation(self, tmp_path):
        page = (Path(__file__).parent.parent / "docs/files.md").read_text(encoding="utf-8")
        block = re.findall(r"```text\n(-DOCSTART-.*?)```", page, flags=re.DOTALL)[0]
        (example,) = read(write(tmp_path, block))
        assert (example.text, example.document) == ("Mira lives in Oslo .", "1")
        assert example.tags == ("B-PER", "O", "O", "B-LOC", "O")

    def test_of_csv_in_the_documentation(self, tmp_path):
        page = (Path(__file__).parent.parent / "docs/files.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```csv\n(.*?)```", page, flags=re.DOTALL)
        for number, block in enumerate(blocks):
            examples = read(write(tmp_path, block, str(number)))
            assert [item.answers for item in examples] == [(Answer("1864", 20),), ()]
            assert check_answers(examples, name="sample").examples == tuple(examples)
        assert len(blocks) == 2

    @pytest.mark.parametrize(("module", "n_questions"), [(squad_format, [2]), (jsonl, [3, 1])])
    def test_of_the_modules(self, tmp_path, module, n_questions):
        samples = re.findall(r"^    \{.*(?:\n    .*)*", module.__doc__, flags=re.MULTILINE)
        for sample, n in zip(samples, n_questions, strict=True):
            examples = read(write(tmp_path, sample))
            assert len(examples) == n
            if "…" not in sample:
                assert check_answers(examples, name="sample").examples == tuple(examples)


class TestDuplicates:
    def test_both_places_and_how_many_more(self, tmp_path):
        lines = [LINE | {"id": key} for key in "abacab"]
        message = complaint(write(tmp_path, lines))
        assert "line 3: the id 'a' comes a second time" in message
        assert "at line 1, and 2 more" in message

    def test_a_line_number_can_be_a_duplicate(self, tmp_path):
        lines = [LINE | {"id": "2"}, {"question": "Where?", "context": "At sea."}]
        assert "line 2: the id '2' comes a second time" in complaint(write(tmp_path, lines))

    def test_in_squad(self, tmp_path):
        message = complaint(write(tmp_path, squad(LIT, LIT, title="T")))
        assert "paragraph 1 of 'T': the id 'q1' comes a second time" in message


texts = st.text(st.characters(exclude_categories=["Cs"]))
answers = st.builds(Answer, texts, st.integers(-1, 50))
examples = st.lists(
    st.builds(
        QuestionExample,
        id=texts.filter(bool),
        question=texts,
        context=texts,
        answers=st.none() | st.lists(answers, max_size=3).map(tuple),
        title=texts,
    ),
    unique_by=lambda example: example.id,
    min_size=1,
    max_size=5,
)


@given(examples)
def test_json_lines_round_trip(tmp_path_factory, items):
    path = tmp_path_factory.getbasetemp() / "round-trip"
    write(path.parent, [asdict(item) for item in items], path.name)
    assert read(path) == items
    assert digest(read(path)) == digest(items)


class TestDigest:
    @given(examples, st.randoms(use_true_random=False))
    def test_the_order_does_not_matter(self, items, random_order: random.Random):
        shuffled = list(items)
        random_order.shuffle(shuffled)
        assert digest(shuffled) == digest(items)

    def test_everything_that_is_scored_matters(self):
        example = QuestionExample("a", "b", "c", answers=(Answer("d", 1),))
        changed = [
            replace(example, id="x"),
            replace(example, question="x"),
            replace(example, context="x"),
            replace(example, answers=None),
            replace(example, answers=()),
            replace(example, answers=(Answer("d", 2),)),
            replace(example, answers=(Answer("x", 1),)),
            replace(example, answers=(Answer("d", 1),) * 2),
            replace(example, id="ab", question=""),
        ]
        digests = {digest([item]) for item in [example, *changed]} | {digest([])}
        assert len(digests) == len(changed) + 2
        assert all(len(item) == 32 for item in digests)

    def test_titles_and_places_do_not(self):
        example = QuestionExample("a", "b", "c")
        assert digest([replace(example, title="T", place="line 3")]) == digest([example])

    def test_it_stays_what_it_is(self):
        """Digests are stored with models: they must be the same in each version and machine."""
        example = QuestionExample("a", "où ?", "à la mer", answers=(Answer("mer", 5),))
        assert (
            digest([example, QuestionExample("b", "?", "")]) == "9abb9476ff06b787458ee5766d524203"
        )
