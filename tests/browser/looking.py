"""What a browser's user would notice: faults of accessibility, a page that is wider than the screen."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Frame, Page

_ASK = """async () => (await axe.run(document, {runOnly: [
  'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}))
  .violations.map(one => one.id + ': ' + one.nodes.slice(0, 4).map(node => node.target.join(' ') + ' '
    + (node.any[0] || node.all[0] || node.none[0] || {message: ''}).message).join('; '))"""


def faults(page: Page | Frame) -> list[str]:
    """What axe-core finds wrong (WCAG 2.2 AA and its best practices), and whether one must scroll sideways."""
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = [str(line) for line in page.evaluate(_ASK)]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("the page is wider than the screen")
    return found


def look(page: Page, name: str, found: dict[str, list[str]]) -> None:
    """Open whatever is folded, and put the faults into ``found`` by the page's name. With ``SCREENSHOTS`` (a folder) in
    the environment a person may look too.
    """
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    if wrong := faults(page):
        found[name] = wrong
    if folder := os.environ.get("SCREENSHOTS"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
