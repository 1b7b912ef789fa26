"""Data sets of the hub, without the hub: from the cache of `datasets`, or with a message."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, write

from spanfit.data import read, stream
from spanfit.data.hub import HubName, parse_name
from spanfit.errors import DataError, MissingExtraError
from spanfit.types import Answer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "hub:toy-org/Lamps_v2:validation"
ROWS = [
    LINE | {"title": "T", "answers": {"text": ["sea"], "answer_start": [3]}, "extra": 1},
    LINE | {"id": "b", "title": "T", "answers": None, "extra": 2},
]


def fill(cache, configs):
    """Fill a cache as `load_dataset` does: `datasets` itself lays out folders and files."""
    import datasets

    class Lamps(datasets.GeneratorBasedBuilder):
        BUILDER_CONFIGS = [*map(datasets.BuilderConfig, configs)]  # noqa: RUF012

        def _info(self):
            return datasets.DatasetInfo()

        def _split_generators(self, dl_manager):
            return [datasets.SplitGenerator(name=name) for name in ("train", "validation")]

        def _generate_examples(self):
            yield from enumerate(ROWS)

    for config in configs:
        Lamps(
            cache_dir=str(cache),
            repo_id="toy-org/Lamps_v2",
            dataset_name="Lamps_v2",
            config_name=config,
            hash=COMMIT,
        ).download_and_prepare()


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    """A folder with two caches: of one configuration, and of two."""
    folder = tmp_path_factory.mktemp("hub")
    fill(folder / "one", ["default"])
    fill(folder / "two", ["plain", "other"])
    return folder


@pytest.fixture
def cache(caches, tmp_path, monkeypatch):
    """The cache of one configuration, without a network (conftest switches the hub off)."""
    import datasets

    assert datasets.config.HF_HUB_OFFLINE
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", caches / "one")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        NAME,
        "hub:toy-org/Lamps_v2:default:validation",
        f"hub:toy-org/Lamps_v2@{COMMIT}:train",
        f"hub:toy-org/Lamps_v2@{COMMIT[:8]}:validation",
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_from_the_cache(cache, name, kind):
    unread: Counter[str] = Counter()
    first, second = stream(kind(name), unread=unread)
    assert (first.id, first.title, first.context) == ("a", "T", "At sea.")
    assert (first.answers, second.answers) == ((Answer("sea", 3),), None)
    assert unread == {"'extra' of the questions": 2}


def test_tagged_texts(tmp_path, monkeypatch):
    """Tokens and numbers, as the hub has them; the names of the numbers come with the features."""
    import datasets

    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
        }
    )

    class Ships(datasets.GeneratorBasedBuilder):
        def _info(self):
            return datasets.DatasetInfo(features=features)

        def _split_generators(self, dl_manager):
            return [datasets.SplitGenerator(name="test")]

        def _generate_examples(self):
            yield 0, {"tokens": ["Mira", "left"], "ner_tags": ["B-PER", "O"]}
            yield 1, {"tokens": ["Oslo"], "ner_tags": [0]}

    Ships(
        cache_dir=str(tmp_path), repo_id="toy-org/ships", dataset_name="ships", hash=COMMIT
    ).download_and_prepare()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    first, second = read("hub:toy-org/ships:test")
    assert (first.id, first.text, first.tags) == ("1", "Mira left", ("B-PER", "O"))
    assert (second.id, second.tags, second.place) == ("2", ("O",), "row 2")


def test_a_part_of_a_split(cache):
    assert [item.id for item in read("hub:toy-org/Lamps_v2:train[1:]")] == ["b"]


@pytest.mark.parametrize("is_reachable", [True, False])
def test_a_network_that_is_down_is_like_none(cache, monkeypatch, is_reachable):
    """Not switched off, but nobody answers: from the beginning, or once it comes to a file."""
    import datasets

    def fail(*_, **__):
        assert is_reachable, "a hub that does not answer is not asked for files"
        raise datasets.load.httpx.ConnectError("nobody there")

    monkeypatch.setattr("spanfit.hub.is_reachable", lambda: is_reachable)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("datasets.load.HfApi.hf_hub_download", fail)
    assert [item.id for item in read(NAME)] == ["a", "b"]
    with pytest.raises(DataError, match="the hub can't be reached, and nothing"):
        read("hub:toy-org/absent:validation")
    assert datasets.config.HF_HUB_OFFLINE is False, "nobody else's setting is changed"


def test_a_folder_of_that_name_is_not_taken(cache):
    folder = Path("toy-org/Lamps_v2")
    folder.mkdir(parents=True)
    (folder / "validation.csv").write_text("question,context\nWrong?,Wrong.\n")
    assert [item.id for item in read(NAME)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "hub:toy-org/absent:validation",
            [
                "hub:toy-org/absent:validation: the hub can't be reached",
                "nothing of this data set is in the cache",
                "spanfit convert hub:toy-org/absent:validation FILE.jsonl",
            ],
        ),
        ("hub:toy-org/Lamps_v2:test", ["test", "train", "validation"]),
        ("hub:toy-org/Lamps_v2:nowhere:train", ["nowhere", "default"]),
        (
            "hub:toy-org/Lamps_v2@v9:train",
            ["does not have revision 'v9'", COMMIT, f"hub:toy-org/Lamps_v2@{COMMIT}:train"],
        ),
        ("hub:toy-org/Lamps_v2", ["hub:ORG/NAME[@REVISION][:CONFIG]:SPLIT"]),
    ],
)
def test_errors(cache, name, expected):
    with pytest.raises(DataError) as caught:
        read(name)
    for part in expected:
        assert part in str(caught.value)


def test_a_configuration_must_be_chosen_where_there_are_two(cache, caches, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", caches / "two")
    with pytest.raises(DataError, match=r"(?s)plain.*other|other.*plain"):
        read(NAME)
    assert len(read("hub:toy-org/Lamps_v2:plain:train")) == 2


def test_without_datasets_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spanfit\[train\]'"):
        read(Path(NAME))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hub:a/b:train", HubName("a/b", "train")),
        ("hub:google/xquad:xquad.de:validation", HubName("google/xquad", "validation", "xquad.de")),
        ("hub:a/b@v1.0:c:test", HubName("a/b", "test", "c", "v1.0")),
        ("hub:a/b@refs/convert/parquet:test", HubName("a/b", "test", None, "refs/convert/parquet")),
        ("hub:a/b:train[:10%]", HubName("a/b", "train[:10%]")),
    ],
)
def test_names(text, parts):
    assert parse_name(text) == parts
    assert str(Path(text)) == text  # the command line takes it for a path


@given(st.text(st.sampled_from("ab/:@[]. ")).map("hub:".__add__))
def test_any_name_is_read_or_refused(text):
    try:
        name = parse_name(text)
    except DataError as error:
        assert "SPLIT" in str(error)
    else:
        revision = f"@{name.revision}" if name.revision else ""
        config = f":{name.config}" if name.config else ""
        assert f"hub:{name.repository}{revision}{config}:{name.split}" == text


def test_a_name_that_lacks_its_prefix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="hub:rajpurkar/squad_v2:SPLIT"):
        read("rajpurkar/squad_v2")
    write(tmp_path, [LINE], "squad")
    assert read("squad")[0].id == "a"
