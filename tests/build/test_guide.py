"""docs/devices.md, as it stands: trained, built, run in C and in a page of a browser."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

GUIDE = (Path(__file__).parents[2] / "docs/devices.md").read_text()


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = re.findall(r"^```(\S.*)$", GUIDE, re.MULTILINE)
    assert all(k == "python" or re.fullmatch(r"(c|js|html) file=[\w./]+", k) for k in kinds)


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm"}

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address at which the test's folder is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    path = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    assert path, "this test needs Chromium: make browser"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield made
        made.close()


@pytest.mark.slow
def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: str, browser: Browser) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    for kind, name, body in re.findall(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE):
        if kind == "python":
            exec(compile(body, "devices.md", "exec"), namespace)
        else:
            (tmp_path / name).write_text(body)
    played, expected = namespace["played"], namespace["expected"]
    assert namespace["loss"].item() < 0.05  # it has learned something
    assert np.abs(played - expected).max() <= 1e-5
    assert float(namespace["done"].stdout) > 1
    assert namespace["small"].difference.relative <= 1e-2
    (tmp_path / "clean.raw").rename(tmp_path / "web/clean.raw")
    page = browser.new_page()
    page.goto(f"{served}/web/index.html")
    page.wait_for_function("window.result !== undefined", timeout=120_000)
    result = page.evaluate("window.result")
    print(f"in the browser: {result['factor']:.1f} times real time")
    assert np.abs(np.array(result["played"]) - expected).max() <= 1e-5
    assert result["factor"] > 1
