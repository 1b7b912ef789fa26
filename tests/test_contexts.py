"""Where answers are looked for: texts, files and folders, by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spanfit.data.contexts import describe_left_out, find_contexts, name_contexts
from spanfit.errors import DataError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder `reports` beside the current place, with a bit of everything in it."""
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "reports/may.txt": "May.\r\nOne.\n",
        "reports/april.MD": "# April",
        "reports/old/march.txt": "März",
        "reports/old/scan.pdf": "%PDF",
        "reports/notes.csv": "a,b",
        "reports/.hidden.txt": "no",
        "reports/.git/log.txt": "no",
        "letter.eml": "Dear all",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode())
    return tmp_path


def test_a_folder_stands_for_its_text_files_in_order(folder):
    contexts = find_contexts(["reports"])
    assert dict(contexts) == {
        "reports/april.MD": "# April",
        "reports/may.txt": "May.\r\nOne.\n",
        "reports/old/march.txt": "März",
    }
    assert len(contexts) == 3
    assert describe_left_out(contexts.left_out) == "1 .csv, 1 .pdf"


def test_a_named_file_is_taken_whatever_it_is_called_and_only_once(folder):
    contexts = find_contexts(["letter.eml", "reports/may.txt", "reports", "./letter.eml"])
    assert list(contexts) == [
        "letter.eml",
        "reports/may.txt",
        "reports/april.MD",
        "reports/old/march.txt",
    ]


def test_a_file_is_read_when_it_is_looked_at(folder):
    contexts = find_contexts([Path("letter.eml")])
    Path("letter.eml").write_text("Dear you")
    assert contexts["letter.eml"] == "Dear you"
    assert contexts.places == {"letter.eml": Path("letter.eml")}


def test_offsets_count_every_character_of_the_file(folder):
    content = "\ufeffa\r\n🐐 b\x00\n"
    Path("odd.txt").write_bytes(content.encode())
    Path("packed.txt").write_bytes(gzip.compress(content.encode()))
    assert find_contexts(["odd.txt", "packed.txt"]) == {"odd.txt": content, "packed.txt": content}


def test_texts_get_names(folder):
    assert name_contexts("reports") == {"": "reports"}, "a string is a text, never a path"
    assert name_contexts(["x", "y", ""]) == {"0": "x", "1": "y", "2": ""}
    assert name_contexts({"one": "x"}) == {"one": "x"}
    assert list(name_contexts(Path("letter.eml"))) == ["letter.eml"]
    assert list(name_contexts([Path("letter.eml"), Path("reports/old")])) == [
        "letter.eml",
        "reports/old/march.txt",
    ]


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        ([], r"no context to look in(?s:.*)\[\]"),
        ({}, "no context to look in"),
        (["x", Path("y")], "neither all texts nor all paths"),
        (["x", None], "found: +NoneType, str"),
    ],
)
def test_what_is_no_context_is_refused(contexts, expected):
    with pytest.raises(DataError, match=expected):
        name_contexts(contexts)


def test_a_bad_file_is_named_with_its_place(folder):
    Path("reports/latin.txt").write_bytes("one\nGr\xfc\xdfe".encode("latin1"))
    contexts = find_contexts(["reports"])
    with pytest.raises(DataError, match=r"reports/latin.txt, line 2, byte 3(?s:.*)not UTF-8"):
        list(contexts.values())


def test_a_folder_without_text_says_what_is_there(folder):
    assert list(find_contexts(["reports/.git"])) == ["reports/.git/log.txt"], "it was named"
    Path("reports/pdf").mkdir()
    for number in range(9):
        Path(f"reports/pdf/{number}.pdf").touch()
    with pytest.raises(DataError, match=r"no text file in this folder") as caught:
        find_contexts(["reports/pdf"])
    assert "0.pdf, 1.pdf, 2.pdf, 3.pdf, 4.pdf, 5.pdf … 9 files in all" in str(caught.value)
    assert "--context reports/pdf/0.pdf" in str(caught.value)
    Path("nothing").mkdir()
    with pytest.raises(DataError, match="no file that is not hidden"):
        find_contexts(["nothing"])


@pytest.mark.parametrize("name", ["nowhere.txt", "Ada leads it. " * 100])
def test_what_is_no_file_gets_one_message(folder, name):
    with pytest.raises(DataError, match=r"no such file or folder(?s:.*)--context -"):
        find_contexts([name])
