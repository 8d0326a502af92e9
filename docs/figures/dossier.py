"""Draw docs/images/dossier.png: the head of the page that `make demo` writes, as a browser shows it.

Run ``make demo`` and then ``.venv/bin/python docs/figures/dossier.py``; it needs Debian's chromium.
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent

if __name__ == "__main__":
    target = ROOT / "docs" / "images" / "dossier.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1660})
        page.goto((ROOT / "dossier.html").as_uri())
        page.screenshot(path=target)
        browser.close()
    Image.open(target).convert("RGB").quantize(200).save(target, optimize=True)
