"""Train an editor: one loop, read top to bottom, in the symbols of chapter 3."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Int8, UInt8
from torch import Tensor, nn

from lineament.datasets.labelled import floats
from lineament.editing import objective
from lineament.editing.batch_edit import batch_edit
from lineament.editing.calibration import balance, choose_usual
from lineament.editing.centroids import Centroids
from lineament.editing.editor import Editor, change, composed, load, untrained
from lineament.editing.eraser import Eraser, painted_over
from lineament.editing.erasing import EraserConfig, opaque, train_eraser
from lineament.editing.label_reader import read, train_label_reader
from lineament.editing.networks import SIDE, CodeReader, Critic, Encoder, Generator, LabelReader, check_sides
from lineament.editing.presets import EditorConfig
from lineament.editing.rereading import read_codes, recoded, shown_style
from lineament.editing.sampling import batch, pools
from lineament.editing.style_reader import LEAST, StyleConfig, train_style_reader
from lineament.errors import JobError, UsageError
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["train_editor"]

EACH = 32
"""Validation images of each attribute and class, at most, that score a checkpoint."""


class Networks(nn.Module):
    """What makes codes and images: E, G, and H with the centroids."""

    def __init__(self, size: int, attributes: int, config: EditorConfig) -> None:
        super().__init__()
        drawing = {"latent": config.latent, "code": config.code, "width": config.width}
        self.encoder = Encoder(size, attributes, **drawing, masked=config.masked)
        self.generator = Generator(size, attributes, **drawing)
        self.centroids = Centroids(attributes, config.code, config.momentum)


def train_editor(
    images: UInt8[Tensor, "n channels height width"],
    labels: Int8[Tensor, "n attributes"],
    validation: tuple[UInt8[Tensor, "m channels height width"], Int8[Tensor, "m attributes"]],
    attributes: Sequence[str],
    config: EditorConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Editor:
    """Train ``config`` and write the artifact ``folder/editor``; a killed call, repeated, goes on.

    First an attribute classifier learns from real images, then the eraser from that, then how attributes look is
    learnt under the eraser's masks, then the editor from all.

    Args:
        images: RGB squares of 32 to 256 px, sides powers of 2.
        labels: 1 present, 0 absent, -1 unknown; both classes of every attribute must occur.
        validation: images and labels of other people; they choose the checkpoint.
        attributes: names of the columns.
        config: what to train.
        folder: of the run: metrics, checkpoints, the artifact, and the runs of what is trained before.
        seed: of weights and batches.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        The editor of the best checkpoint, on the CPU.

    Raises:
        UsageError: images of another shape, labels that do not fit, several processes, or a folder that holds another
            run.
        JobError: an attribute of one class only, or a training that diverged.
    """
    folder, size, L = Path(folder), images.shape[2], len(attributes)
    _check((images, labels), validation, attributes)
    known = pools(images, labels, attributes)
    facts = {"attributes": list(attributes), "images": len(images), "sha256": _fingerprint(images, labels)}
    where: dict[str, Any] = {"data": facts, "seed": seed, "device": device, "precision": precision}
    C = train_label_reader(
        known, folder / "classifier", width=config.critic_width, steps=config.classifier_steps, **where
    )
    R = train_eraser(known, C, EraserConfig.of(config), folder / "eraser", **where) if config.erase else None
    if R is not None:
        R.edge = config.edge  # to fill it learns at the usual one
    S = None
    if R is not None and config.masked and config.style_steps:
        S = train_style_reader(known, R, StyleConfig.of(config), folder / "styles", **where)
    run = Run(folder, config, **where | {"data": facts | {"validation": _fingerprint(*validation)}})
    torch.manual_seed(seed)
    networks, D = Networks(size, L, config), Critic(size, L, width=config.critic_width)
    if S is not None:
        networks.encoder.looks = S
    if config.edited and config.width == config.critic_width:  # styles are seen where attributes are
        networks.encoder.to_a[0].load_state_dict(C.layers[0].state_dict())
    readers = nn.ModuleList([CodeReader(config.latent * SIDE**2, L), CodeReader(config.code + L, L)])
    for network in (networks, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(networks, config.averaging).to(run.device)
    adam = [
        torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.5, 0.99), fused=True)
        for network in (networks, D, readers)
    ]
    networks, D, readers, *adam = run.prepare(networks, D, readers, *adam)
    states = {f"adam{i}": optimizer for i, optimizer in enumerate(adam)}
    run.track(networks=networks, D=D, readers=readers, average=average, **states)
    if run.finished(config.steps) and (folder / "editor").is_dir():
        return load(folder)
    parts = cast(Networks, run.accelerator.unwrap_model(networks))
    E, G, H = parts.encoder, parts.generator, parts.centroids
    C_inv, C_attr = cast(tuple[CodeReader, CodeReader], run.accelerator.unwrap_model(readers))
    half = run.accelerator.autocast
    solid = None if R is None else opaque(R, known, run.device)

    for step in run.steps(config.steps, "training editor"):
        for group in chain(*(optimizer.param_groups for optimizer in adam)):
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / config.steps))
        x, y, chosen = batch(known, config.batch, 0.5, run.device)
        with half():
            layers = None if R is None else R.layers(x)
            masks = None if R is None or layers is None else R.masks(layers)
            found = E.styles(x, masks)
            there = torch.where(y == 0.5, H.classify(found) > 0, y == 1)
            z = E.rest(x if R is None else R(x, masks, there))  # of what is left
        if not bool(found.isfinite().all()):
            raise JobError(f"{folder}: diverged at step {step}; delete the folder and try float32 or another seed")
        base = x if layers is None else painted_over(x, layers, (chosen & there).to(x.dtype))
        H.move(found.detach(), y)
        off = H.means[:, 0].expand_as(found)
        a = torch.where(there[:, :, None], found, off) if config.gated else found
        edit = batch_edit(a, y, chosen, H, measured=config.measured)
        left = torch.where((chosen & there)[:, :, None], off, a) if R is not None else a
        noisy = z + config.noise * torch.randn_like(z)
        with half():
            drawn, before, after = G(noisy.repeat(3, 1), torch.cat([a, left, edit.codes])).chunk(3)
        edited = composed(base, before.detach(), after) if config.detail else after
        fake = (edited, edit.labels, chosen) if config.edited else (drawn, y, y != 0.5)
        # D against E and G; C_inv and C_attr against E
        with half():
            real, false = D(torch.cat([x, fake[0].detach()]), torch.cat([y, fake[1]])).chunk(2)
        adversary = objective.discrimination(real[y != 0.5], false[fake[2]])
        if config.penalty and step % config.penalty_every == 0:
            seen = x.clone().requires_grad_(True)
            penalty = objective.gradient_penalty(D(seen, y)[chosen], seen)
            adversary = adversary + config.penalty / 2 * config.penalty_every * penalty
        run.backward(adversary)
        adam[1].step()
        adam[1].zero_grad()
        guessing = torch.zeros((), device=run.device)
        for _ in range(config.adversary_steps if config.inv or config.attr else 0):
            code = (z + config.noise * torch.randn_like(z)).detach().requires_grad_(True)
            from_z, from_a = C_inv(code), read_codes(C_attr, a.detach())
            guessing = objective.labelled(from_z, y) + objective.labelled(
                from_a.flatten(0, 1), y.repeat_interleave(L, 0)
            )
            if config.inv_penalty:
                guessing = guessing + config.inv_penalty * objective.gradient_penalty(from_z, code)
            run.backward(guessing)
            adam[2].step()
            adam[2].zero_grad()

        # E, G and H
        D.requires_grad_(False), readers.requires_grad_(False)
        focus = change(before, after).detach() if masks is None else _spread(masks, there)
        error: dict[str, Any] = {"kappa": config.kappa, "power": config.power, "weight": 1 + config.focus * focus}
        terms: dict[str, Tensor] = {"recon": objective.reconstruction(x, drawn, **error)}
        if config.cgan:
            with half():
                terms["cgan"] = objective.realism(D(fake[0], fake[1])[fake[2]])
        if config.edited:
            terms["edited"] = objective.labelled(read(C, edited, half), edit.labels)
        if config.inv:
            reading = C_inv(noisy)
            terms["inv"] = objective.undecided(reading) if config.undecided else objective.adversarial(reading, y)
        if config.attr:
            terms["attr"] = objective.others_undecided(read_codes(C_attr, a), y)
        terms["spec"] = objective.labelled(H.classify(found), y)
        terms["center"] = objective.center(found, y, H.means, H.sigma().detach())
        terms["prior"] = objective.prior(z, config.beta) + objective.prior(found, config.beta)
        if config.region:
            terms["region"] = (after - before).abs().mean()
        if config.recode:
            terms["recode"] = recoded(E, R, C_attr, drawn, y)
        if config.restore:
            with half():
                again = E.styles(edited.detach(), masks)  # the attributes left alone are where they were
                mixed = torch.where((chosen | (y == 0))[:, :, None], a, again)
                restored = G(noisy, mixed)
            terms["restore"] = objective.reconstruction(x, restored, **error)
        if config.same:
            with half():
                shown, given = shown_style(E, R, edited, chosen), edit.codes.detach()[chosen]
            terms["same"] = objective.same_code(shown, given[:, -shown.shape[1] :], (edit.labels[chosen] == 1).float())
        run.backward(torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum())
        adam[0].step()
        adam[0].zero_grad()
        D.requires_grad_(True), readers.requires_grad_(True)
        average.update_parameters(networks)
        run.log(adversary=adversary, guessing=guessing, **terms)
        if (step + 1) % max(1, config.steps // config.evaluations) == 0 or step + 1 == config.steps:
            candidate = _editor(cast(Networks, average.module), R, solid, attributes, size, config)
            run.keep_best(_score(candidate, C, validation, run), average.module.state_dict())

    best = Networks(size, L, config)
    best.load_state_dict(run.best_state())
    if run.is_main:
        schedule = {"seed": seed, "steps": run.step, "schedule": asdict(config)}
        editor = _editor(best, R, solid, attributes, size, config)
        balance(editor, *validation)
        if config.edited:
            choose_usual(editor, C, known, validation)
        editor.save(folder / "editor", training=schedule, **(card or {}))
    run.accelerator.wait_for_everyone()
    return load(folder)


def _spread(masks: Tensor, there: Tensor) -> Tensor:
    """How much more each pixel counts, ``(batch, 1, height, width)``: an attribute's alike, be it large or small."""
    own = masks * there[:, :, None, None, None]
    spread: Tensor = (own / own.mean((2, 3, 4), keepdim=True).clamp(min=LEAST)).sum(1)
    return spread


