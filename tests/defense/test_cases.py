"""What of a detector is attacked: the best attributes, people of their own, the detector's own decisions."""

import torch

from lineament.datasets.portraits import portraits
from lineament.defense.cases import cases, clean_images
from lineament.defense.trivial import blurred
from lineament.detectors.detector import shipped
from lineament.subject import Subject
from tests.toy_subject import subject as toy_subject


def test_attributes_come_from_the_best_each_with_people_of_its_own():
    subject = Subject(portraits(people=60, images_per_person=3, size=64, seed=3), shipped(), quick=True)
    clean = clean_images(subject, 10)
    found = cases(subject, clean, blurred()(clean), 6)
    assert len(found) == 2 and all(2 <= len(case.labels) <= 6 for case in found)
    test = subject.readings("test").dataset
    who = [test.identity[test.names.index(name)] for case in found for name in case.names]
    assert len(set(who)) == len(who)
    for case in found:
        column = test.attributes.index(case.attribute)
        assert [test.labels[test.names.index(name), column] for name in case.names] == case.labels.tolist()
        assert case.classifier.differentiable and case.images.shape[1:] == (3, 64, 64)


def test_a_decision_is_the_detectors_own():
    subject = toy_subject()
    subject.detector.thresholds[:] = 0.3
    clean = clean_images(subject, 8)
    for case in cases(subject, clean, clean, 6):
        at = subject.detector.attributes.index(case.attribute)
        said = subject.detector.probabilities(case.images)[:, at] >= 0.3
        assert torch.equal(case.classifier(case.images).argmax(1), said.long())


def test_an_attribute_that_the_purifier_destroys_comes_last():
    subject = toy_subject()
    subject.quick = False
    clean = clean_images(subject, 12)
    first = cases(subject, clean, clean, 6)[0].attribute
    at = subject.detector.attributes.index(first)
    flipped = clean.clone()
    corner = (slice(0, 12) if at < 2 else slice(12, 24), slice(0, 12) if at % 2 == 0 else slice(12, 24))
    flipped[:, :, corner[0], corner[1]] = 1 - flipped[:, :, corner[0], corner[1]]
    assert cases(subject, clean, flipped, 6)[0].attribute != first


def test_clean_images_are_of_different_people():
    subject = toy_subject()
    assert clean_images(subject, 5).shape == (5, 3, 24, 24) and len(clean_images(subject, 500)) == 18
