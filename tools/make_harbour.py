"""Write the training part of the quickstart's data: reports from the harbour of Merrowhaven.

The file holds the texts written by hand (`harbour_by_hand.json`) and texts put together from
`harbour_patterns.json`: sentences with slots, and questions that ask for a slot. A question is
unanswerable when the sentence left its slot out, when the text says it of another ship or person,
or when it asks after something that the text never mentions. The validation part was written by
hand from end to end and does not pass through this program.

    python tools/make_harbour.py            write spanfit/quickstart/harbour-training.json
    python tools/make_harbour.py --check    exit with 1 if that file is not what would be written
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "spanfit" / "quickstart" / "harbour-training.json"
SEED = 1874
GENERATED_TEXTS = 250
WORDS = range(34, 56)
ANSWERABLE, UNANSWERABLE = 4, 2  # questions of one generated text
CLOSE_KINDS = {"quay", "length", "ship", "pet", "animal", "place"}  # never asked across facts
SWAPPED_KINDS = {"goods", "fish", "item", "structure", "part", "building", "person"}
SLOT = re.compile(r"\{(\w+)\}")
OPTION = re.compile(r"\[([^\]]*)\]")
ARTICLE = re.compile(r"^an? ")
PLURAL = re.compile(r"\b(were|are|do)\b(?= the \{goods)")
SINGULAR = {"were": "was", "are": "is", "do": "does"}
RANGE = re.compile(r"<(\d+)-(\d+)>")


@dataclass(frozen=True)
class Fact:
    """Sentences that say the same kind of thing, and the questions for each slot."""

    name: str
    group: str
    subject: str
    patterns: list[str]
    questions: dict[str, list[str]]


@dataclass
class Told:
    """A fact as one text tells it: the slots' values and where those that are written stand."""

    fact: Fact
    values: dict[str, str]
    spans: dict[str, tuple[int, int]]


@dataclass
class Report:
    """A generated text."""

    text: str
    told: list[Told]
    subjects: dict[str, list[str]]


@dataclass(frozen=True)
class Ask:
    """A question and its answer's span in the text, or None."""

    question: str
    span: tuple[int, int] | None


def kind_of(slot: str) -> str:
    """Return the kind of value that a slot takes: `person2` takes a person."""
    return slot.rstrip("0123456789")


class Values:
    """Draws values for the slots of one text, none of them twice.

    A value may itself have slots, and `<3-60>` stands for a number from 3 to 60.
    """

    def __init__(self, names: dict[str, list[str]], rng: random.Random) -> None:
        self.names, self.rng = names, rng
        self.used: set[str] = set()

    def draw(self, kind: str) -> str:
        """Return a value that the present text has not used."""
        for _ in range(200):
            value = self._any(kind)
            if value not in self.used:
                self.used.add(value)
                return value
        raise RuntimeError(f"no unused value left for a slot of the kind {kind!r}")

    def _any(self, kind: str) -> str:
        value = self.rng.choice(self.names[kind])
        value = RANGE.sub(lambda m: str(self.rng.randint(int(m[1]), int(m[2]))), value)
        return SLOT.sub(lambda m: self._any(m[1]), value)


