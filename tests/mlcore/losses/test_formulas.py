"""What is told of the losses' formulas: whole, in letters that are explained, and true where it can be tried."""

import re
from typing import Any

import pytest
import torch

from mlcore.losses import LOSSES, Parameter, build_loss

CLASSES, DIM = 4, 6
ONE_CENTRE = {"centers": 1, "margin": 0.0}
CLAIMS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("soft_triple", {**ONE_CENTRE, "scale": 20.0}, "normalized_softmax", {"temperature": 1 / 20}),
    ("soft_triple", {**ONE_CENTRE, "scale": 18.0}, "proxy_nca_plus_plus", {"scale": 9.0}),
    ("proxy_nca_plus_plus", {"scale": 9.0}, "normalized_softmax", {"temperature": 1 / 18}),
    ("cos_face", {"margin": 0.0, "scale": 10.0}, "normalized_softmax", {"temperature": 1 / 10}),
    ("arc_face", {"margin": 0.0, "scale": 10.0}, "normalized_softmax", {"temperature": 1 / 10}),
    ("sub_center_arc_face", {"centers": 1}, "arc_face", {}),
    ("supervised_contrastive", {"temperature": 0.1}, "nt_xent", {"temperature": 0.1}),
]


@pytest.mark.parametrize("name", LOSSES)
def test_every_letter_of_a_formula_is_explained(name: str) -> None:
    spec = LOSSES[name]
    assert set(spec.letters) == set(spec.parameters)
    told = re.sub(r"\\(mathcal|text|mathrm)\{[^}]*\}|\\[a-zA-Z]+", " ", " ".join((spec.formula, *spec.where)))
    known = " ".join([*spec.symbols, *spec.letters.values()])
    greek = set(re.findall(r"\\(?:alpha|beta|gamma|delta|lambda|epsilon|tau|sigma|theta|psi)\b", spec.formula))
    assert all(letter in known for letter in greek), greek
    indices = set("cijklnpqa") | set("ed")  # running indices; e is the number, d explained with its index
    loose = {letter for letter in re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", told)} - indices
    assert all(letter in known for letter in loose), loose


def test_braces_of_every_formula_close() -> None:
    for spec in LOSSES.values():
        for line in (spec.formula, *spec.where, *spec.symbols, *spec.letters.values()):
            bare = line.replace(r"\{", "").replace(r"\}", "")
            assert bare.count("{") == bare.count("}"), line


def test_losses_that_equal_each_other_both_say_so() -> None:
    said = {(name, other) for name, spec in LOSSES.items() for other in spec.equals}
    assert said == {(other, name) for name, other in said}
    assert {frozenset(pair) for pair in said} == {frozenset((one, other)) for one, _, other, _ in CLAIMS}


@pytest.mark.parametrize(("one", "own", "other", "theirs"), CLAIMS)
def test_losses_that_are_said_to_be_equal_are(
    one: str, own: dict[str, Any], other: str, theirs: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    embeddings, labels = torch.randn(8, DIM, dtype=torch.float64), torch.arange(CLASSES).repeat(2)
    costs = []
    for name, params in ((one, own), (other, theirs)):
        torch.manual_seed(1)  # the same proxies: one draw of as many numbers
        costs.append(build_loss(name, num_classes=CLASSES, dim=DIM, **params).double()(embeddings, labels).item())
    assert costs[0] == pytest.approx(costs[1], rel=1e-6)


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (Parameter(1.0), ""),
        (Parameter(1.0, above=0), "above 0"),
        (Parameter(1, low=1), "from 1"),
        (Parameter(0.5, low=-1, high=1), "from -1 up to 1"),
        (Parameter(0.5, above=0, high=2), "above 0 up to 2"),
    ],
)
def test_a_range_is_said_in_words(parameter: Parameter, words: str) -> None:
    assert parameter.range == words
