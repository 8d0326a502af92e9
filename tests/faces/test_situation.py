"""Each problem is told when it is there and only then, on a real photo spoilt in one way at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.measure import blur_effect

from lineament.cli import main
from lineament.errors import UsageError
from lineament.faces.detector import detect
from lineament.faces.landmarks import find
from lineament.faces.situation import Limits, Situation, assess, blur
from tests.data_root import data_root


def situation(image: NDArray[np.uint8], limits: Limits | None = None) -> Situation:
    return assess(image, find(image), limits or Limits())


@pytest.mark.parametrize("sigma", [0, 1, 4])
def test_blur_agrees_with_scikit_image(sigma: float) -> None:
    grey = gaussian_filter(np.random.default_rng(0).random((60, 50)).cumsum(0), sigma)
    assert blur(grey) == pytest.approx(blur_effect(grey, h_size=5), abs=1e-6)


def test_an_image_without_edges_counts_as_blurred() -> None:
    assert blur(np.full((60, 60), 99.0)) == 1


def test_without_a_face_nothing_of_a_face_is_measured() -> None:
    seen = assess(np.full((60, 80, 3), 200, np.uint8), [])
    assert list(seen.problems) == ["none"] and seen.luminance == pytest.approx(200)
    assert seen.eye_distance is seen.clipped is seen.blur is seen.yaw is seen.pitch is None
    assert seen.sentence == "No face is in the picture: look into the camera."


def test_a_dark_room_is_told_even_without_a_face() -> None:
    assert list(assess(np.full((60, 80, 3), 5, np.uint8), []).problems) == ["none", "dark"]


@pytest.mark.usefixtures("face_models")
class TestOnPhotos:
    def test_a_good_photo_has_no_problem(self, astronaut: NDArray[np.uint8]) -> None:
        seen = situation(astronaut)
        assert not seen.problems and seen.sentence == "One face, well visible."
        assert seen.eye_distance == pytest.approx(43, abs=2) and seen.faces == 1

    def test_two_faces(self, astronaut: NDArray[np.uint8]) -> None:
        seen = situation(np.concatenate([astronaut, astronaut], 1))
        assert seen.problems == {"several": "2 faces are in the picture: only one may be."}

    def test_small(self, astronaut: NDArray[np.uint8]) -> None:
        small = np.asarray(Image.fromarray(astronaut).resize((160, 160)))
        assert list(situation(small).problems) == ["too_small"]
        assert not situation(small, Limits(eye_distance=12)).problems

    def test_dark(self, astronaut: NDArray[np.uint8]) -> None:
        assert list(situation((astronaut * 0.2).astype(np.uint8)).problems) == ["dark"]

    def test_over_exposed(self, astronaut: NDArray[np.uint8]) -> None:
        assert list(situation(np.minimum(astronaut * 1.8, 255).astype(np.uint8)).problems) == ["over_exposed"]

    def test_blurred(self, astronaut: NDArray[np.uint8]) -> None:
        softer = gaussian_filter(astronaut, (0.08 * 43, 0.08 * 43, 0))
        assert list(situation(softer).problems) == ["blurred"]

    def test_turned(self, astronaut: NDArray[np.uint8]) -> None:
        from skimage.data import camera

        away = situation(np.repeat(camera()[:256, 100:356, None], 3, 2), Limits(eye_distance=0, blurred=1))
        assert list(away.problems) == ["turned"]  # the photographer stands in half profile, nose to the right
        assert away.yaw is not None and away.yaw > 40
        assert list(situation(astronaut, Limits(pitch=5)).problems) == ["turned"]

    def test_a_mirrored_face_turns_the_other_way(self, astronaut: NDArray[np.uint8]) -> None:
        seen, mirrored = situation(astronaut), situation(np.ascontiguousarray(astronaut[:, ::-1]))
        assert seen.yaw == pytest.approx(-(mirrored.yaw or 0), abs=3)
        assert seen.pitch == pytest.approx(mirrored.pitch, abs=3)

    def test_faces_without_landmarks_are_refused(self, astronaut: NDArray[np.uint8]) -> None:
        with pytest.raises(UsageError, match="needs landmarks"):
            assess(astronaut, detect(astronaut))

    def test_nearly_all_real_faces_are_usable_and_none_when_blurred(self) -> None:
        paths = sorted(data_root("orl_faces").glob("s*/1.pgm"))
        images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
        assert sum(not situation(image).problems for image in images) >= 39
        softer = [gaussian_filter(image, (3, 3, 0)) for image in images[::4]]
        assert all(situation(image).problems for image in softer)

    def test_the_command_draws_and_reports(
        self, tmp_path: Path, astronaut: NDArray[np.uint8], capsys: pytest.CaptureFixture[str]
    ) -> None:
        Image.fromarray(astronaut).save(tmp_path / "photo[1].png")
        Image.new("RGB", (40, 30)).save(tmp_path / "black.png")
        names = [str(tmp_path / "photo[1].png"), str(tmp_path / "black.png")]
        assert main(["faces", "show", *names, "--out", str(tmp_path / "page.png"), "--json"]) == 0
        photo, black = json.loads(capsys.readouterr().out)
        assert photo["picture"] == names[0] and len(photo["faces"]) == 1 and photo["situation"]["problems"] == {}
        assert black["faces"] == [] and list(black["situation"]["problems"]) == ["none", "dark"]
        with Image.open(tmp_path / "page.png") as page:
            assert page.size == (1100, 840)
        assert main(["faces", "show", names[1]]) == 0
        assert "No face is in the picture" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["faces", "show"], ["faces", "show", "absent.png"]])
def test_the_command_says_what_is_missing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(arguments)
    assert code == (2 if len(arguments) == 2 else 1)
    assert capsys.readouterr().err.startswith("lineament: ")
