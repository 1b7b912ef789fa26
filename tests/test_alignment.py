"""Ranges of tokens, found by their spelling: exact where there is one reading, else refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError
from spanfit.text.alignment import align
from spanfit.text.token_marks import TokenMarks, read_bytes


def found(text, *tokens):
    """What each token stands for."""
    starts, ends = align(text, tokens)
    assert (starts <= ends).all() and (starts[1:] >= starts[:-1]).all()
    assert (ends[1:] >= ends[:-1]).all()
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("㌔ｶﾞ は", ["キロ", "ガ", "は"], ["㌔", "ｶﾞ", "は"]),
        ("ﬁne ﬁne", ["f", "ine", "fine"], ["ﬁ", "ﬁne", "ﬁne"]),
        ("İstanbul", ["i̇stan", "bul"], ["İstan", "bul"]),
        ("Café Cafe\u0301!", ["cafe", "cafe", "!"], ["Café", "Cafe\u0301", "!"]),
        ("e\u0301", ["e", "\u0301"], ["e", "\u0301"]),
        ("é", ["e", "\u0301"], ["é", "é"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφος"], ["ΣΊΣΥΦΟΣ"]),
        ("한국", ["한", "국"], ["한", "국"]),
        ("\u1112\u1161\u11ab국", ["한", "국"], ["\u1112\u1161\u11ab", "국"]),
        ("a\u0301\u0323b", ["ạ\u0301", "b"], ["a\u0301\u0323", "b"]),  # marks in another order
        ("　東京　タワー\n", ["東京", "タワー"], ["東京", "タワー"]),
        ("Ａ１ ½", ["a1", "1⁄2"], ["Ａ１", "½"]),
        ("👩\u200d🚀x", ["👩", "\u200d", "🚀", "x"], ["👩", "\u200d", "🚀", "x"]),
        ("👩\u200d🚀x", ["👩", "🚀x"], ["👩", "🚀x"]),
        ("a\u200b\ufffdb\x07", ["a", "b"], ["a", "b"]),
        ("one two", ["▁one", "▁", "two"], ["one", "", "two"]),
        ("", [], []),
        ("  ", ["▁"], [""]),
        ("東京都に", ["東京", None, "に"], ["東京", "都", "に"]),
        ("a b b c", ["a", None, "b", "c"], ["a", "b", "b", "c"]),
        ("ab", [None, None], ["a", "b"]),  # two tokens, two symbols
        ("\u200bx\u0301 y", [None, "y"], ["x\u0301", "y"]),
    ],
)
def test_pencil_examples(text, tokens, expected):
    assert found(text, *tokens) == expected


@pytest.mark.parametrize(
    ("text", "tokens", "words"),
    [
        ("abc", ["ab", "d"], ["'c', at character 2", "token 1, 'd'"]),
        ("東京タワー", ["東京"], ["'タワー', at character 2", "their end"]),
        ("ab", ["ab", "c"], ["the text is at its end", "token 1, 'c'"]),
        ("", [None], ["the text is at its end"]),
        ("x a y a z", [None, "a", None], ["unknown", "'x a y a z'", "2 unknown among 3"]),
        ("abc", [None, None], ["one way only"]),
        ("e\u0301 x", ["e", None], ["one way only"]),  # is the accent of the e, or of the x?
        ("aé\xad,", ["a", "e", None, ","], ["one way only"]),  # the accent, or the hyphen?
        ("a\u200b\u200bb", ["a", "\u200b", "b"], ["fewer marks"]),
    ],
)
def test_no_guess(text, tokens, words):
    with pytest.raises(DataError) as error:
        align(text, tokens)
    assert all(word in str(error.value) for word in words), str(error.value)


# --- normalisers and tokenizers that hypothesis makes up ---


def strip_accents(text):
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")


FORMS = ("NFC", "NFD", "NFKC", "NFKD")
NORMALISERS = {
    "nothing": str,
    "lower": str.lower,
    **{form: lambda text, form=form: unicodedata.normalize(form, text) for form in FORMS},
    "lower NFKC": lambda text: unicodedata.normalize("NFKC", text).lower(),
    "strip": lambda text: strip_accents(text.lower()),
    "strip NFKC": lambda text: strip_accents(unicodedata.normalize("NFKC", text)),
}
CLUSTERS = (
    *"aBxÉßﬁİςΣ東京都タワｶガ㌔㍿①½Ａ１한각👩𠮷々ー。、'\"#",
    *("ｶﾞ", "ﾊﾟ", "e\u0301", "か\u3099", "각"),
)
SPACES = (" ", "\u3000", "\n", "\u00a0")
CONTROLS = ("\u200b", "\x07", "\ufeff")


def normalised(text_parts, normalise, *, keeps_controls):
    """Each normalised character, with the range of the text that it is known to come from."""
    place, known = 0, []
    for part in text_parts:
        end = place + len(part)
        spelled = normalise(part)
        alone = [normalise(c) for c in part]
        by_character = len(spelled) == len(part) and spelled == "".join(alone)
        if part not in SPACES and (keeps_controls or part not in CONTROLS):
            for number, character in enumerate(spelled):
                if not character.isspace():
                    at = place + number
                    known.append((character, *((at, at + 1) if by_character else (place, end))))
        place = end
    return known


@st.composite
def cut_texts(draw):
    """A text, the tokens of a made-up tokenizer, and the truth about each of them."""
    parts = draw(st.lists(st.sampled_from([*CLUSTERS, *SPACES, *CONTROLS]), max_size=12))
    normalise = NORMALISERS[draw(st.sampled_from(sorted(NORMALISERS)))]
    known = normalised(parts, normalise, keeps_controls=draw(st.booleans()))
    tokens, ranges, position = [], [], 0
    while position < len(known):
        some = known[position : position + draw(st.integers(1, 4))]
        tokens.append("".join(character for character, _, _ in some))
        ranges.append((some[0][1], some[-1][2]))
        position += len(some)
    return "".join(parts), tokens, ranges


@given(cut_texts())
def test_every_token_is_found(cut):
    text, tokens, ranges = cut
    starts, ends = align(text, tokens)
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == ranges


@given(cut_texts(), st.sets(st.integers(0, 11)))
def test_unknown_tokens_are_found_or_refused(cut, unknown):
    text, tokens, ranges = cut
    seen = [None if number in unknown else token for number, token in enumerate(tokens)]
    try:
        starts, ends = align(text, seen)
    except DataError as error:
        assert None in seen and "unknown" in str(error)
        return
    for token, (start, end), begin, stop in zip(seen, ranges, starts, ends, strict=True):
        if token is None:  # what is invisible at its borders cannot be told
            assert text[begin:stop].strip("".join(CONTROLS)) == text[start:end].strip(
                "".join(CONTROLS)
            )
        else:
            assert (begin, stop) == (start, end)


@pytest.mark.parametrize("name", NORMALISERS)
def test_characters_of_all_scripts(name):
    """Every 61st character that Unicode has a name for keeps its place."""
    for code in range(0x20, 0x20000, 61):
        character = chr(code)
        spelled = NORMALISERS[name](character)
        if unicodedata.category(character)[0] not in "LNPS" or not spelled.strip(" ▁"):
            continue
        assert found(f"東{character}京", "東", spelled, "京") == ["東", character, "京"], character


# --- what tokenizers add to their tokens ---


def test_marks_are_asked_for():
    bert = TokenMarks.of(lambda tokens: " ".join(tokens).replace(" ##", ""))
    assert [bert.strip(t) for t in ("東", "##京", "##", "a@@")] == ["東", "京", "##", "a@@"]
    phobert = TokenMarks.of(lambda tokens: " ".join(tokens).replace("@@ ", ""))
    assert [phobert.strip(t) for t in ("xin@@", "##a")] == ["xin", "##a"]
    xlm = TokenMarks.of(lambda tokens: "".join(tokens).replace("</w>", " "))
    assert [xlm.strip(t) for t in ("a", "b</w>")] == ["a", "b"]
    assert TokenMarks.of(lambda tokens: [][0]) == TokenMarks()


def test_bytes_make_characters():
    pieces = read_bytes([chr(byte) for byte in "aé東".encode()])
    assert pieces.spellings == ["a", "é", "東"]
    assert pieces.owners.tolist() == [0, 1, 1, 2, 2, 2]
    pieces = read_bytes(["▁é", "<0xE6>", "<0x9D>", "<0xB1>", "é"])
    assert pieces.spellings == ["▁é", "東", "é"] and pieces.owners.tolist() == [0, 1, 1, 1, 2]
    assert read_bytes(["word"]) is None and read_bytes(["<0xE6>", "<0x9D>"]) is None
