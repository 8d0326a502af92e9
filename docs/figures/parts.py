"""Draw docs/images/parts_astronaut.png: the ten network crops of a photo in the public domain.

Run ``python docs/figures/parts.py`` after ``lineament faces fetch``; the photo comes with scikit-image.
"""

from pathlib import Path

from skimage.data import astronaut

from lineament.faces.drawing import Picture, page
from lineament.faces.landmarks import find
from lineament.faces.situation import assess

if __name__ == "__main__":
    photo = astronaut()
    faces = find(photo)
    figure = page([Picture("skimage.data.astronaut()", photo, faces, assess(photo, faces))])
    figure.savefig(Path(__file__).resolve().parent.parent / "images" / "parts_astronaut.png", dpi=110)