class Writer:
    """Puts texts together and asks questions about them."""

    def __init__(self, names: dict[str, list[str]], facts: list[Fact], seed: int) -> None:
        self.rng = random.Random(seed)
        self.names, self.facts = names, facts
        self.values = Values(names, self.rng)

    def report(self) -> Report:
        """Return a text of facts about at most two ships and two people."""
        rng, fillers = self.rng, list(self.names["filler"])
        while True:
            self.values = Values(self.names, rng)
            subjects = {
                "ship": [self.values.draw("ship") for _ in range(rng.choice([1, 2, 2]))],
                "person": [self.values.draw("person") for _ in range(rng.choice([1, 2, 2]))],
            }
            report, mentioned, last = Report("", [], subjects), set[str](), ""
            while len(report.text.split()) < rng.choice(WORDS):
                fact = self._next_fact(report)
                last = self._tell(report, fact, mentioned, last)
                if rng.random() < 0.2:
                    filler = fillers.pop(rng.randrange(len(fillers))) if fillers else ""
                    report.text += f" {filler}".rstrip()
            if len(report.text.split()) <= WORDS.stop + 12 and len(report.told) >= 3:
                return report

    def _next_fact(self, report: Report) -> tuple[Fact, str]:
        """Choose a fact and its subject that the text does not have yet; pairs are favoured."""
        told = {(t.fact.group, t.values.get(t.fact.subject, "")) for t in report.told}
        theme = {t.fact.group for t in report.told if t.fact.subject != "none"}
        while True:
            fact = self.rng.choice(self.facts)
            if theme and self.rng.random() < 0.25:
                fact = self.rng.choice([f for f in self.facts if f.group in theme])
            subject = self.rng.choice(report.subjects.get(fact.subject, [""]))
            if (fact.group, subject) not in told:
                return fact, subject

    def _tell(
        self, report: Report, chosen: tuple[Fact, str], mentioned: set[str], last: str
    ) -> str:
        """Append one sentence to the text and note where each slot stands; return its subject."""
        rng, (fact, subject) = self.rng, chosen
        pattern = rng.choice(fact.patterns)
        pattern = OPTION.sub(lambda m: m[1] if rng.random() < 0.55 else "", pattern)
        told = Told(fact, {fact.subject: subject} if subject else {}, {})
        sentence, at = " " if report.text else "", 0
        for match in SLOT.finditer(pattern):
            sentence += pattern[at : match.start()]
            slot, at = match[1], match.end()
            value = told.values.setdefault(slot, "") or self.values.draw(kind_of(slot))
            told.values[slot] = value
            pronoun = slot == fact.subject == "ship" and last == value and not sentence.strip()
            if pronoun and rng.random() < 0.4:
                sentence += "She"
                continue
            written = value
            if slot == "ship":
                kind = "" if value in mentioned else f"{rng.choice(self.names['kind'])} "
                sentence += f"the {kind}"
            elif slot == fact.subject and value in mentioned and rng.random() < 0.5:
                written = value.split()[-1]
            mentioned.add(value)
            start = len(report.text) + len(sentence)
            told.spans[slot] = (start, start + len(written))
            sentence += written
        sentence += pattern[at:]
        first = len(sentence) - len(sentence.lstrip())
        report.text += sentence[:first] + sentence[first].upper() + sentence[first + 1 :]
        report.told.append(told)
        return subject

    def asks(self, report: Report) -> list[Ask]:
        """Return the questions of a text, of different slots as far as possible."""
        possible = list(self._answerable(report))
        taken = {ask.question for _, ask in possible}
        asks = self._take(possible, ANSWERABLE, set())
        plausible = list(self._omitted(report)) + list(self._swapped(report))
        asks += self._take(plausible, UNANSWERABLE - 1, taken)
        missing = ANSWERABLE + UNANSWERABLE - len(asks)
        asks += self._take(list(self._absent(report)), missing, taken)
        self.rng.shuffle(asks)
        return asks

    def _take(self, pool: list[tuple[str, Ask]], count: int, taken: set[str]) -> list[Ask]:
        """Choose questions of unlike keys; `taken` are questions that may not be asked."""
        self.rng.shuffle(pool)
        chosen: dict[str, Ask] = {}
        for key, ask in pool:
            if len(chosen) < count and key not in chosen and ask.question not in taken:
                taken.add(ask.question)
                chosen[key] = ask
        return list(chosen.values())

    def _fill(self, question: str, values: dict[str, str], shown: set[str]) -> str | None:
        """Fill the slots of a question; None if it names what the sentence does not."""
        slots = SLOT.findall(question)
        if not set(slots) <= shown:
            return None
        for slot in slots:
            value = f"the {values[slot]}" if slot == "ship" else values[slot]
            if slot != "job":
                value = ARTICLE.sub("the ", value)
            if kind_of(slot) == "goods" and (value[-1] != "s" or value[-2:] == "ss"):
                question = PLURAL.sub(lambda m: SINGULAR[m[1]], question)
            question = question.replace(f"{{{slot}}}", value)
        return question

    def _questions(self, report: Report) -> Iterator[tuple[str, Told, str, str, set[str]]]:
        """Every question template of a text's facts, with the slots that it may name."""
        for number, told in enumerate(report.told):
            shown = set(told.spans) | {told.fact.subject}
            for slot, templates in told.fact.questions.items():
                for template in templates:
                    yield f"{number} {slot}", told, slot, template, shown

    def _answerable(self, report: Report) -> Iterator[tuple[str, Ask]]:
        """Questions that the text answers, unless two sentences might."""
        groups = [t.fact.group for t in report.told]
        for key, told, slot, template, shown in self._questions(report):
            vague = not SLOT.search(template) and groups.count(told.fact.group) > 1
            question = self._fill(template, told.values, shown)
            if question and slot in told.spans and not vague:
                yield key, Ask(question, told.spans[slot])

    def _omitted(self, report: Report) -> Iterator[tuple[str, Ask]]:
        """Questions for what a sentence could have said and did not."""
        for key, told, slot, template, shown in self._questions(report):
            said = slot in told.spans or self._answered(report, told.fact, slot, told.values)
            question = self._fill(template, told.values, shown)
            if question and not said and SLOT.search(template):
                yield key, Ask(question, None)

    def _swapped(self, report: Report) -> Iterator[tuple[str, Ask]]:
        """Questions that can be answered, asked of a thing that the text does not mention."""
        for key, told, slot, template, shown in self._questions(report):
            others = [s for s in SLOT.findall(template) if kind_of(s) in SWAPPED_KINDS]
            if slot not in told.spans or not others:
                continue
            values = told.values | {others[0]: self.values.draw(kind_of(others[0]))}
            question = self._fill(template, values, shown)
            if question and self.rng.random() < 0.2:
                yield key, Ask(question, None)

    def _absent(self, report: Report) -> Iterator[tuple[str, Ask]]:
        """Questions about a subject of the text for which only others have the answer, or none."""
        told = {(t.fact.group, t.values.get(t.fact.subject, "")) for t in report.told}
        groups = {group for group, _ in told}
        for fact in self.facts:
            for subject in report.subjects.get(fact.subject, []):
                if (fact.group, subject) in told or subject not in report.text:
                    continue
                values = {fact.subject: subject}
                for slot, questions in fact.questions.items():
                    if self._answered(report, fact, slot, values):
                        continue
                    for template in questions:
                        question = self._fill(template, values, {fact.subject})
                        rare = fact.group not in groups and self.rng.random() < 0.7
                        if question and subject in question and not rare:
                            yield f"{fact.name} {slot}", Ask(question, None)

    def _answered(self, report: Report, fact: Fact, slot: str, values: dict[str, str]) -> bool:
        """Whether another sentence about the same subject may answer the question."""
        kind, subject = kind_of(slot), values.get(fact.subject)
        moments = {"time", "day", "date", "year", "month"}
        for told in report.told:
            if subject != told.values.get(told.fact.subject):
                continue
            kinds = {kind_of(s) for s in told.spans}
            near = told.fact.group == fact.group or kind in CLOSE_KINDS
            if near and (kind in kinds or (kind in moments and kinds & moments)):
                return True
        return False


