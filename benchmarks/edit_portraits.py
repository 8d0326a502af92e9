"""Do edits do what they say, and nothing else? Portraits, whose true styles are known and which can be rendered again.

Oracle, editors, validation, test and references have people of seeds of their own; the oracle is a network that no
editor has seen, and reads labels, styles and the person's parameters. A column of style, and a parameter of the
identity, counts if the oracle reads it off unedited test portraits with an R2 above 0.5.

- ``swap_success``, ``collateral``: each attribute in turn at the opposite of its label, as the oracle reads it; the
  latter is the mean absolute change of the probabilities of all its other labels.
- ``identity_kept``: 1 - (mean squared change) / (variance between images) of the person's parameters; ``outside``: the
  mean absolute change of a value where the truth changes nothing.
- ``borrow_color``, ``_shape``, ``_amount``: correlation of the style that the oracle reads on the result with the
  reference's true one, over the columns of a kind. ``borrow_retrieval_at_1``: the reference found among 32 by its
  choices, the shapes and colours that have names, of the attributes that have such; one of the same choices is as good.
  ``borrow_retrieval_whole``: by all that counts. Shades and lengths vary without steps, so that not even a true
  rendering tells one of 32 from the next.
- ``diversity_ratio``: distance of two draws where the attribute can be, over that of two true renderings;
  ``diversity_outside``: the distance elsewhere; ``draw_success``: the draws in which the oracle reads the attribute.
- ``probe_label_from_z``, ``probe_style_r2_from_z``, ``_from_a``, ``_from_other_a``: balanced accuracy and R2 of fresh
  probes that learn from the codes of other people whom nobody has seen; of z each column counts 0 at least; the last
  is the best of the other attributes' codes. Of a z of more than 512 numbers a random projection to as many is read.
- ``kid``, ``fid``: images with one attribute switched against the references', in the oracle's 256 features.

Beside the models stand ``truth`` (rendered again with the change: what can be reached), ``source copy`` (nothing was
changed) and ``class mean`` (the centroid for every code that comes: for Borrow instead of the reference's, for Swap
instead of the usual one).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import torch

from benchmarks.edit_figures import Method, Setting, figures, of_codes, of_model, of_truth, setting
from benchmarks.edit_renderings import loan, part
from benchmarks.edit_sheets import sheets
from benchmarks.edit_task import MODELS, Material, Plan, flags, mean, rows, trained
from benchmarks.harness import benchmark
from lineament.editing.editor import Editor
from lineament.editing.intervals import Drawn, interval
from lineament.editing.operations import AnyEditor, edit
from lineament.editing.oracle import Oracle, load, train_oracle
from lineament.editing.styles import STYLED, beside, person_matrix
from lineament.reproduction.memory import kept

HEADLINE = (
    *("swap_success", "collateral", "identity_kept", "outside", "reconstruction_l1", "reconstruction_ms_ssim"),
    *("probe_label_from_z", "probe_style_r2_from_z", "probe_style_r2_from_a", "probe_style_r2_from_other_a"),
    *("borrow_color", "borrow_shape", "borrow_amount", "borrow_retrieval_at_1", "borrow_retrieval_whole"),
    *("diversity_ratio", "diversity_outside", "draw_success"),
)
AHEAD = ("borrow_color", "borrow_shape", "borrow_retrieval_at_1")
"""What is held against peers and baselines on the same images, with an interval of the difference."""

VERSION = 2
"""To be raised when a figure is computed otherwise than before, or of other portraits."""

KINDS = ("figure ", "distance ")
"""How the names begin under which what was measured is kept."""

Figures = dict[str, Drawn]


def measure(*, quick: bool, seed: int, train: str | None) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    if train is not None:
        only(train, MODELS, quick, seed)
    given = setting(judge(quick, seed), quick, seed)
    found: dict[str, Figures] = {}
    table: list[dict[str, Any]] = []
    for name in ("lineament", "fader") if quick else MODELS:
        model, minutes = trained(Plan("portraits", name, seed, quick), material(quick, seed))
        table += of_one(name, of_model(model, given), model, given, found, minutes)
        if name == "lineament":
            table += baselines(model, given, found)
        show(Plan("portraits", name, seed, quick), model, given)
    return summary(found) | reading(given), table


def only(name: str, known: Sequence[str], quick: bool, seed: int) -> None:
    """Train and measure one, and leave."""
    if name == "oracle":
        judge(quick, seed)
    elif name in known:
        model, _ = trained(Plan("portraits", name, seed, quick), material(quick, seed))
        given = setting(judge(quick, seed), quick, seed)
        of_one(name, of_model(model, given), model, given, {})
    else:
        raise SystemExit(f"--train: unknown run {name!r}; known: oracle, {', '.join(known)}")
    raise SystemExit(0)


def judge(quick: bool, seed: int, name: str = "oracle") -> Oracle:
    """The oracle, trained first if there is none; ``name`` says on which of `edit_renderings.PEOPLE`."""
    folder = Plan("portraits", name.replace(" ", "-"), seed, quick).folder / "oracle"
    if folder.is_dir():
        return load(folder)
    print(f"portraits {name}", flush=True)
    known = part(name, quick, seed)
    labels = torch.from_numpy(known.data.labels)
    varied = [k for k in range(labels.shape[1]) if {0, 1} <= set(labels[:, k].tolist())]
    styles = beside(known.styles(*STYLED), person_matrix(known.data, np.arange(len(known.data))))
    names = [known.data.attributes[k] for k in varied]
    oracle = train_oracle(known.images, labels[:, varied], names, styles, seed=seed, epochs=2 if quick else 6)
    oracle.save(folder, data="portraits", licence=known.data.licence, training={"seed": seed})
    return oracle


@cache
def material(quick: bool, seed: int) -> Material:
    """What editors learn from."""
    known, others = part("editor", quick, seed), part("validation", quick, seed)
    card = {"data": "portraits, tossed", "licence": known.data.licence}
    return Material(known.images, known.labels, (others.images, others.labels), STYLED, card)


def of_one(
    name: str,
    method: Method,
    model: AnyEditor | None,
    given: Setting,
    found: dict[str, Figures],
    minutes: float = np.nan,
    *,
    by: AnyEditor | None = None,
) -> list[dict[str, Any]]:
    """Measure a method, keep its figures in ``found``, and give its rows.

    What was measured once, of these weights by this oracle, is read again; ``by`` is whose weights a method without
    codes of its own goes by.
    """

    def make() -> dict[str, torch.Tensor]:
        made, distances, leakage = figures(method, given)
        made |= of_codes(model, given) if model is not None else {}
        several = {f"figure {key}": torch.from_numpy(drawn) for key, drawn in made.items()}
        several |= {f"distance {key}": torch.tensor(value, dtype=torch.float64) for key, value in distances.items()}
        return several | ({} if leakage is None else {"leakage": torch.from_numpy(leakage)})

    place = Plan("portraits", "kept", given.seed, given.quick).folder
    measured = kept(place, make, VERSION, name, given.seed, by if model is None else model, given.judge)
    of = {kind: {k.removeprefix(kind): v for k, v in measured.items() if k.startswith(kind)} for kind in KINDS}
    found[name] = {key: value.numpy() for key, value in of["figure "].items()}
    distances = {key: float(value) for key, value in of["distance "].items()}
    table = rows(name, STYLED, found[name], **distances, minutes=minutes)
    for row, line in zip(table, measured.get("leakage", []), strict=False):
        row["leakage"] = dict(zip(given.judge.attributes, np.round(line.numpy(), 4).tolist(), strict=True))
    return table


def baselines(model: Editor, given: Setting, found: dict[str, Figures]) -> list[dict[str, Any]]:
    """The truth, and two that borrow nothing."""
    images = given.held.images
    average = deepcopy(model)
    average.usuals.copy_(average.centroids)
    begun = edit(images, average)
    methods = {
        "truth": (of_truth(given), None),
        "source copy": (Method(lambda i: images, lambda i: images), None),
        "class mean": (Method(of_model(average, given).switched, lambda i: begun.swap(STYLED[i]).images), model),
    }
    return [row for name, (method, by) in methods.items() for row in of_one(name, method, None, given, found, by=by)]


def show(plan: Plan, model: AnyEditor, given: Setting) -> None:
    """Grids of test portraits."""
    sheets(plan, model, given.held, lambda i, count: loan(i, count, given.quick, given.seed).images)


def summary(found: Mapping[str, Figures]) -> dict[str, float]:
    """Means over attributes, the others' beside them, and how far ours are ahead of those, with the low end of 95 %."""
    ours = found["lineament"]
    metrics = {key: float(mean(ours[key])[0]) for key in HEADLINE}
    metrics["min_swap_success"] = float(ours["swap_success"][0].min())
    metrics["max_collateral"] = float(ours["collateral"][0].max())
    for name, others in found.items():
        if name == "lineament":
            continue
        label = name.replace(" ", "_")
        metrics |= {f"{label}_{key}": float(mean(others[key])[0]) for key in HEADLINE if key in others}
        for key in AHEAD:
            ahead, low, _ = interval(mean(ours[key]) - mean(others[key]))
            metrics |= {f"{key}_ahead_of_{label}": float(ahead), f"{key}_ahead_of_{label}_low": float(low)}
    return {key: value for key, value in metrics.items() if np.isfinite(value)}


def reading(given: Setting) -> dict[str, float]:
    """How good the oracle is on test portraits as they are."""
    names, columns = list(given.judge.attributes), given.judge.columns
    read = given.before.log_odds[:, [names.index(name) for name in STYLED]] > 0
    right = (read == (given.test.labels == 1)).double().mean(0)
    r2 = {
        kind: [float(given.r2[k]) for k, column in enumerate(columns) if column.kind == kind]
        for kind in ("color", "shape", "amount")
    }
    scores = {f"oracle_{kind}_r2": float(np.mean(values)) for kind, values in r2.items()}
    lowest = {"oracle_min_accuracy": float(right.min()), "oracle_min_color_r2": min(r2["color"])}
    return {"oracle_accuracy": float(right.mean()), **lowest, **scores, "identity_parameters": float(len(given.person))}


if __name__ == "__main__":
    benchmark(
        "edit_portraits",
        "Swap, Diverse Swap and Borrow change an attribute of an unseen portrait, in its style, and nothing else",
        measure,
        arguments=flags,
    )
