"""The translated pages say what the English ones say, and whatever a page names is there."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import typer.main

from spanfit.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPTS = {"ja": r"[ぁ-んァ-ヶ一-鿿]", "ko": r"[가-힣]", "zh": r"[一-鿿]"}
ORIGINALS = ("README.md", "docs/getting-started.md")
TRANSLATIONS = [(page, language) for page in ORIGINALS for language in SCRIPTS]
PAGES = sorted(
    file.relative_to(REPOSITORY).as_posix()
    for file in (*REPOSITORY.glob("README*.md"), *REPOSITORY.glob("docs/*.md"))
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = typer.main.get_command(app)
ENDS_OF_A_COMMAND = {"|", ">", ">>", "<", "&&", ";"}


def read(page):
    return (REPOSITORY / page).read_text(encoding="utf-8")


def translated(page, language):
    return page.removesuffix("md") + f"{language}.md"


def blocks(text):
    """What is between ``` lines, without the tree of the source, which is only in English."""
    return [block for block in BLOCK.findall(text) if not block[1].startswith("spanfit/\n")]


def prose(text):
    return BLOCK.sub("", text)


def links(page):
    """Targets inside the repository, as paths from its root; code is not looked into."""
    for target in LINK.findall(CODE.sub("", prose(read(page)))):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
            yield file.resolve().relative_to(REPOSITORY).as_posix(), anchor


def anchors(page):
    """The names of a page's headings, made as GitHub makes them."""
    seen = Counter()
    for title in re.findall(r"^#+ +(.+?) *$", prose(read(page)), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", LINK.sub("", title).lower()).replace(" ", "-")
        yield f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def commands(page):
    """The arguments of each `spanfit …` of a page, from its shell blocks and from its prose."""
    text = read(page)
    typed = [
        line
        for language, block in BLOCK.findall(text)
        if language == "sh"
        for line in block.splitlines()
    ]
    for line in (*typed, *CODE.findall(prose(text))):
        if not re.search(r"(^|[ /])spanfit( |$)", line):
            continue
        words = shlex.split(line.replace("…", "X"), comments=True)
        for position, word in enumerate(words):
            if Path(word).name == "spanfit":
                rest = words[position + 1 :]
                end = next((i for i, word in enumerate(rest) if word in ENDS_OF_A_COMMAND), None)
                yield rest[:end]


def option_names(command):
    return {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}


@pytest.mark.parametrize(("page", "language"), TRANSLATIONS)
def test_code_blocks_are_those_of_the_english_page(page, language):
    rest = blocks(read(translated(page, language)))
    added = len(rest) - len(blocks(read(page)))
    for block in blocks(read(page)):
        assert block in rest, f"{translated(page, language)} lacks\n{block[1]}"
        del rest[: rest.index(block) + 1]
    assert added == (page == "README.md"), "a README has one block more: the language's own example"


@pytest.mark.parametrize(("page", "language"), TRANSLATIONS)
def test_nothing_that_stands_in_code_is_missing(page, language):
    text = prose(read(translated(page, language)))
    missing = Counter(CODE.findall(prose(read(page)))) - Counter(CODE.findall(text))
    assert not missing


@pytest.mark.parametrize(("page", "language"), TRANSLATIONS)
def test_links_and_tables_are_those_of_the_english_page(page, language):
    theirs = translated(page, language)
    found = {*links(theirs), (theirs, "")}
    files = {file for file, _ in found}
    for file, anchor in links(page):
        same = translated(file, language) in files if file in ORIGINALS else (file, anchor) in found
        assert same, (file, anchor)
    assert {translated(page, other) for other in SCRIPTS} | {page} <= files
    rows = [prose(read(file)).count("\n|") for file in (page, theirs)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(("page", "language"), TRANSLATIONS)
def test_every_sentence_is_in_the_language(page, language):
    text = CODE.sub("", LINK.sub("]", prose(read(translated(page, language)))))
    for line in text.splitlines():
        if len(re.findall(r"[A-Za-z]", line)) > 60 or (
            line.startswith("#") and line != "# SpanFit"
        ):
            assert re.search(SCRIPTS[language], line), line
    if language == "zh":
        assert not re.findall(r"[一-鿿][,:;?!()].{0,9}", text), "punctuation of Latin script"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for file, anchor in links(page):
        assert (REPOSITORY / file).exists(), file
        assert not anchor or anchor in set(anchors(file)), f"{file}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist_with_their_options(page):
    for words in commands(page):
        command, rest = COMMAND, words
        if words and not words[0].startswith("-"):
            assert words[0] in COMMAND.commands, words
            command, rest = COMMAND.commands[words[0]], words[1:]
            assert command.make_context(words[0], list(rest), resilient_parsing=True)
        used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert used <= option_names(command), words


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_compile(page):
    for language, block in BLOCK.findall(read(page)):
        if language == "python":
            compile(block, page, "exec")


def test_the_first_steps_print_what_the_page_shows(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = blocks(read("docs/getting-started.md"))
    data = next(block for language, block in page if language == "json")
    Path("dev.jsonl").write_text(data, encoding="utf-8")
    code, shown, _ = command("show", "dev.jsonl")
    assert code == 0
    assert ("text", shown) in page


def test_the_refusal_is_the_one_that_the_page_shows(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = blocks(read("docs/getting-started.md"))
    data = next(block for language, block in page if language == "json")
    assert data.count('"start": 43') == 1
    Path("dev.jsonl").write_text(data.replace('"start": 43', '"start": 42'), encoding="utf-8")
    code, _, refused = command("windows", "dev.jsonl", "-t", REPOSITORY / "tests/data/wordpiece")
    assert code == 1
    assert any(language == "text" and block in refused for language, block in page)


def test_each_format_that_the_page_shows_is_read_with_its_gold(tmp_path):
    import spanfit

    page = blocks(read("docs/getting-started.md"))
    questions, squad, tagged = (block for language, block in page if language == "json")
    csv = next(block for language, block in page if language == "csv")
    columns = next(block for language, block in page if block.startswith("Mira B-PER"))
    golds = {}
    for name, text in {"a.jsonl": questions, "b.csv": csv, "c.json": squad}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        golds[name] = {e.id: e.answers for e in spanfit.read(tmp_path / name)}
    assert golds["b.csv"].items() <= golds["a.jsonl"].items()
    assert golds["c.json"].items() <= golds["a.jsonl"].items()
    found = {}
    for name, text in {"d.conll": columns, "e.jsonl": tagged}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found[name] = list(spanfit.read(tmp_path / name))
    assert [len(texts) for texts in found.values()] == [1, 2]
    assert found["e.jsonl"][1].text == "ミラはオスロに住む。"
