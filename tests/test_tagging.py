"""The tagging task: what is read of texts, what is learnt, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged_texts import TASK, load, one_hot, settle, tagged, texts, window
from toy_tokenizers import KINDS, arrange

from spanfit.batching import join
from spanfit.errors import DataError, ModelError, RecipeError
from spanfit.recipe import DecodeSection, TaskSection, make_recipe
from spanfit.settings import Calibration, ModelSettings
from spanfit.tagged import Entity, TaggedExample
from spanfit.tags import find_scheme, read_chunks_leniently
from spanfit.tasks import COVERAGES, TASKS, find_task
from spanfit.tasks.cell_tags import EXACT, NO_PIECE, UNHELD, tag_cells
from spanfit.tasks.cells import find_cells
from spanfit.tasks.tag_coverage import round_trip
from spanfit.tasks.tag_predictions import make_reader
from spanfit.tokenizer_opening import from_transformers

OPTIONS = TaskSection(name="tagging")
SIZES = st.sampled_from([(16, 2), (20, 6), (256, 64)])


def merge(examples, windows, settings, logits, batch):
    candidates = [TASK.decode(logits, batch, windows, settings.decode)]
    return TASK.merge(
        examples, candidates, windows=windows, settings=settings, calibration=Calibration()
    )


def predict(examples, windows, settings, options=OPTIONS):
    """What is said where a model says all its targets right."""
    targets = TASK.targets(examples, windows, options, settings)
    logits, batch = one_hot(targets, windows, len(settings.tagging.tags))
    return merge(examples, windows, settings, logits, batch)


def entities_of(prediction):
    return [(entity.label, entity.text) for entity in prediction.entities]


# --- what is stored -------------------------------------------------------------------------------


def test_tags_are_all_that_the_scheme_can_say_of_the_labels():
    settings = settle([tagged(["a", "b"], "O B-PER"), tagged(["a", "b"], "B-LOC I-LOC")])
    assert settings.tagging.tags == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert settings.tagging.scheme == "IOB2"
    assert TASK.outputs(settings) == tuple(settings.tagging.tags)
    settings = settle([tagged(["a"], "S-PER")])
    assert settings.tagging.tags == ["O", "B-PER", "I-PER", "E-PER", "S-PER"]
    settings = settle([tagged(["a", "b", "c"], "VB O NN")])
    assert (settings.tagging.tags, settings.tagging.scheme) == (["O", "NN", "VB"], "plain")


def test_units_and_joiner_are_those_of_the_training():
    assert settle([tagged(["a", "b"], "O O")]).tagging.units == "words"  # single, but spaced
    settings = settle([tagged("東 京", ["B-x", "I-x", "I-x"])])
    assert (settings.tagging.units, settings.tagging.joiner) == ("characters", "")


def test_the_scheme_of_the_training_is_taken_and_how_its_words_were_joined():
    example = tagged(["a", "b"], "O B-PER")
    columns = {"scheme": "plain", "repair": "discard", "tags": "ner"}
    recipe = make_recipe({"task": {"name": "tagging"}, "columns": columns})
    kept = TASK.settle([example], recipe, scheme="plain").tagging
    assert kept.tags == ["O", "B-PER"]
    # Other files may be in another scheme, and are not repaired because this one was.
    assert (kept.columns.scheme, kept.columns.repair) == (None, None)
    assert (kept.columns.tags, kept.columns.joiner) == ("ner", " ")
    ranges = replace(tagged("東京", ["B-x", "I-x"]), entities=(Entity(0, 2, "x"),))
    assert TASK.settle([ranges], recipe, scheme="IOB2").tagging.columns.joiner is None


@pytest.mark.parametrize(
    ("outputs", "scheme"),
    [
        ("O B-PER I-PER", "IOB2"),
        ("O I-PER B-LOC I-LOC", "IOB1"),
        ("I-PER S-PER O B-PER E-PER", "BIOES"),
        ("O B-PER L-PER U-PER I-PER", "BILOU"),
        ("O B-PER M-PER E-PER S-PER", "BMES"),
        ("NN VB", "plain"),
        ("LABEL_0 LABEL_1", "plain"),
    ],
)
def test_the_scheme_of_a_model_without_settings(outputs, scheme):
    settings = TASK.assume(outputs.split())
    assert settings.tagging.scheme == scheme
    assert (settings.windows.max_length, settings.windows.overlap) == (256, 64)


def test_the_task_of_an_example():
    assert find_task(tagged(["a"])) is TASKS["tagging"]
    with pytest.raises(ValueError, match="no task"):
        find_task("a text")
    with pytest.raises(ModelError, match="which tags"):
        TASK.outputs(ModelSettings(task="tagging"))


# --- what a model reads ---------------------------------------------------------------------------


def test_raw_texts_are_divided():
    settings = settle([tagged(["a", "b"], "O B-PER")])
    raw = TaggedExample("r", "Ada's lamp, 3,000.")
    (divided,) = TASK.arrange([raw], load("wordpiece"), settings)
    assert divided.words == ["Ada", "'", "s", "lamp", ",", "3", ",", "000", "."]
    settings = settle([tagged("ab", ["O", "B-PER"])])
    (divided,) = TASK.arrange([raw], load("wordpiece"), settings)
    assert divided.words == list(raw.text)


def test_a_leading_space_where_the_tokenizer_needs_one():
    settings = settle([tagged(["a", "b"], "O B-PER")])
    example = tagged(["the", "the"], "O O")
    for kind, before in (("wordpiece", ""), ("unigram", ""), ("bytelevel", " ")):
        (arranged,), windows = window([example], load(kind), settings)
        assert arranged.before == before
        assert windows.texts.ids[0] == windows.texts.ids[1], "the first word is like any other"
    prefixed = from_transformers(arrange("bytelevel", "roberta"))
    prefixed.backend.pre_tokenizer.add_prefix_space = True
    assert not prefixed.needs_leading_space
    characters = settle([tagged("ab", ["O", "B-PER"])])
    assert next(TASK.arrange([example], load("bytelevel"), characters)).before == ""


def test_neighbours_of_the_same_document_stand_around_a_text():
    examples = [
        tagged([name, "."], "O O", id=name, document=document)
        for name, document in zip("abcdef", ["1", "1", "1", "2", "", ""], strict=True)
    ]
    settings = settle(examples, context_sentences=1)
    arranged = list(TASK.arrange(examples, load("wordpiece"), settings))
    assert [(one.before, one.after) for one in arranged] == [
        ("", " b ."),
        ("a . ", " c ."),
        ("b . ", ""),
        ("", ""),
        ("", ""),
        ("", ""),
    ]
    assert list(TASK.arrange(arranged, load("wordpiece"), settings)) == arranged
    spaced = next(TASK.arrange(examples[1:], load("bytelevel"), settings))
    assert TASK.texts(spaced).sliced == " b . c ."


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_stream_is_read_no_further_than_its_neighbours(n):
    examples = [tagged([str(i)], "O", id=str(i), document="d") for i in range(9)]
    settings = settle(examples, context_sentences=n)
    taken = []
    stream = TASK.arrange((taken.append(e) or e for e in examples), load("wordpiece"), settings)
    for number, one in enumerate(stream, 1):
        assert one.id == str(number - 1)
        assert len(taken) == min(number + n, 9)


def test_predictions_of_a_text_are_in_its_own_characters():
    document = [tagged(["Ada", "came", "."], "B-x O O", id=str(i), document="d") for i in range(3)]
    settings = settle(document, context_sentences=1)
    for kind in KINDS:
        examples, windows = window(document, load(kind), settings)
        for one in predict(examples, windows, settings):
            (entity,) = one.entities
            assert (entity.start, entity.end, entity.text) == (0, 3, "Ada")
            assert one.text == "Ada came ."


# --- what is learnt -------------------------------------------------------------------------------


def labels(targets, windows, tags):
    """Per window, {token: tag}."""
    return [
        {
            int(place): tags[tag]
            for place, tag in zip(targets.position[a:b], targets.tag[a:b], strict=True)
        }
        for a, b in zip(targets.splits, targets.splits[1:], strict=False)
    ]


def test_pieces_by_pencil():
    example = tagged(["Pellan", "came", "."], "B-PER O O")
    settings = settle([example])
    examples, windows = window([example], load("wordpiece"), settings)
    assert windows.texts.lengths[0] > 5, "p ##el ##l ##an ..."
    (every,) = labels(
        TASK.targets(examples, windows, OPTIONS, settings), windows, settings.tagging.tags
    )
    assert [every[i] for i in range(5)] == ["B-PER", "I-PER", "I-PER", "I-PER", "O"]
    assert len(every) == windows.texts.lengths[0]
    first = TASK.targets(examples, windows, TaskSection(name="tagging", pieces="first"), settings)
    (only,) = labels(first, windows, settings.tagging.tags)
    assert {*only.values()} == {"B-PER", "O"} and len(only) == 3
    assert first.count(np.array([0])) == 3


def test_a_unit_is_labelled_in_one_window_only():
    example = tagged(list("abcdefghij"), ["O"] * 9 + ["B-x"])
    settings = settle([example], max_length=8, overlap=4)
    examples, windows = window([example], load("wordpiece"), settings)
    targets = TASK.targets(examples, windows, OPTIONS, settings)
    found = labels(targets, windows, settings.tagging.tags)
    assert [sorted(one) for one in found] == [[0, 1, 2, 3], [2, 3], [2, 3, 4, 5]]
    assert found[2][5] == "B-x"
    assert [targets.count(np.array([row])) for row in range(3)] == [4, 2, 4]


def test_what_is_not_learnt_as_it_is():
    examples = [
        tagged(["Ada", "came"], "B-x O", id="fine"),
        tagged(["\u200b", "came"], "B-x O", id="no piece"),
        tagged("the the", ["O", "B-x", "I-x", "O", "O", "O", "O"], id="inside"),
        tagged(["Pellan" * 9, "came"], "O O", id="longer than a window"),
    ]
    settings = settle([examples[0], examples[2]], max_length=16, overlap=2)
    examples, windows = window(examples, load("wordpiece"), settings)
    targets = TASK.targets(examples, windows, OPTIONS, settings)
    assert (targets.lost, targets.widened, targets.unknown) == ((1, 3), (2,), ())
    other = settle([tagged(["a"], "B-y")])
    examples, windows = window(examples[:1], load("wordpiece"), other)
    targets = TASK.targets(examples, windows, OPTIONS, other)
    assert targets.unknown == (0,)
    assert targets.losses["learnt_without_unknown_tags"] == (0,)
    assert {other.tagging.tags[tag] for tag in targets.tag} == {"O"}, "of the other word"


def test_gold_is_needed_and_must_follow_the_scheme_of_the_model():
    settings = settle([tagged(["a"], "B-x")])
    for example, message in (
        (tagged(["a"], None), "no gold tags"),
        (replace(tagged(["a", "b"], "O S-x"), place="line 7", first_line=7), "line 8"),
    ):
        examples, windows = window([example], load("wordpiece"), settings)
        with pytest.raises(DataError, match=message):
            TASK.targets(examples, windows, OPTIONS, settings)


def test_balanced_weights_are_those_of_sklearn():
    example = tagged(["a", "b", "c", "d"], "O O O B-x")
    settings = settle([example])
    examples, windows = window([example], load("wordpiece"), settings)
    targets = TASK.targets(examples, windows, OPTIONS, settings)
    assert TASK.weigh(targets, OPTIONS) is targets
    balanced = TASK.weigh(targets, TaskSection(name="tagging", class_weights="balanced"))
    assert balanced.weight.tolist() == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2])
    assert balanced.count(np.array([0])) == pytest.approx(4)


# --- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@given(
    data=st.data(),
    scheme=st.sampled_from(["IOB1", "IOB2", "BIOES", "BILOU", "BMES", "plain"]),
    by_character=st.booleans(),
    pieces=st.sampled_from(["all", "first"]),
    size=SIZES,
)
def test_everything_comes_back_but_what_is_listed(kind, data, scheme, by_character, pieces, size):
    """Chunks that fit come back, others do not; and merging windows equals their cells' gold."""
    one = data.draw(texts(scheme, by_character=by_character))
    recipe = make_recipe(
        {
            "task": {"name": "tagging", "pieces": pieces},
            "columns": {"scheme": scheme},
            "windows": {"max_length": size[0], "overlap": size[1]},
        }
    )
    settings = TASK.settle([one], recipe, scheme=scheme)
    examples, windows = window([one], load(kind), settings)
    (said,) = predict(examples, windows, settings, recipe.task)
    reader = make_reader(settings.tagging, constrained=True)
    cells = find_cells(examples, windows)
    gold = tag_cells(examples, cells, reader.model)
    assert [said.tags] == round_trip(cells, gold, settings)
    assert (said.starts, said.ends, said.text) == (one.starts, one.ends, one.text)
    if scheme == "plain":
        came_back = {(u, u + 1, tag) for u, tag in enumerate(said.tags)}
    else:
        chunks = read_chunks_leniently(said.tags, find_scheme(scheme))
        came_back = {(c.start, c.end, c.label) for c in chunks}
        assert [one.text[one.starts[c.start] : one.ends[c.end - 1]] for c in chunks] == [
            entity.text for entity in said.entities
        ]
    names = [gold.table.labels[label] for label in gold.chunks.label]
    for start, end, label, fit in zip(
        gold.chunks.start, gold.chunks.end, names, gold.fit, strict=True
    ):
        # What constraints may bring back, or a unit without a piece gets from its neighbour.
        if fit != UNHELD and not (scheme == "plain" and fit == NO_PIECE):
            assert ((start, end, label) in came_back) == (fit == EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_without_pieces_keeps_its_place(kind):
    words = ["Ada", "\u200b", "Pellan", "came", "\x00", "."]
    example = tagged(words, "B-x I-x I-x O O O")
    settings = settle([example])
    examples, windows = window([example], load(kind), settings)
    (said,) = predict(examples, windows, settings)
    assert said.tags == example.tags
    assert entities_of(said) == [("x", "Ada \u200b Pellan")]


def test_no_entity_begins_at_a_space():
    """I-x behind an O: the space between them must not become the B-x that the scheme wants."""
    example = tagged("a b", ["O", "O", "B-x"])
    settings = settle([example])
    examples, windows = window([example], load("wordpiece"), settings)
    batch = join(windows, np.array([0]))
    logits = np.zeros((*batch.input_ids.shape, 3), np.float32)  # tags O, B-x, I-x
    logits[0, 1] = [5, 0, 0]
    logits[0, 2] = [0, 1, 5]
    (said,) = merge(examples, windows, settings, logits, batch)
    assert entities_of(said) == [("x", "b")]


def test_texts_without_anything_to_tag():
    examples = [tagged([], [], id="empty"), tagged(["\u200b"], "B-x"), TaggedExample("s", " ")]
    settings = settle([tagged(["a"], "B-x")])
    examples, windows = window(examples, load("wordpiece"), settings)
    batch = join(windows, np.arange(3))
    said = merge(examples, windows, settings, np.zeros((3, 2, 3), np.float32), batch)
    assert [one.tags for one in said] == [(), ("O",), ()]
    none, windows = window([], load("wordpiece"), settings)
    assert TASK.merge(none, [], windows=windows, settings=settings, calibration=Calibration()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_longer_than_the_window_loses_no_word(kind):
    words = [f"w{i}" for i in range(200)]
    tags = ["B-x" if i % 7 == 0 else "I-x" if i % 7 == 1 else "O" for i in range(200)]
    example = tagged(words, tags)
    settings = settle([example], max_length=24, overlap=8)
    examples, windows = window([example], load(kind), settings)
    assert len(windows) > 10
    targets = TASK.targets(examples, windows, OPTIONS, settings)
    assert targets.lost == targets.widened == ()
    assert targets.count(np.arange(len(windows))) >= 200
    (said,) = predict(examples, windows, settings)
    assert said.tags == example.tags


def test_batches_in_any_order_and_of_any_size_say_the_same():
    rng = np.random.default_rng(0)
    gold = [tagged([f"w{j}" for j in range(n)], ["B-x"] * n, id=str(n)) for n in (3, 40, 0, 17)]
    settings = settle(gold, max_length=16, overlap=4)
    examples, windows = window(gold, load("wordpiece"), settings)
    whole = join(windows, np.arange(len(windows)))
    logits = rng.normal(size=(*whole.input_ids.shape, 3)).astype(np.float32)
    expected = merge(examples, windows, settings, logits, whole)
    parts = np.array_split(rng.permutation(len(windows)), 4)
    candidates = [
        TASK.decode(logits[rows][:, : batch.input_ids.shape[1]], batch, windows, settings.decode)
        for rows in parts
        for batch in [join(windows, rows)]
    ]
    said = TASK.merge(
        examples, candidates, windows=windows, settings=settings, calibration=Calibration()
    )
    assert said == expected


def by_brute_force(scores, settings, temperature):
    """The best tags, and {chunk: probability}, over all sequences that the settings allow."""
    tagging = settings.tagging
    scheme = find_scheme(tagging.scheme)
    best, chunks, total = None, {}, 0.0
    for path in product(range(len(tagging.tags)), repeat=len(scores)):
        names = [tagging.tags[tag] for tag in path]
        parsed = [scheme.parse(name) for name in names]
        around = [scheme.parse("O"), *parsed, scheme.parse("O")]
        if settings.decode.constrained and not all(map(scheme.allows, around, around[1:])):
            continue
        score = float(sum(scores[unit, tag] for unit, tag in enumerate(path)))
        if best is None or score > best[0]:
            best = score, names
        weight = np.exp(score / temperature)
        total += weight
        for chunk in read_chunks_leniently(names, scheme):
            chunks[chunk] = chunks.get(chunk, 0.0) + weight
    return best[1], {chunk: weight / total for chunk, weight in chunks.items()}


@pytest.mark.parametrize("constrained", [True, False])
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
@given(seed=st.integers(0, 2**32), temperature=st.sampled_from([1.0, 2.5]))
def test_tags_and_probabilities_equal_brute_force(scheme, constrained, seed, temperature):
    tags = list(find_scheme(scheme).list_tags(["x", "y"] if scheme != "BIOES" else ["x"]))
    settings = settle([tagged(["a"], "O")])
    settings = settings.model_copy(
        update={
            "decode": DecodeSection(constrained=constrained),
            "tagging": settings.tagging.model_copy(update={"tags": tags, "scheme": scheme}),
        }
    )
    rng = np.random.default_rng(seed)
    examples = [tagged(list("abcd"[:n]), id=str(n)) for n in (4, 1, 3)]
    examples, windows = window(examples, load("wordpiece"), settings)
    batch = join(windows, np.arange(3))
    logits = rng.normal(size=(*batch.input_ids.shape, len(tags))).astype(np.float32) * 2
    said = TASK.merge(
        examples,
        [TASK.decode(logits, batch, windows, settings.decode)],
        windows=windows,
        settings=settings,
        calibration=Calibration(temperature=temperature),
    )
    for row, (example, one) in enumerate(zip(examples, said, strict=True)):
        scores = logits[row, 1 : 1 + len(example.starts)]
        names, probability = by_brute_force(scores, settings, temperature)
        assert list(one.tags) == names
        chunks = read_chunks_leniently(names, find_scheme(scheme))
        assert len(chunks) == len(one.entities)
        for chunk, entity in zip(chunks, one.entities, strict=True):
            assert (entity.start, entity.label) == (example.starts[chunk.start], chunk.label)
            assert entity.end == example.ends[chunk.end - 1]
            assert entity.probability == pytest.approx(probability[chunk], rel=1e-5)


def test_spoilt_logits_are_refused_and_padding_does_not_matter():
    examples = [tagged(["a", "b"], "O B-x"), tagged(["a"], "O", id="short")]
    settings = settle(examples)
    examples, windows = window(examples, load("wordpiece"), settings)
    batch = join(windows, np.arange(2))
    logits = np.zeros((*batch.input_ids.shape, 3), np.float32)
    logits[1, 3:] = np.nan
    assert len(merge(examples, windows, settings, logits, batch)) == 2
    logits[1, 1, 0] = np.inf
    with pytest.raises(ModelError, match="NaN or infinity"):
        TASK.decode(logits, batch, windows, settings.decode)


def test_a_window_without_logits_is_a_mistake():
    example = tagged([f"w{i}" for i in range(30)], ["O"] * 30)
    settings = settle([example], max_length=16, overlap=4)
    examples, windows = window([example], load("wordpiece"), settings)
    batch = join(windows, np.array([0]))
    with pytest.raises(ValueError, match="without candidates"):
        merge(examples, windows, settings, np.zeros((*batch.input_ids.shape, 1)), batch)


# --- what is counted ------------------------------------------------------------------------------


def test_statistics_by_pencil():
    example = tagged(["a", "b", "c", "d"], "B-x I-x O B-y")
    settings = settle([example])
    examples, windows = window([example], load("wordpiece"), settings)
    (right,) = predict(examples, windows, settings)
    shorter = replace(right.entities[0], end=1, text="a")
    wrong = replace(right, tags=("B-x", "O", "O", "B-y"), entities=(shorter, right.entities[1]))
    for metric, expected in {
        "conlleval": (1, 2, 2),
        "seqeval_strict": (1, 2, 2),
        "accuracy": (3, 4, 4),
        "char_macro": (3, 4, 4),
        "spans": (1, 2, 2),
    }.items():
        assert TASK.statistics(example, wrong, metric=metric) == expected
    with pytest.raises(RecipeError, match="no metric 'conleval'"):
        TASK.statistics(example, wrong, metric="conleval")
    with pytest.raises(DataError, match="have no gold"):
        TASK.statistics(replace(example, tags=None), wrong, metric="accuracy")


def test_gold_of_the_shared_files_comes_back_whole(shared):
    from spanfit.data import read
    from spanfit.tokenizer_opening import load_tokenizer

    examples = read(shared / "data/conll2003/test.txt")
    for name in ("bert-base-cased", "roberta-base", "koelectra"):
        settings = settle(examples)
        tokenizer = load_tokenizer(shared / "vocab" / name)
        arranged, windows = window(examples, tokenizer, settings)
        coverage = COVERAGES["tagging"](arranged, windows, settings)
        assert (coverage.n_entities, coverage.n_exact) == (5648, 5648)
        assert coverage.figures == {"conlleval f1": 100.0}
        assert TASK.targets(arranged, windows, OPTIONS, settings).lost == ()
