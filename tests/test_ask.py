"""Asking over several texts, files and folders, in Python and on the command line."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
import torch
import transformers
from tiny_models import make_encoder

import spanfit
from spanfit.cli import main
from spanfit.data import contexts
from spanfit.errors import DataError
from spanfit.recipe import WindowsSection
from spanfit.settings import Calibration, ModelSettings
from spanfit.types import QuestionExample

pytestmark = pytest.mark.training

TEXTS = {
    "reports/april.txt": "Ada lives in Elm.\r\nThen Ben came from Dover 🚢 by sea. " * 9,
    "reports/empty.md": "",
    "reports/may.md": "In May, Cleo went to Łódź.\n\nDan stayed.",
}
QUESTIONS = ["Where does Ada live?", "Who stayed?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random, untrained model with a head, as a run would leave it."""
    folder = make_encoder(tmp_path_factory.mktemp("ask") / "model")
    torch.manual_seed(1)
    transformers.AutoModelForQuestionAnswering.from_pretrained(folder).save_pretrained(folder)
    ModelSettings(
        windows=WindowsSection(max_length=48, overlap=16),
        calibration={"torch": Calibration(threshold=5.0, temperature=2.0)},
    ).save(folder)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return spanfit.load(folder)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to stand in, with the files of TEXTS."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    for name, text in TEXTS.items():
        Path(name).write_bytes(text.encode())
    return tmp_path


