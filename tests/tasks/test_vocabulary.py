from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conveyor.errors import CheckpointError, TextError
from conveyor.tasks.text.data.vocabulary import (
    ByteVocabulary,
    CharacterVocabulary,
    Vocabulary,
    WordVocabulary,
    vocabulary_from_json,
)
from conveyor.tasks.text.data.words import split_words

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts)
def test_characters_round_trip(text: str) -> None:
    vocabulary = CharacterVocabulary.of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert len(vocabulary) == len(set(text))


@given(texts)
def test_bytes_round_trip(text: str) -> None:
    vocabulary = ByteVocabulary()
    assert vocabulary.encode(text) == list(text.encode())
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_words_are_split_as_one_reads_them() -> None:
    text = "Don't stop, Mr_X (the 2nd)!\n\nWell…"
    assert split_words(text) == [
        "Don't", "stop", ",", "Mr_X", "(", "the", "2nd", ")", "!", "\n", "\n", "Well", "…",
    ]  # fmt: skip


def test_word_cap_keeps_the_most_frequent_and_unk_takes_the_rest() -> None:
    vocabulary = WordVocabulary.of(split_words("b a a c b a"), 3)
    assert vocabulary.tokens == ("<unk>", "a", "b")
    assert vocabulary.encode("a b c d") == [1, 2, 0, 0]
    assert vocabulary.decode([1, 0]) == "a <unk>"


def test_text_is_set_without_spaces_before_marks() -> None:
    vocabulary = WordVocabulary.of(split_words("Ah, well (yes).\nNo"), 99)
    assert vocabulary.decode(vocabulary.encode("Ah, well (yes).\nNo")) == "Ah, well (yes).\nNo"


@pytest.mark.parametrize(
    "vocabulary",
    [CharacterVocabulary.of("aé\n"), ByteVocabulary(), WordVocabulary.of(["a", "\n", "é"], 9)],
    ids=["char", "byte", "word"],
)
def test_json_round_trip(vocabulary: Vocabulary) -> None:
    assert vocabulary_from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_unknown_character_is_named_with_its_place() -> None:
    with pytest.raises(TextError, match=r"unknown character 'é' \(U\+00E9\) at position 2"):
        CharacterVocabulary.of("abc").encode("abé")


def test_half_a_character_is_no_byte_text() -> None:
    with pytest.raises(TextError, match="position 1"):
        ByteVocabulary().encode("a\udcff")


def test_foreign_json_is_refused() -> None:
    with pytest.raises(CheckpointError, match="expected level char, byte or word"):
        vocabulary_from_json({"level": "syllable", "tokens": []})
