"""Files of any length in flat memory: what is read once, tokenised once, left out, shown."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import CONTEXT, LINE, LIT, squad, write
from toy_predictor import ToyBackend, make_predictor
from toy_tokenizers import KINDS, load

from spanfit.data import count, stream
from spanfit.errors import DataError
from spanfit.memory import TextMemory
from spanfit.prediction import CHUNK_EXAMPLES, predict_file
from spanfit.progress import Progress
from spanfit.types import QuestionExample

TEXTS = ("", " ", "Ada went to the quay.", "Where?", "全角 の空白", "a b c " * 40, "👩‍🚀 two")


class PlainBackend(ToyBackend):
    """Logits that the padding does not change."""

    def logits(self, batch):
        ids = batch.input_ids.astype(np.float64)
        place = np.arange(ids.shape[1])
        return np.stack([np.sin(ids + place), np.cos(ids * place)], axis=-1).astype(np.float32)


class CountingBackend:
    """A backend of `tokenizers` that remembers what it encoded."""

    def __init__(self, backend):
        self.backend, self.encoded = backend, []

    def encode_batch(self, texts, **options):
        self.encoded += texts
        return self.backend.encode_batch(texts, **options)


def counting(tokenizer):
    return replace(tokenizer, backend=CountingBackend(tokenizer.backend))


def example(number, context, question="Where?"):
    return QuestionExample(id=str(number), question=question, context=context)


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_gives_what_the_tokenizer_gives(kind):
    tokenizer = load(kind)

    @given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=5), max_size=5))
    def check(calls):
        memory = TextMemory(tokenizer)
        for texts in calls:
            found, expected = memory.encode(texts), tokenizer.encode(texts)
            for name in ("ids", "starts", "ends", "splits"):
                one, other = getattr(found, name), getattr(expected, name)
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype

    check()


def test_a_memory_holds_one_call_and_no_more():
    tokenizer = counting(load("wordpiece"))
    memory = TextMemory(tokenizer)
    for texts in (["a", "b"], ["b", "c"], ["c", "a"]):
        memory.encode(texts)
    assert tokenizer.backend.encoded == ["a", "b", "c", "a"]


def test_a_thousand_questions_on_one_context_tokenise_it_once():
    predictor = make_predictor()
    tokenizer = counting(predictor.tokenizer)
    book = "Ada went to the quay. " * 20
    examples = [example(n, book, f"Who went to number {n}?") for n in range(1000)]
    found = list(replace(predictor, tokenizer=tokenizer).predict(examples))
    assert tokenizer.backend.encoded.count(book) == 1
    assert len(tokenizer.backend.encoded) == 1001
    afresh = []
    for start in range(0, 1000, CHUNK_EXAMPLES):
        afresh += predictor.predict(examples[start : start + CHUNK_EXAMPLES])
    assert found == afresh


def test_long_texts_are_tokenised_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr("spanfit.tokenizer.CHARACTERS_AT_ONCE", 1000)
    tokenizer, calls = load("wordpiece"), []

    class Backend(CountingBackend):
        def encode_batch(self, texts, **options):
            calls.append([*map(len, texts)])
            return super().encode_batch(texts, **options)

    lengths = [300] * 10 + [2500, 10, 990, 1] + [0] * 300
    found = replace(tokenizer, backend=Backend(tokenizer.backend)).encode(
        ["a" * n for n in lengths]
    )
    assert calls[:6] == [[300] * 3] * 3 + [[300], [2500], [10, 990]]
    assert [*itertools.chain(*calls)] == lengths
    assert max(map(len, calls)) == 256
    assert len(found) == len(lengths)


def test_long_contexts_are_predicted_a_few_at_a_time_and_as_if_alone(monkeypatch):
    monkeypatch.setattr("spanfit.prediction.CHARACTERS_AT_ONCE", 20_000)
    predictor = replace(make_predictor(), backend=PlainBackend())
    texts = ["It rained on the quay. " * (200 + 40 * (n % 7)) + f"Ada {n}." for n in range(24)]
    examples = [example(n, text, f"Where was Ada {n}?") for n, text in enumerate(texts)]
    examples[10:10] = [example(f"short-{n}", f"At sea {n}.") for n in range(300)]
    chunks = list(predictor.predict_chunks(examples))
    assert [item for chunk, _ in chunks for item in chunk] == examples
    for chunk, _ in chunks:
        size = sum(len(item.question) + len(item.context) for item in chunk)
        assert len(chunk) <= CHUNK_EXAMPLES
        assert size <= 20_000 or len(chunk) == 1
    assert sorted({len(chunk) for chunk, _ in chunks})[0] < 4
    together = [prediction for _, predictions in chunks for prediction in predictions]
    for item, found in zip(examples, together, strict=True):
        (alone,) = predictor.predict([item])
        assert (found.id, len(found.n_best)) == (item.id, len(alone.n_best))
        assert found.null_odds == pytest.approx(alone.null_odds, abs=1e-5)
        for one, other in zip(found.n_best, alone.n_best, strict=True):
            assert one.span == other.span
            assert one.score == pytest.approx(other.score, abs=1e-5)
            assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_a_memory_of_long_contexts_holds_one_chunk(monkeypatch):
    monkeypatch.setattr("spanfit.prediction.CHARACTERS_AT_ONCE", 5_000)
    sizes = []
    encode = TextMemory.encode

    def watch(memory, texts):
        found = encode(memory, texts)
        sizes.append(sum(map(len, memory._row_of)))
        return found

    monkeypatch.setattr(TextMemory, "encode", watch)
    examples = [example(n, f"{n} " + "It rained. " * 150) for n in range(20)]
    assert len(list(make_predictor().predict(examples))) == 20
    assert len(sizes) > 5
    assert max(sizes) <= 5_000


def test_json_lines_stream_in_flat_memory(tmp_path):
    data = tmp_path / "questions.jsonl"
    with data.open("w") as file:
        for number in range(5_000):
            line = {"id": f"a question with a long id, number {number}", "question": "Where?"}
            file.write(json.dumps(line | {"context": "At sea."}) + "\n")

    def peak(**options):
        tracemalloc.start()
        assert sum(1 for _ in stream(data, **options)) == 5_000
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        return megabytes

    assert peak(check_ids=False) < 0.3
    assert peak() > 0.8  # what the ids take that `score` and training look at


def test_ids_that_come_twice_are_predicted_twice(tmp_path):
    data = write(tmp_path, [LINE, LINE], "questions.jsonl")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl")
    assert done.n == 2
    with pytest.raises(DataError, match="comes a second time"):
        list(stream(data))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([LINE, LINE | {"id": "b"}], 2),
        (json.dumps(LINE) + "\n\n \n" + json.dumps(LINE | {"id": "b"}), 2),
        ("not JSON\n" + json.dumps(LINE) + "\n", 2),  # a faulty line takes its time too
        (squad(LIT, LIT | {"id": "q2"}), 2),
        (json.dumps(squad(LIT), indent=1), 1),
        ("id,question,context\na,Where?,At sea.\nb,Who?,At sea.\n", 2),
    ],
)
def test_questions_are_counted_before(tmp_path, content, expected):
    assert count(write(tmp_path, content)) == expected


def test_counting_tells_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("spanfit.data._TALLIED", 100)
    for content in ([LINE] * 250, "id,question,context\n" + "a,Where?,At sea.\n" * 250):
        told = []
        assert count(write(tmp_path, content), advance=told.append) == 250
        assert told == [100, 100]


ITEMS = [json.dumps(LINE | {"id": name}) for name in "abc"]


@pytest.mark.parametrize("bad_lines", ["fail", "skip"])
@pytest.mark.parametrize(
    "content",
    [
        "[\n" + ",\n".join(ITEMS) + "\n]\n",
        "\n[" + ",\n".join(ITEMS) + "]",
        "[ " + "\n, ".join(ITEMS) + "\n]\n",
        f"[{', '.join(ITEMS)}]",
        json.dumps([LINE, LINE], indent=1),
    ],
)
def test_an_array_is_not_taken_for_lines(tmp_path, content, bad_lines):
    data = write(tmp_path, content, "questions.json")
    for work in (
        lambda: predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines=bad_lines),
        lambda: count(data),
        lambda: list(stream(data, on_fault=lambda *_: None)),
        lambda: list(stream(data)),
    ):
        with pytest.raises(DataError, match=r"(?s)a JSON array.*jq -c '\.\[\]'"):
            work()
    assert [path.name for path in tmp_path.iterdir()] == ["questions.json"]


FAULTY = (
    "not JSON",
    '{"id": "cut", "question": "Wh',
    "[1, 2]",
    '{"id": "a", "question": "Where?"}',
    '{"question": "Where?", "context": 7}',
    '{"question": "Where?", "context": "At sea.", "answers": [{"txt": "sea"}]}',
    '{"question": "\\ud800?", "context": "At sea."}',
    '"data"',
)


@pytest.mark.parametrize("faulty", FAULTY)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_faulty_line_is_left_out_counted_and_listed(tmp_path, faulty, place):
    lines = [json.dumps(LINE | {"id": "one"}), json.dumps(LINE | {"id": "two"})]
    lines.insert(place, faulty)
    data = write(tmp_path, "\n".join(lines) + "\n", "questions.jsonl")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert (done.n, done.skipped) == (2, 1)
    assert done.skipped_file == tmp_path / "p.jsonl.skipped.jsonl"
    (listed,) = map(json.loads, done.skipped_file.read_text().splitlines())
    assert listed["line"] == place + 1
    assert listed["reason"]
    ids = [json.loads(line)["id"] for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert ids == ["one", "two"]


@pytest.mark.parametrize("faulty", FAULTY)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_faulty_line_is_an_error_that_says_what_can_be_done(tmp_path, faulty, place):
    lines = [json.dumps(LINE | {"id": "one"}), json.dumps(LINE | {"id": "two"})]
    lines.insert(place, faulty)
    data = write(tmp_path, "\n".join(lines) + "\n", "questions.jsonl")
    with pytest.raises(DataError, match=f"line {place + 1}") as caught:
        predict_file(make_predictor(), data, tmp_path / "p.jsonl")
    assert "correct the line, or leave out all that cannot be read: --bad-lines skip" in str(
        caught.value
    )
    assert [path.name for path in tmp_path.iterdir()] == ["questions.jsonl"]


def test_bytes_that_are_not_utf8_are_a_faulty_line(tmp_path):
    line = json.dumps(LINE).encode()
    data = write(tmp_path, line + b"\n" + line.replace(b"sea", b"s\xe9a") + b"\n", "q.jsonl")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert (done.n, done.skipped) == (1, 1)
    assert "not UTF-8" in done.skipped_file.read_text()


def test_a_faulty_row_of_a_table_is_left_out_and_keeps_its_number(tmp_path):
    rows = "question,context,answer\nWhere?,At sea.,\nWhen?,Too,many,cells\nWho?,Ada.,Ada\n"
    data = write(tmp_path, rows, "questions.csv")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert json.loads(done.skipped_file.read_text())["row"] == 2
    ids = [json.loads(line)["id"] for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert ids == ["1", "3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'When?,"Too" many,x\n', "the row can't be read: ',' expected after '\"'"),
        (b'When?,"two\nlines" then,x\n', "the row (to line 4) can't be read"),
        (b'When?,"two\nlines",x,y\n', "the row (to line 4) has another number of cells"),
        (b"Wh\xe9n?,At s\xe9a.,\n", "not UTF-8: invalid continuation byte, found byte 0xe9"),
        (b'When?,"on two\nl\xefnes",x\n', "not UTF-8"),
        (b'"Wh\xe9n" then?,At sea.,\n', "not UTF-8"),
    ],
)
def test_a_row_of_wrong_quotes_or_bytes_is_left_out(tmp_path, row, reason):
    rows = b'question,context,answer\nWhere?,At sea.,\n%bWho?,"Ada, so\nthey say.",Ada\n' % row
    data = write(tmp_path, rows, "questions.csv")
    assert count(data) == 2
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert (done.n, done.skipped) == (2, 1)
    listed = json.loads(done.skipped_file.read_text())
    assert listed["row"] == 2
    assert listed["reason"].startswith(reason)
    ids = [json.loads(line)["id"] for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert ids == ["1", "3"]
    with pytest.raises(DataError, match="--bad-lines skip"):
        predict_file(make_predictor(), data, tmp_path / "q.jsonl")


@pytest.mark.parametrize(
    "rows",
    [
        'When?,"Too many,x\nWho?,Ada.,Ada\nWhy?,At sea.,\n',
        'When?,"Too many,x\nWho?,"Ada, so they say.",Ada\nWhy?,At sea.,\n',
        'When?,"She said "no"\nto one, two, or three","x"\nWho?,Ada.,Ada\n',
        'When?,5" wide,"x\nWho?,Ada.,Ada\n',
    ],
)
def test_a_row_whose_end_nobody_knows_stops_before_anything_is_predicted(tmp_path, rows):
    data = write(tmp_path, f"question,context,answer\nWhere?,At sea.,\n{rows}", "questions.csv")
    with pytest.raises(
        DataError, match=r"row 2 \(line 3\): .* do not show where it ends"
    ) as caught:
        predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert "--bad-lines" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["questions.csv"]


def test_a_last_row_that_was_cut_off_is_left_out(tmp_path):
    rows = 'question,context,answer\nWhere?,At sea.,\nWhen?,"Too'
    data = write(tmp_path, rows, "questions.csv")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert (done.n, done.skipped) == (1, 1)


def test_a_mistake_in_squads_json_always_stops(tmp_path):
    data = write(tmp_path, squad(LIT, {"id": "q2"}), "questions.json")
    with pytest.raises(DataError, match="the key 'question' is missing"):
        predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert [path.name for path in tmp_path.iterdir()] == ["questions.json"]


def test_a_file_without_any_question_is_an_error_however_lines_are_treated(tmp_path):
    data = write(tmp_path, [{"id": "a"}, {"id": "b"}], "questions.jsonl")
    with pytest.raises(DataError, match="not a file of questions"):
        predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")


def test_an_old_list_of_left_out_lines_does_not_stay(tmp_path):
    (tmp_path / "p.jsonl.skipped.jsonl").write_text("of a file that is gone\n")
    data = write(tmp_path, [LINE], "questions.jsonl")
    done = predict_file(make_predictor(), data, tmp_path / "p.jsonl", bad_lines="skip")
    assert done.skipped_file is None
    assert not (tmp_path / "p.jsonl.skipped.jsonl").exists()


def test_progress_says_how_fast_and_how_long(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("spanfit.progress.SECONDS_BETWEEN_LINES", 0.0)
    lines = [LINE | {"id": str(n), "context": f"{CONTEXT} {n}"} for n in range(600)]
    data = write(tmp_path, lines, "questions.jsonl")
    clock = itertools.count(0.0, 10.0)  # ten seconds pass between any two looks at it
    monkeypatch.setattr("spanfit.progress.time.monotonic", lambda: next(clock))
    predict_file(make_predictor(), data, tmp_path / "p.jsonl", progress=Progress())
    lines = capsys.readouterr().err.splitlines()
    first = next(line for line in lines if line.startswith("predicting"))
    assert first.startswith("predicting: 256 of 600 examples, ")
    assert " left, " in first
    assert first.endswith(" examples/s")


def test_what_was_done_before_says_nothing_about_the_speed(monkeypatch, capsys):
    monkeypatch.setattr("spanfit.progress.SECONDS_BETWEEN_LINES", 0.0)
    now = [0.0]
    monkeypatch.setattr("spanfit.progress.time.monotonic", lambda: now[0])
    with Progress().bar("predicting", total=1000, unit="lines", done=900) as bar:
        now[0] = 100.0
        bar.advance(50)
    assert "950 of 1,000 lines, 1:40 left, 0.5 lines/s" in capsys.readouterr().err