def _editor(
    networks: Networks,
    eraser: Eraser | None,
    solid: Tensor | None,
    attributes: Sequence[str],
    size: int,
    config: EditorConfig,
) -> Editor:
    """The editor of these weights, rounded to what an artifact holds; ``solid`` are its `opaque` attributes."""
    H = networks.centroids
    settings = {name: getattr(config, name) for name in ("latent", "code", "width", "masked", "edge")}
    editor = untrained(
        attributes, {"size": size} | settings, erases=eraser is not None, gated=config.gated, detail=config.detail
    )
    state = {k: v for k, v in networks.state_dict().items() if not k.startswith("centroids.")}
    state |= {f"eraser.{k}": v for k, v in eraser.state_dict().items()} if eraser else {}
    state["opaque"] = torch.zeros(len(attributes), dtype=torch.bool) if solid is None else solid
    state["planes"] = torch.cat([H.weights, H.biases[:, None]], 1)
    state["centroids"], state["usuals"] = H.means, H.means
    state["spreads"] = H.measured() if config.measured else H.isotropic()
    if config.gated:
        state["spreads"][:, 0] = 0  # absence has one code, and the generator has seen no other
    editor.load_state_dict({k: v.detach().half().to(v.dtype) if v.is_floating_point() else v for k, v in state.items()})
    return editor.to(H.means.device)


