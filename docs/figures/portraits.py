"""Draw docs/images/portraits.png: people, one person's days, and one portrait with one thing changed at a time."""

from pathlib import Path

import numpy as np
from PIL import Image

from lineament.datasets.portraits import counterfactual, render, sample_scene

SIDE, GAP = 112, 6

plain = sample_scene(seed=0, person=11)
plain = counterfactual(plain, Eyeglasses=False, Wearing_Hat=False, Blurry=False, Smiling=False, Bangs=False)
changes = [
    {},
    {"Eyeglasses": True, "eyeglasses_shape": "round"},
    {"Wearing_Hat": True},
    {"Smiling": True},
    {"Bangs": True},
    {"Gray_Hair": True},
    {"Wearing_Earrings": True},
    {"Wearing_Lipstick": True},
    {"Rosy_Cheeks": True},
    {"Young": False},
]
rows = [
    [render(sample_scene(seed=0, person=p), SIDE) for p in range(10)],
    [render(sample_scene(seed=0, person=p), SIDE) for p in range(20, 30)],
    [render(sample_scene(seed=0, person=5, session=s // 2, image=s), SIDE) for s in range(10)],
    [render(counterfactual(plain, **change), SIDE) for change in changes],
]
sheet = np.full((len(rows) * (SIDE + GAP) - GAP, 10 * (SIDE + GAP) - GAP, 3), 255, np.uint8)
for y, row in enumerate(rows):
    for x, image in enumerate(row):
        top, left = y * (SIDE + GAP), x * (SIDE + GAP)
        sheet[top : top + SIDE, left : left + SIDE] = image
Image.fromarray(sheet).save(Path(__file__).parent.parent / "images" / "portraits.png")