@pytest.fixture
def command(capsys, monkeypatch):
    """Run `spanfit ask WORDS`: exit status, standard output, standard error."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["spanfit", "ask", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


def spans_of(prediction):
    return [(c.source, c.start, c.end, c.text) for c in prediction.n_best]


def asked_one_by_one(model, question, contexts):
    """The rule in plain Python, from what each context says alone."""
    alone = {name: model.ask(question, text) for name, text in contexts.items()}
    spoken = {name: one for name, one in alone.items() if one.n_best}
    order = {name: number for number, name in enumerate(contexts)}
    ranked = sorted(
        ((name, c) for name, one in spoken.items() for c in one.n_best),
        key=lambda pair: (-pair[1].score, order[pair[0]], pair[1].start, pair[1].end),
    )[:20]
    null = min(one.null_odds + one.n_best[0].score for one in spoken.values())
    weights = [math.exp(c.score / 2) for _, c in ranked]
    total = sum(weights) + math.exp(null / 2)
    spans = [(name, c.start, c.end, c.text) for name, c in ranked]
    return spans, null - ranked[0][1].score, [weight / total for weight in weights]


@pytest.mark.parametrize("question", QUESTIONS)
def test_several_contexts_equal_brute_force_over_each_alone(model, question):
    prediction = model.ask(question, TEXTS)
    spans, null_odds, shares = asked_one_by_one(model, question, TEXTS)
    assert spans_of(prediction) == spans
    assert prediction.null_odds == pytest.approx(null_odds, abs=1e-4)
    assert [c.probability for c in prediction.n_best] == pytest.approx(shares, abs=1e-5)
    assert {c.source for c in prediction.n_best} <= set(TEXTS) - {"reports/empty.md"}
    for candidate in prediction.n_best:
        assert candidate.text == TEXTS[candidate.source][candidate.start : candidate.end] != ""


def test_the_order_of_the_contexts_does_not_matter(model):
    there = model.ask(QUESTIONS[0], TEXTS)
    back = model.ask(QUESTIONS[0], dict(reversed(TEXTS.items())))
    assert [(c.source, c.start, c.end) for c in back.n_best[:5]] == [
        (c.source, c.start, c.end) for c in there.n_best[:5]
    ]
    assert back.null_odds == pytest.approx(there.null_odds, abs=1e-4)


def test_of_equal_texts_the_earlier_comes_first(model):
    text = TEXTS["reports/may.md"]
    prediction = model.ask("Who stayed?", [text, text])
    assert [c.source for c in prediction.n_best[:4]] == ["0", "1", "0", "1"]
    (one, two), alone = prediction.n_best[:2], model.ask("Who stayed?", text)
    assert one.span == two.span == alone.n_best[0].span
    assert one.probability == two.probability < alone.n_best[0].probability


def test_one_text_is_asked_as_ever(model):
    text = TEXTS["reports/april.txt"]
    prediction = model.ask(QUESTIONS[0], text)
    (plain,) = model.predict([QuestionExample("1", QUESTIONS[0], text)])
    assert spans_of(prediction) == spans_of(plain)
    assert prediction.null_odds == pytest.approx(plain.null_odds, abs=1e-6)
    assert prediction.probability == pytest.approx(plain.probability)
    assert (prediction.id, prediction.n_best[0].source) == ("1", "")
    assert "source" not in prediction.to_json()["n_best"][0]


def test_several_questions_give_several_predictions(model):
    both = model.ask(QUESTIONS, TEXTS)
    assert [prediction.id for prediction in both] == ["1", "2"]
    for question, prediction in zip(QUESTIONS, both, strict=True):
        alone = model.ask(question, TEXTS)
        assert spans_of(prediction)[:5] == spans_of(alone)[:5]
    assert model.ask([], TEXTS) == []
    assert len(model.ask(("Who?",), "Ada.")) == 1


def test_files_and_folders_are_asked_as_their_texts(model, place):
    by_text = model.ask(QUESTIONS[0], TEXTS)
    assert model.ask(QUESTIONS[0], Path("reports")) == by_text
    assert model.ask(QUESTIONS[0], [Path(name) for name in TEXTS]) == by_text
    one = model.ask(QUESTIONS[0], Path("reports/may.md"))
    assert {c.source for c in one.n_best} == {"reports/may.md"}
    with pytest.raises(DataError, match="no context"):
        model.ask("Who?", [])


def test_files_are_read_a_few_at_a_time_however_many(model, place, monkeypatch):
    monkeypatch.setattr("spanfit.prediction.CHARACTERS_AT_ONCE", 600)
    Path("many").mkdir()
    for number in range(20):
        Path(f"many/{number:02}.txt").write_text("Ada lives in Elm. " * (1 + number % 9))
    read, held = [], []
    read_text = contexts.read_text
    monkeypatch.setattr(contexts, "read_text", lambda path: read.append(path) or read_text(path))
    compute = model.predictor.backend.logits

    def logits(batch):
        held.append(len(read))
        return compute(batch)

    monkeypatch.setattr(model.predictor.backend, "logits", logits)
    found = model.ask(QUESTIONS, Path("many"))
    assert [len(one.n_best) for one in found] == [20, 20]
    assert len(read) == 20, "each file once"
    assert held[0] < 10 and held[-1] == 20


def test_the_command_ranks_over_a_folder_with_file_and_offset(command, folder, place, model):
    code, out, err = command(
        folder, "--question", QUESTIONS[0], "--context", "reports", "--json", "--top-k", "3"
    )
    assert code == 0
    prediction = json.loads(out)
    assert prediction["question"] == QUESTIONS[0]
    assert len(prediction["n_best"]) == 3
    expected = model.ask(QUESTIONS[0], TEXTS)
    assert prediction["answer"] == expected.answer.to_json()
    for candidate in prediction["n_best"]:
        text = TEXTS[candidate["source"]]
        assert candidate["text"] == text[candidate["start"] : candidate["end"]]
    assert f"3 texts, {sum(map(len, TEXTS.values())):,} characters" in err


def test_the_answer_is_marked_and_followed_by_its_place(command, folder, place, model):
    Path("reports/table.csv").touch()
    answer = model.ask(QUESTIONS[0], TEXTS).answer
    code, out, err = command(folder, "--question", QUESTIONS[0], "--context", "reports")
    assert code == 0
    assert f"[[{answer.text}]]" in out
    line = " ".join(answer.text.split())
    assert f"{line}  {answer.source}:{answer.start}–{answer.end}  " in out
    assert "left out: 1 .csv" in err


def test_top_k_lists_candidates_each_in_its_surroundings(command, folder, place, model):
    best = model.ask(QUESTIONS[0], TEXTS).n_best[:4]
    code, out, _ = command(
        folder, "--question", QUESTIONS[0], "--context", "reports", "--top-k", "4"
    )
    assert code == 0
    lines = out.splitlines()[-8:]
    for candidate, figures, surroundings in zip(best, lines[::2], lines[1::2], strict=True):
        place = f"{candidate.source}:{candidate.start}–{candidate.end}"
        assert figures.split() == [
            f"{100 * candidate.probability:.1f}", "%", place, *candidate.text.split()
        ]  # fmt: skip
        assert f"[[{' '.join(candidate.text.split())}]]" in surroundings
        assert len(surroundings) < 250


def test_several_questions_on_the_command_line(command, folder, place):
    words = [folder, "--context", "reports/may.md"]
    for question in QUESTIONS:
        words += ["--question", question]
    code, out, err = command(*words, "--json")
    assert code == 0
    assert [one["question"] for one in json.loads(out)] == QUESTIONS
    assert "texts," not in err
    code, out, _ = command(*words)
    assert code == 0
    assert [out.index(question) for question in QUESTIONS] == sorted(map(out.index, QUESTIONS))
    assert out.count("reports/may.md:") == 2


def test_standard_input_stands_beside_files(command, folder, place, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"Eve lives in Ford."), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    code, out, err = command(
        folder, "--question", "Who?", "--context", "reports/empty.md", "--context", "-", "--json"
    )
    assert code == 0
    assert "2 texts" in err
    answer = json.loads(out)["answer"]
    assert answer["source"] == "-"
    assert "Eve lives in Ford."[answer["start"] : answer["end"]] == answer["text"]


def test_no_answer_in_many_texts_shows_none_of_them(command, tmp_path, folder, place, model):
    settings = model.settings.model_copy(
        update={"calibration": {"torch": Calibration(threshold=-1e6)}}
    )
    shy = tmp_path / "shy"
    shy.mkdir()
    for file in folder.iterdir():
        (shy / file.name).write_bytes(file.read_bytes())
    settings.save(shy)
    code, out, _ = command(shy, "--question", "Who stayed?", "--context", "reports")
    assert code == 0
    assert "no answer in 3 texts" in out
    assert "May" not in out
    code, out, _ = command(shy, "--question", "Who stayed?", "--context", "reports/may.md")
    assert "In May, Cleo went" in out
    assert "no answer  (" in out


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--question", "Who?", "--context", "nowhere"), 1, "no such file or folder"),
        (("--question", "Who?", "--question", " ", "--context", "reports"), 2, "question is empty"),
        (("--question", "Who?", "--context", "bad.txt"), 1, "bad.txt, line 1"),
        (("--question", "Who?", "--context", "wide.txt"), 1, "iconv -f utf-16 -t utf-8 wide.txt"),
        (("--question", "Who?", "--context", "void"), 1, "no text file in this folder"),
        (("--question", "Who?"), 2, "Missing option '--context'"),
    ],
)
def test_wrong_words_get_one_message(command, folder, place, words, code, expected):
    Path("bad.txt").write_bytes(b"caf\xe9")
    Path("wide.txt").write_bytes(b"\xff\xfe")
    Path("void").mkdir()
    found, out, err = command(folder, *words)
    assert (found, out) == (code, "")
    assert expected in err
    assert "Traceback" not in err


def test_an_answer_deep_in_a_book_is_found_at_its_place(quickstart_run, shared):
    """Among 120,000 characters of another book, one sentence that answers the question."""
    lines = (shared / "data/squad_v2/train-v2.0.subset.json").read_text(encoding="utf-8")
    paragraphs = [
        paragraph["context"]
        for article in json.loads(lines)["data"]
        for paragraph in article["paragraphs"]
    ]
    book = "\n\n".join(paragraphs)[:120_000]
    sentence = " The captain of the tug Patience is Matthias Lund. "
    middle = book.index("\n\n", 80_000)
    text = book[:middle] + sentence + book[middle:]
    prediction = quickstart_run.model().ask("Who is the captain of the tug Patience?", text)
    start = text.index("Matthias Lund")
    best = prediction.n_best[0]
    assert (best.start, best.end, best.text) == (start, start + 13, "Matthias Lund")