def _fingerprint(images: Tensor, labels: Tensor) -> str:
    digest = sha256(labels.numpy().tobytes())
    digest.update(images[:: max(1, len(images) // 64)].numpy().tobytes())
    return digest.hexdigest()


def _check(known: tuple[Tensor, Tensor], validation: tuple[Tensor, Tensor], attributes: Sequence[str]) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("an editor is trained by one process; start it without torchrun")
    for name, (images, labels) in (("images", known), ("validation", validation)):
        check_sides(tuple(images.shape[1:]))
        if labels.shape != (len(images), len(attributes)) or images.shape[1:] != known[0].shape[1:] or not len(images):
            raise UsageError(
                f"{name}: expected images of one size and a label of each of {len(attributes)} attributes, got "
                f"{tuple(images.shape)} and labels {tuple(labels.shape)}"
            )


@torch.no_grad()
def _score(editor: Editor, C: LabelReader, validation: tuple[Tensor, Tensor], run: Run) -> float:
    """Share of swaps of one attribute that C reads as asked, less five times the error of a drawing.

    Of each attribute and class equally many images count, for most real faces have no hat to take off.
    """
    images, labels = validation
    groups = [(labels[:, i] == c).nonzero()[:EACH, 0] for i in range(len(editor.attributes)) for c in (0, 1)]
    right: list[Tensor] = []
    error = []
    for number, rows in enumerate(groups):
        if not len(rows):
            continue
        x, (i, c) = floats(images[rows]).to(run.device), divmod(number, 2)
        codes = editor.encode(x)
        a = codes.a.clone()
        a[:, i] = editor.usual(i, 1 - c)
        read = C(editor.edit(x, codes, codes._replace(a=a)))[:, i]
        right.append(((read > 0) != bool(c)).float().mean())
        error.append((editor.decode(codes) - x).abs().mean())
    if not right:
        raise JobError("validation: every label is unknown, so no edit can be judged; give it images with labels")
    swaps, reconstruction = float(torch.stack(right).mean()), float(torch.stack(error).mean())
    run.record(swaps=swaps, reconstruction_l1=reconstruction)
    return swaps - 5 * reconstruction
