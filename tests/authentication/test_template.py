import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.authentication.template import MAX_BYTES, Template
from lineament.errors import JobError, LineamentError, UsageError

ONE = Template(
    user="Zoë", model="a" * 64, cohort="b" * 64, attributes=("Eyeglasses", "Male"), mean=np.array([0.1 + 0.2, np.nan]),
    deviation=np.array([0.5, 1 / 3]), occasions=2, images=7, typed=False, threshold=-1.25, fmr=0.01,
    fmr_interval=(0.0, 0.02), created="2026-11-22T16:00:00+00:00",
)  # fmt: skip


def test_bytes_read_back_bit_for_bit():
    again = Template.from_bytes(ONE.to_bytes())
    assert again == ONE and hash(again) == hash(ONE) and again.sha256 == ONE.sha256
    np.testing.assert_array_equal(again.mean, ONE.mean)
    assert again.mean[0] == 0.1 + 0.2 and again != replace(ONE, user="Zoe")


def test_a_template_cannot_be_changed():
    with pytest.raises(ValueError):
        ONE.mean[0] = 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"user": ""}, "user"),
        ({"model": "a" * 63}, "model"),
        ({"attributes": ("Male", "Male")}, "attributes"),
        ({"mean": np.full(2, np.nan)}, "mean"),
        ({"mean": np.array([np.inf, 0])}, "mean"),
        ({"deviation": np.array([0.0, 1])}, "deviation"),
        ({"images": 0}, "images"),
        ({"threshold": float("nan")}, "threshold"),
        ({"fmr": 1.0}, "fmr"),
        ({"fmr_interval": (0.3, 0.2)}, "fmr_interval"),
        ({"created": "yesterday"}, "created"),
    ],
)
def test_what_no_enrolment_gives_is_refused(change, told):
    with pytest.raises(UsageError, match=told):
        replace(ONE, **change)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, ONE.to_bytes()[:-1], ONE.to_bytes() + b" ",
     b" " * (MAX_BYTES + 1), ONE.to_bytes().replace(b'"format":1', b'"format":2'),
     ONE.to_bytes().replace(b'"images":7', b'"images":7,"more":1'), ONE.to_bytes().replace(b'"images":7,', b""),
     ONE.to_bytes().replace(b'"typed":false', b'"typed":0'), ONE.to_bytes().replace(b"-1.25", b"NaN"),
     ONE.to_bytes().replace(b"-1.25", b"1e999"), ONE.to_bytes().replace(b'["Eyeglasses","Male"]', b'"EM"')],
)  # fmt: skip
def test_other_bytes_are_refused_with_a_job_error(content):
    with pytest.raises(JobError, match=r"^template: "):
        Template.from_bytes(content)


@given(st.data())
def test_hostile_bytes_never_raise_anything_else(data):
    content = bytearray(ONE.to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = Template.from_bytes(bytes(content))
    except LineamentError as error:
        assert isinstance(error, JobError)
    else:
        assert read.to_bytes() == bytes(content)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(list(json.loads(ONE.to_bytes()))), x)))  # fmt: skip
def test_hostile_values_never_raise_anything_else(value):
    plain = json.loads(ONE.to_bytes())
    changed = plain | value if isinstance(value, dict) else dict.fromkeys(plain, value) | {"format": 1}
    with suppress(JobError):
        Template.from_bytes(json.dumps(changed, sort_keys=True, separators=(",", ":")).encode())
