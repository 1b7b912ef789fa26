"""The calibration part and seeded subsets."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data import read
from spanfit.data.splitting import limit, split_off
from spanfit.errors import RecipeError
from spanfit.types import QuestionExample


def make(*groups):
    """Examples of (title, context) pairs."""
    return [
        QuestionExample(str(row), "?", context, title=title)
        for row, (title, context) in enumerate(groups)
    ]


def ids(examples):
    return [example.id for example in examples]


pairs = st.tuples(st.sampled_from(["", *"ABCDEFGHIJKLMN"]), st.sampled_from("abcdefghij"))


class TestSplitOff:
    @given(st.lists(pairs, max_size=60), st.floats(0, 0.9), st.integers(0, 9))
    def test_every_question_once_and_no_context_in_both(self, groups, share, seed):
        examples = make(*groups)
        training, calibration = split_off(examples, share=share, seed=seed)
        assert sorted(ids(training + calibration), key=int) == ids(examples)
        assert ids(training) == sorted(ids(training), key=int)
        assert not {item.context for item in training} & {item.context for item in calibration}

    @given(st.lists(pairs, max_size=60), st.integers(0, 9))
    def test_the_order_does_not_matter(self, groups, seed):
        examples = make(*groups)
        shuffled = random.Random(seed).sample(examples, len(examples))
        first, second = split_off(examples, seed=seed), split_off(shuffled, seed=seed)
        assert set(ids(first.calibration)) == set(ids(second.calibration))

    def test_ten_titles_are_split_by_title(self):
        examples = make(*((title, f"{title}{n}") for title in "ABCDEFGHIJ" for n in range(7)))
        training, calibration = split_off(examples, seed=1)
        assert len(calibration) == 7
        assert len({item.title for item in calibration}) == 1
        assert len({item.title for item in training}) == 9

    def test_nine_titles_are_split_by_context(self):
        examples = make(*((title, f"{title}{n}") for title in "ABCDEFGHI" for n in range(10)))
        training, calibration = split_off(examples, seed=1)
        assert len(calibration) == 9
        assert len({item.title for item in training}) == 9

    def test_questions_of_a_context_stay_together(self):
        examples = make(*(("", str(n // 5)) for n in range(200)))
        training, calibration = split_off(examples, share=0.2, seed=3)
        assert len(calibration) == 40
        assert {item.context for item in calibration}.isdisjoint(x.context for x in training)

    def test_seeds_differ(self):
        examples = make(*(("", str(n)) for n in range(100)))
        assert len({tuple(ids(split_off(examples, seed=seed)[1])) for seed in range(5)}) == 5

    @pytest.mark.parametrize("examples", [[], make(("", "a")), make(*[("T", "a")] * 50)])
    def test_a_single_context_has_no_calibration_part(self, examples):
        assert split_off(examples, seed=0) == (examples, [])

    def test_of_two_the_smaller_is_taken(self):
        examples = make(("", "a"), ("", "a"), ("", "b"))
        assert ids(split_off(examples, seed=0).calibration) == ["2"]

    def test_a_share_of_nothing(self):
        examples = make(*(("", str(n)) for n in range(100)))
        assert split_off(examples, share=0, seed=0) == (examples, [])

    @pytest.mark.parametrize("share", [-0.1, 1, 10, float("nan")])
    def test_a_wrong_share(self, share):
        with pytest.raises(RecipeError, match="share of the calibration part"):
            split_off([], share=share, seed=0)

    def test_the_same_in_every_process(self):
        """Hashes of strings differ between processes, the parts must not."""
        code = (
            "from spanfit.data.splitting import split_off\n"
            "from spanfit.types import QuestionExample\n"
            "made = [QuestionExample(str(n), '?', 'c' * n, title=str(n % 30)) for n in range(90)];"
            "print([example.id for example in split_off(made, seed=7).calibration])"
        )
        outputs = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            for seed in ("1", "2")
        }
        assert len(outputs) == 1

    @pytest.mark.parametrize(
        ("file", "n_titles"),
        [("squad_v1/train-v1.1.subset.json", 58), ("squad_v2/train-v2.0.subset.json", 11)],
    )
    def test_real_titles(self, shared, file, n_titles):
        examples = read(shared / "data" / file)
        training, calibration = split_off(examples, seed=0)
        titles = {item.title for item in calibration}
        assert titles.isdisjoint(item.title for item in training)
        assert len(titles | {item.title for item in training}) == n_titles
        assert 0.05 < len(calibration) / len(examples) < 0.15

    def test_a_single_real_title_is_split_by_context(self, shared):
        examples = read(shared / "data/squad_v1/train-v1.1.extra-derived.json")
        assert len(split_off(examples, seed=0).calibration) == pytest.approx(611.8, abs=3)


class TestLimit:
    def test_a_seeded_subset_in_order(self):
        examples = make(*(("", str(n)) for n in range(50)))
        chosen = limit(examples, 10, seed=1)
        assert len(chosen) == 10
        assert ids(chosen) == sorted(ids(chosen), key=int)
        assert chosen == limit(examples, 10, seed=1)
        assert chosen != limit(examples, 10, seed=2)

    @pytest.mark.parametrize("most", [None, 5, 6])
    def test_no_more_than_there_are(self, most):
        examples = make(*(("", str(n)) for n in range(5)))
        assert limit(examples, most, seed=1) == examples

    @pytest.mark.parametrize("most", [0, -1])
    def test_too_few(self, most):
        with pytest.raises(RecipeError, match="limit of examples"):
            limit([], most, seed=1)
