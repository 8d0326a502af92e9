"""Draw docs/images/discovery.png: the sheets of the portraits' groups, as a browser shows them.

Run ``lineament discover --out runs/portraits_discovered --samples 2500`` first; it needs Debian's chromium.
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent

if __name__ == "__main__":
    target = ROOT / "docs" / "images" / "discovery.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 920, "height": 1200})
        page.goto((ROOT / "runs" / "portraits_discovered" / "sheets.html").as_uri())
        page.locator("#s2").screenshot(path=target)
        browser.close()
    Image.open(target).convert("RGB").quantize(200).save(target, optimize=True)