def by_hand() -> Iterator[tuple[str, str, list[Ask]]]:
    """Read the texts written by hand; the answers' offsets are computed."""
    for entry in json.loads((HERE / "harbour_by_hand.json").read_text(encoding="utf-8")):
        text, asks = entry["text"], []
        for ask in entry["asks"]:
            answer = ask.get("answer")
            asks.append(Ask(ask["question"], answer and find(text, answer, ask.get("occurrence"))))
        yield entry["title"], text, asks


def find(text: str, answer: str, occurrence: int | None) -> tuple[int, int]:
    """Find the answer's span; one that occurs more than once needs the occurrence's number."""
    starts = [m.start() for m in re.finditer(re.escape(answer), text)]
    if not starts or (len(starts) > 1 and not occurrence):
        sys.exit(f"the answer {answer!r} occurs {len(starts)} times in: {text}")
    start = starts[(occurrence or 1) - 1]
    return start, start + len(answer)


def squad_entry(title: str, text: str, asks: list[Ask], prefix: str) -> dict[str, Any]:
    """Return one report in the shape of SQuAD v2.0."""
    qas = []
    for number, ask in enumerate(asks, 1):
        span = ask.span
        answers = [{"text": text[span[0] : span[1]], "answer_start": span[0]}] if span else []
        qas.append(
            {
                "id": f"{prefix}-{number}",
                "question": ask.question,
                "is_impossible": span is None,
                "answers": answers,
            }
        )
    return {"title": title, "paragraphs": [{"context": text, "qas": qas}]}


def build() -> str:
    """Return the whole file."""
    source = json.loads((HERE / "harbour_patterns.json").read_text(encoding="utf-8"))
    names = source["names"]
    writer = Writer(names, [Fact(**fact) for fact in source["facts"]], SEED)
    data = []
    for number, (title, text, asks) in enumerate(by_hand(), 1):
        data.append(squad_entry(title, text, asks, f"harbour-by-hand-{number:03d}"))
    for number in range(1, GENERATED_TEXTS + 1):
        report = writer.report()
        title = f"{writer.rng.choice(names['title'])}, no. {number}"
        data.append(
            squad_entry(title, report.text, writer.asks(report), f"harbour-generated-{number:03d}")
        )
    return json.dumps({"version": "v2.0", "data": data}, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file, or compare it with what is on disk."""
    parser = argparse.ArgumentParser(description="Write the quickstart's training data.")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    content = build()
    if parser.parse_args().check:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == content
        print(f"{TARGET}: {'up to date' if same else 'not what this program writes'}")
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(content, encoding="utf-8")
    print(f"{TARGET}: {len(content.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
