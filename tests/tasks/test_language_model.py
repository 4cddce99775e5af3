from __future__ import annotations

import pytest
import torch

from conveyor.cells import cells
from conveyor.errors import ArgumentError, TextError
from conveyor.tasks.text.config import ModelConfig
from conveyor.tasks.text.data.vocabulary import CharacterVocabulary, WordVocabulary
from conveyor.tasks.text.evaluate import evaluate
from conveyor.tasks.text.model import LanguageModel, cross_entropy
from conveyor.tasks.text.sample import generate
from conveyor.tasks.units import bits, perplexity

VOCABULARY = CharacterVocabulary.of("abcdefgh ")


def make(seed: int = 0, vocabulary_size: int = len(VOCABULARY), **options: object) -> LanguageModel:
    torch.manual_seed(seed)
    return LanguageModel(cells["lstm"], vocabulary_size, ModelConfig(**{"hidden_size": 6, **options}))  # type: ignore[arg-type]


def test_state_carries_the_past() -> None:
    model = make()
    tokens = torch.randint(0, 9, (7, 3))
    whole, _ = model(tokens)
    first, state = model(tokens[:4])
    second, _ = model(tokens[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    assert not torch.allclose(model(tokens[4:])[0], second)


@pytest.mark.parametrize("embedding_size", [6, 4])
def test_tied_weights_train_one_matrix(embedding_size: int) -> None:
    model = make(tie_weights=True, embedding_size=embedding_size)
    assert model.decoder is None
    assert (model.projection is None) == (embedding_size == 6)
    tokens = torch.zeros(5, 2, dtype=torch.long)
    loss = cross_entropy(model(tokens)[0], tokens + 3)
    torch.autograd.backward(loss)
    gradient = model.embedding.weight.grad
    assert gradient is not None
    assert gradient[7].abs().sum() > 0, "token 7 is never an input: its gradient comes through the decoder"


def test_dropout_acts_in_training_alone() -> None:
    model = make(dropout=0.5)
    tokens = torch.randint(0, 9, (7, 3))
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])


def test_evaluation_is_the_mean_over_the_whole_text() -> None:
    model = make()
    tokens = torch.randint(0, 9, (50,))
    with torch.no_grad():
        logits, _ = model(tokens[:-1, None])
    expected = cross_entropy(logits, tokens[1:, None]).item()
    assert evaluate(model, tokens, 1, 49) == pytest.approx(expected, rel=1e-5)
    assert evaluate(model, tokens, 1, 7) == pytest.approx(expected, rel=1e-5)
    assert evaluate(model, tokens, 8, 60) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("size", "batch_size", "window"), [(54, 4, 6), (53, 4, 6), (51, 7, 5), (2, 1, 5), (31, 30, 1)])
def test_evaluation_leaves_no_token_out(size: int, batch_size: int, window: int) -> None:
    model = make()
    tokens = torch.randint(0, 9, (size,))
    length = (size - 1) // batch_size
    # Stream k reads from k * length; the last one to the end of the text.
    begins = [k * length for k in range(batch_size)]
    ends = [*begins[1:], size - 1]
    losses = []
    with torch.no_grad():
        for begin, end in zip(begins, ends, strict=True):
            logits = model(tokens[begin:end, None])[0][:, 0]
            losses.append(torch.nn.functional.cross_entropy(logits, tokens[begin + 1 : end + 1], reduction="none"))
    expected = torch.cat(losses).double().mean().item()
    assert len(torch.cat(losses)) == size - 1
    assert evaluate(model, tokens, batch_size, window) == pytest.approx(expected, rel=1e-5)


def test_units() -> None:
    assert bits(torch.log(torch.tensor(8.0)).item()) == pytest.approx(3)
    assert perplexity(torch.log(torch.tensor(8.0)).item()) == pytest.approx(8)
    assert perplexity(1e4) == float("inf")


def test_sampling_is_seeded_and_leaves_no_trace() -> None:
    model = make()
    state = torch.get_rng_state()
    text = generate(model, VOCABULARY, "ab", 30, seed=1)
    assert text.startswith("ab") and len(text) == 32
    assert generate(model, VOCABULARY, "ab", 30, seed=1) == text
    assert generate(model, VOCABULARY, "ab", 30, seed=2) != text
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training


def test_temperature_zero_top_1_and_a_tiny_temperature_take_the_likeliest() -> None:
    model = make()
    greedy = generate(model, VOCABULARY, "ab", 20, temperature=0)
    assert generate(model, VOCABULARY, "ab", 20, top_k=1, seed=5) == greedy
    assert generate(model, VOCABULARY, "ab", 20, temperature=1e-300, seed=5) == greedy


def test_top_k_confines_the_choice() -> None:
    model = make()
    with torch.no_grad():
        model.eval()
        likeliest = model(torch.tensor(VOCABULARY.encode("a"))[:, None])[0][-1, 0].topk(3).indices.tolist()
        model.train()
    drawn = {generate(model, VOCABULARY, "a", 1, temperature=5.0, top_k=3, seed=seed)[1] for seed in range(60)}
    assert drawn == {VOCABULARY.tokens[number] for number in likeliest}


def test_prompt_is_run_first() -> None:
    model = make()
    sampled = {generate(model, VOCABULARY, prompt, 20, temperature=0.05)[2:] for prompt in ("aa", "ba", "ca", "da")}
    assert len(sampled) > 1, "all prompts end alike: only the state can tell them apart"


def test_unknown_word_is_never_sampled() -> None:
    vocabulary = WordVocabulary(["<unk>", "whale"])
    model = make(vocabulary_size=2)
    assert generate(model, vocabulary, "a whale", 20, temperature=3.0) == "<unk>" + " whale" * 21


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": -1}, "length: expected"),
        ({"temperature": -0.1}, "temperature: expected"),
        ({"temperature": float("nan")}, "temperature: expected"),
        ({"top_k": -1}, "top_k: expected"),
        ({"prompt": ""}, "prompt: expected at least one"),
    ],
)
def test_bad_arguments(options: dict[str, object], message: str) -> None:
    arguments = {"prompt": "a", "length": 1, **options}
    with pytest.raises(ArgumentError, match=message):
        generate(make(), VOCABULARY, **arguments)  # type: ignore[arg-type]


def test_prompt_with_unknown_characters() -> None:
    with pytest.raises(TextError, match="unknown character 'Z'"):
        generate(make(), VOCABULARY, "aZ", 1)


@pytest.mark.parametrize(
    ("name", "value"), [("hidden_size", 0), ("num_layers", 0), ("dropout", 1.0), ("dropout", -0.1)]
)
def test_sizes_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name}: expected"):
        ModelConfig(**{name: value})  # type: ignore[arg-type]
