"""The report in a headless Chromium: the choice works, nothing overlaps, nothing is fetched, no error is logged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import conveyor as cv

pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((p for n in NAMES if (p := shutil.which(n))), None)
    assert path, f"this test needs a browser, one of {', '.join(NAMES)}: make browser"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=arguments)
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser, report: Path) -> Iterator[Any]:
    """Opens the report; at the end nothing was logged, raised or fetched."""
    said: list[str] = []
    asked: list[str] = []
    pages: list[Page] = []

    def open_it(**options: Any) -> Page:
        page = browser.new_context(**options).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((report / "index.html").as_uri())
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in asked) == len(pages)


def colours(page: Page) -> list[str]:
    return page.eval_on_selector_all("#reading b", "all => all.map(b => b.style.getPropertyValue('--v'))")


def test_a_unit_can_be_chosen(open_page: Any) -> None:
    page = open_page()
    page.select_option("#value", label="layer 1: c (new memory)")
    page.fill("#unit", "3")
    page.dispatch_event("#unit", "change")
    third, told = colours(page), page.inner_text("#told")
    assert told.startswith("Unit 3 of c, layer 1: lowest, ")
    assert len(third) == 200 and len(set(third)) > 10
    page.click("#next")
    assert page.input_value("#unit") == "4" and colours(page) != third
    page.click("#before")
    assert colours(page) == third
    page.select_option("#value", label="layer 2: f (forget gate)")
    assert page.inner_text("#told").startswith("Unit 3 of f, layer 2: ") and colours(page) != third
    page.fill("#unit", "99")
    page.dispatch_event("#unit", "change")
    assert page.input_value("#unit") == "11", "the nearest that there is"
    page.click("#next")
    assert page.input_value("#unit") == "0"


def test_telling_units_are_a_click_away(open_page: Any) -> None:
    page = open_page()
    buttons = page.locator(".telling button")
    assert buttons.count() >= 1
    for k in range(buttons.count()):
        buttons.nth(k).click()
        assert buttons.nth(k).get_attribute("aria-pressed") == "true"
        assert page.locator('.telling button[aria-pressed="true"]').count() == 1
        assert page.input_value("#unit") == buttons.nth(k).get_attribute("data-unit")


def test_colours_before_and_after_the_script_agree(open_page: Any, browser: Browser, report: Path) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto((report / "index.html").as_uri())
    html = plain.inner_html("#reading")
    plain.context.close()
    page = open_page()
    before = [
        float(v.partition("--v:")[2].partition(";")[0])
        for v in html.split('style="')[1:]
        for v in [v.partition('"')[0]]
    ]
    page.dispatch_event("#unit", "change")
    after = [float(v) for v in colours(page)]
    assert len(before) == len(after) == 200
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 0.016


def test_single_values_by_pointer_and_by_keyboard(open_page: Any) -> None:
    page = open_page()
    page.locator("#reading b").nth(5).hover()
    assert page.inner_text("#value-at").startswith("Step 6, after “")
    page.focus("#reading")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#value-at").startswith("Step 7, after “")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#value-at").startswith("Step 5, after “")


def test_everything_is_reached_by_the_keyboard(open_page: Any) -> None:
    page = open_page()
    wanted = {"value", "unit", "before", "next", "reading"}
    seen = []
    for _ in range(200):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
            )
        )
        if seen[-1] == "reading":
            break
    assert seen[0] == "Skip to the report"
    assert wanted <= set(seen) and "Diagram of lstm" in seen
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring != "none"


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_width_makes_the_page_wider_than_the_screen(width: int, open_page: Any) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.eval_on_selector_all(
        "button, select, input", "all => all.filter(e => e.getBoundingClientRect().height < 36).map(e => e.outerHTML)"
    )
    assert small == [], "too small for a finger"


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# The colour of each kind of text, and the colours behind it laid over each other, as numbers.
CONTRASTS = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => { paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1);
    const d = paint.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const found = [];
  for (const e of document.querySelectorAll('p, h1, h2, h3, dt, dd, li, a, button, select, input, label, th, td, figcaption, .key, #reading b')) {
    if (!e.textContent.trim() || !e.getClientRects().length || e.closest('.skip')) continue;
    const behind = [];
    for (let up = e; up; up = up.parentElement) behind.unshift(rgba(getComputedStyle(up).backgroundColor));
    let back = [255, 255, 255];
    for (const [r, g, b, a] of behind) back = [r, g, b].map((v, k) => v * a + back[k] * (1 - a));
    found.push([e.outerHTML.slice(0, 90), rgba(getComputedStyle(e).color).slice(0, 3), back]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(scheme: str, open_page: Any) -> None:
    page = open_page(color_scheme=scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 300
    for what, ink, back in found:
        high, low = sorted((luminance(ink), luminance(back)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (what, ink, back)


def test_print_is_light_and_whole(open_page: Any, tmp_path: Path) -> None:
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(29, 37, 48)", "dark ink, whatever the screen"
    hidden = page.eval_on_selector_all(
        "nav, .choice, .telling", "all => all.every(e => getComputedStyle(e).display === 'none')"
    )
    assert hidden
    assert page.evaluate("getComputedStyle(document.getElementById('reading')).maxHeight") == "none"
    assert len(page.pdf(format="A4")) > 20_000


def test_the_page_is_small_and_loads_completely(open_page: Any, report: Path) -> None:
    assert (report / "index.html").stat().st_size < 5_000_000
    page = open_page()
    assert page.evaluate("document.readyState") == "complete"


OVERLAPS = """() => {
  const texts = [...document.querySelectorAll('svg text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const frame = document.querySelector('svg').getBoundingClientRect();
  const bad = [];
  texts.forEach(([a, r], k) => {
    if (r.left < frame.left || r.right > frame.right || r.top < frame.top || r.bottom > frame.bottom) bad.push(a + ' is cut off');
    for (const [b, s] of texts.slice(k + 1)) {
      const across = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const down = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (across > 1 && down > 5) bad.push(a + ' lies on ' + b);
    }
  });
  return bad;
}"""


def test_no_words_lie_on_others_in_any_diagram(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    bad = {}
    for name in cv.cells:
        page.set_content(cv.cells[name].diagram())
        if found := page.evaluate(OVERLAPS):
            bad[name] = found
    page.close()
    assert bad == {}
