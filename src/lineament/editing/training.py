"""Train an editor: one loop, read top to bottom, in the symbols of chapter 3."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor, nn

from lineament.datasets.labelled import floats
from lineament.editing import objective
from lineament.editing.centroids import Centroids
from lineament.editing.editor import Editor, change, composed, load
from lineament.editing.networks import CodeReader, Critic, Encoder, Generator, check_sides
from lineament.editing.presets import EditorConfig
from lineament.errors import JobError
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["train_editor"]

VALIDATION_IMAGES = 256
"""At most as many images score a checkpoint."""


class Networks(nn.Module):
    """What makes codes and images: E, G, and H with the centroids."""

    def __init__(self, size: int, attributes: int, config: EditorConfig) -> None:
        super().__init__()
        drawing = {"latent": config.latent, "code": config.code, "width": config.width}
        self.encoder = Encoder(size, attributes, **drawing)
        self.generator = Generator(size, attributes, **drawing)
        self.centroids = Centroids(attributes, config.code, config.momentum)


class Target(NamedTuple):
    """What a batch is edited to.

    Attributes:
        chosen: ``(batch, attributes)`` which attributes change.
        codes: ``(batch, attributes, q)`` after the edit.
        labels: ``(batch, attributes)`` after the edit, 0.5 unknown.
    """

    chosen: Tensor
    codes: Tensor
    labels: Tensor


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

    Args:
        images: RGB squares of 16 to 256 px, sides powers of 2.
        labels: 1 present, 0 absent, -1 unknown; both classes of every attribute must occur.
        validation: images and labels of other people; they choose the checkpoint.
        attributes: names of the columns.
        config: what to train.
        folder: of the run: metrics, checkpoints, the artifact.
        seed: of weights and batches.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        The editor of the best checkpoint, on the CPU.

    Raises:
        UsageError: images of another shape, labels that do not fit, or a folder that holds another run.
        JobError: an attribute of one class only, or a training that diverged.
    """
    check_sides(tuple(images.shape[1:]))
    pools = _pools(labels, attributes)
    facts = {"attributes": list(attributes), "images": len(images), "sha256": _fingerprint(images, labels)}
    run = Run(folder, config, data=facts, seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    size, L = images.shape[2], len(attributes)
    networks = Networks(size, L, config)
    D = Critic(size, L, width=config.critic_width, conditional=not config.edited)
    C_inv = CodeReader(config.latent * 16, L)
    C_attr = CodeReader(config.code + L, L)
    for network in (networks, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(networks, config.averaging).to(run.device)
    readers = nn.ModuleList([C_inv, C_attr])
    adam = [
        torch.optim.Adam(n.parameters(), lr=config.learning_rate, betas=(0.5, 0.99)) for n in (networks, D, readers)
    ]
    networks, D, readers, *adam = run.prepare(networks, D, readers, *adam)
    run.track(networks=networks, D=D, readers=readers, average=average, **{f"adam{i}": o for i, o in enumerate(adam)})
    if run.finished(config.steps) and (Path(folder) / "editor").is_dir():
        return load(folder)
    parts = cast(Networks, run.accelerator.unwrap_model(networks))
    E, G, H = parts.encoder, parts.generator, parts.centroids
    C_inv, C_attr = (cast(CodeReader, reader) for reader in run.accelerator.unwrap_model(readers))

    for step in run.steps(config.steps, "training editor"):
        for group in chain(*(optimizer.param_groups for optimizer in adam)):
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / config.steps))
        x, y = _batch(images, labels, pools, config.batch, run.device)
        with run.accelerator.autocast():
            z, found = E(x)
        H.move(found.detach(), y)
        a = torch.where((y == 0)[:, :, None], H.means[:, 0], found) if config.gated else found
        target = _target(a, y, H, config)
        noisy = z + config.noise * torch.randn_like(z)
        with run.accelerator.autocast():
            drawn, changed = G(noisy.repeat(2, 1), torch.cat([a, target.codes])).chunk(2)
        edited = composed(x, drawn.detach(), changed) if config.detail else changed
        fake, fake_labels = (edited, target.labels) if config.edited else (drawn, y)
        if not bool(edited.isfinite().all()):
            raise JobError(f"{folder}: training diverged at step {step}; delete the folder and lower the learning rate")

        # D against E and G; C_inv and C_attr against E
        D.requires_grad_(True)
        with run.accelerator.autocast():
            (real, read), (false, _) = D(x, y), D(fake.detach(), fake_labels)
        adversary = config.cgan * objective.discrimination(real, false) + objective.labelled(read, y)
        if config.cgan and config.penalty and step % config.penalty_every == 0:
            seen = x.clone().requires_grad_(True)
            penalty = objective.gradient_penalty(D(seen, y)[0], seen)
            adversary = adversary + config.cgan * config.penalty / 2 * config.penalty_every * penalty
        run.backward(adversary)
        adam[1].step()
        adam[1].zero_grad()
        D.requires_grad_(False)
        C_inv.requires_grad_(True), C_attr.requires_grad_(True)
        for _ in range(config.adversary_steps if config.inv or config.attr else 0):
            code = (z + config.noise * torch.randn_like(z)).detach().requires_grad_(True)
            from_z = C_inv(code)
            guessing = objective.labelled(from_z, y) + objective.labelled(
                _read_codes(C_attr, a.detach()).flatten(0, 1), y.repeat_interleave(L, 0)
            )
            if config.inv_penalty:
                guessing = guessing + config.inv_penalty * objective.gradient_penalty(from_z, code)
            run.backward(guessing)
            adam[2].step()
            adam[2].zero_grad()
        C_inv.requires_grad_(False), C_attr.requires_grad_(False)

        # E, G and H
        moved = change(drawn, changed).detach()
        focus = 1 + config.focus * moved if config.focus else None
        error: dict[str, Any] = {"kappa": config.kappa, "power": config.power, "weight": focus}
        terms: dict[str, Tensor] = {"recon": objective.reconstruction(x, drawn, **error)}
        with run.accelerator.autocast():
            judged, read = D(fake, fake_labels)
        if config.cgan:
            terms["cgan"] = objective.realism(judged)
        if config.edited:
            terms["edited"] = objective.labelled(read, target.labels)
        if config.inv:
            terms["inv"] = (objective.undecided if config.undecided else _failing(y))(C_inv(noisy))
        if config.attr:
            terms["attr"] = objective.others_undecided(_read_codes(C_attr, a), y)
        terms["spec"] = objective.labelled(H.classify(found), y)
        terms["center"] = objective.center(found, y, H.means, H.sigma().detach())
        terms["prior"] = objective.prior(z, config.beta) + objective.prior(found, config.beta)
        if config.region:
            terms["region"] = (changed - drawn).abs().mean()
        if config.recode:
            terms["recode"] = _recoded(E, C_attr, drawn, y)
        if config.restore or config.same:
            hidden = edited.detach() + 0.03 * torch.randn_like(edited)  # nothing can be written into it unseen
            with run.accelerator.autocast():
                z_e, a_e = E(hidden)
                back = G(z_e + config.noise * torch.randn_like(z_e), a)
            terms["restore"] = objective.reconstruction(x, back, **error)
            present = (target.labels == 1).to(z.dtype)
            terms["same"] = (
                objective.same_code(z_e, z)
                + objective.same_code(a_e, target.codes.detach(), present)
                + objective.labelled(H.classify(a_e), target.labels)
            )
        run.backward(torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum())
        adam[0].step()
        adam[0].zero_grad()
        average.update_parameters(networks)
        run.log(adversary=adversary, **({"guessing": guessing} if config.inv or config.attr else {}), **terms)
        if (step + 1) % max(1, config.steps // config.evaluations) == 0 or step + 1 == config.steps:
            candidate = _editor(cast(Networks, average.module), attributes, size, config)
            run.keep_best(_score(candidate, D, validation, run), average.module.state_dict())

    best = Networks(size, L, config)
    best.load_state_dict(run.best_state())
    editor = _editor(best, attributes, size, config)
    if run.is_main:
        editor.save(
            Path(folder) / "editor",
            training={"seed": seed, "steps": run.step, "schedule": asdict(config)},
            **(card or {}),
        )
    run.accelerator.wait_for_everyone()
    return load(folder)


def _pools(labels: Tensor, attributes: Sequence[str]) -> list[Tensor]:
    """For each attribute and class the images of it: absent and present in turn."""
    pools = [(labels[:, i] == c).nonzero()[:, 0] for i in range(len(attributes)) for c in (0, 1)]
    for number, pool in enumerate(pools):
        if not len(pool):
            name, kind = attributes[number // 2], ("without", "with")[number % 2]
            raise JobError(f"labels: no image {kind} {name}; leave the attribute out, or add such images")
    return pools


def _batch(
    images: Tensor, labels: Tensor, pools: list[Tensor], count: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Images that show every class of every attribute about equally often, rare ones too, and their labels."""
    start = int(torch.randint(len(pools), ()))
    drawn = [pools[(start + k) % len(pools)] for k in range(count)]
    rows = torch.stack([pool[torch.randint(len(pool), ())] for pool in drawn])
    y = labels[rows].float()
    x = floats(images[rows]).contiguous(memory_format=torch.channels_last)
    return x.to(device), torch.where(y < 0, 0.5, y).to(device)


def _target(a: Tensor, y: Tensor, H: Centroids, config: EditorConfig) -> Target:
    """One attribute of half the images and each with a chance of a half of the others; borrowed, or drawn anew.

    What is borrowed comes from another image of the batch, whether it has the attribute or not; what is drawn is of
    the other class.
    """
    n, L, _ = a.shape
    one = torch.zeros_like(y).scatter_(1, torch.randint(L, (n, 1), device=y.device), 1.0)
    several = (torch.rand_like(y) < 0.5).to(y.dtype)
    chosen = torch.where(torch.rand(n, 1, device=y.device) < 0.5, one, several) > 0
    order = torch.roll(torch.arange(n, device=y.device), int(torch.randint(1, max(2, n), ())))
    wanted = torch.where(y == 0.5, (torch.rand_like(y) < 0.5).to(y.dtype), 1 - y)
    roots = H.measured() if config.measured else H.isotropic()
    if config.gated:
        roots = roots * torch.tensor([0.0, 1.0], device=y.device)[None, :, None, None]
    row = torch.arange(L, device=y.device)
    noise = torch.randn_like(a)
    fresh = H.means[row, wanted.long()] + torch.einsum("nlqr,nlr->nlq", roots[row, wanted.long()].detach(), noise)
    borrowed = (torch.rand_like(y) < 0.5) & (y[order] != 0.5)
    codes = torch.where(borrowed[:, :, None], a[order], fresh)
    labels = torch.where(borrowed, y[order], wanted)
    return Target(chosen, torch.where(chosen[:, :, None], codes, a), torch.where(chosen, labels, y))


def _read_codes(C_attr: nn.Module, a: Tensor) -> Float[Tensor, "batch attributes attributes"]:
    """What C_attr reads in each code; it is told which attribute's code it reads."""
    which = torch.eye(a.shape[1], device=a.device).expand(len(a), -1, -1)
    read: Tensor = C_attr(torch.cat([a, which], 2).flatten(0, 1)).view(len(a), a.shape[1], -1)
    return read


def _failing(y: Tensor) -> Any:
    return lambda logits: objective.adversarial(logits, y)


def _recoded(E: nn.Module, C_attr: nn.Module, drawn: Tensor, y: Tensor) -> Tensor:
    """Equation 3.4 in G's step: the drawn image's codes tell what the real one's do; E stays as it is."""
    kept = [p for p in E.parameters() if p.requires_grad]
    for parameter in kept:
        parameter.requires_grad_(False)
    codes = E(drawn)[1]
    for parameter in kept:
        parameter.requires_grad_(True)
    return objective.others_undecided(_read_codes(C_attr, codes), y)


def _editor(networks: Networks, attributes: Sequence[str], size: int, config: EditorConfig) -> Editor:
    """The editor of these weights, rounded to what an artifact holds."""
    settings = {"size": size, "latent": config.latent, "code": config.code, "width": config.width}
    H = networks.centroids
    drawing = {name: settings[name] for name in ("latent", "code", "width")}
    editor = Editor(
        Encoder(size, len(attributes), **drawing), Generator(size, len(attributes), **drawing), attributes, settings,
        gated=config.gated, detail=config.detail,
    )  # fmt: skip
    device = H.means.device
    state = {f"encoder.{k}": v for k, v in networks.encoder.state_dict().items()}
    state |= {f"generator.{k}": v for k, v in networks.generator.state_dict().items()}
    state["planes"] = torch.cat([H.weights, H.biases[:, None]], 1)
    state["centroids"], state["spreads"] = H.means, H.measured() if config.measured else H.isotropic()
    editor.load_state_dict({k: v.detach().half().to(v.dtype) if v.is_floating_point() else v for k, v in state.items()})
    return editor.to(device)


def _fingerprint(images: Tensor, labels: Tensor) -> str:
    digest = sha256(labels.numpy().tobytes())
    digest.update(images[:: max(1, len(images) // 64)].numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def _score(editor: Editor, D: nn.Module, validation: tuple[Tensor, Tensor], run: Run) -> float:
    """Share of swaps of one attribute that the critic reads as asked, less five times the error of a drawing."""
    images, labels = (part[:VALIDATION_IMAGES] for part in validation)
    right, error = [], []
    for part, known in zip(torch.split(images, 128), torch.split(labels, 128), strict=True):
        x, y = floats(part).to(run.device), known.to(run.device)
        codes = editor.encode(x)
        drawn = editor.decode(codes)
        error.append((drawn - x).abs().mean((1, 2, 3)))
        for i in range(len(editor.attributes)):
            a = codes.a.clone()
            a[:, i] = editor.centroids[i, (y[:, i] != 1).long()]
            changed = editor.decode(codes._replace(a=a))
            read = D(composed(x, drawn, changed) if editor.detail else changed, y.float())[1][:, i]
            right.append(((read > 0) == (y[:, i] != 1))[y[:, i] >= 0].float())
    swaps, reconstruction = float(torch.cat(right).mean()), float(torch.cat(error).mean())
    run.record(swaps=swaps, reconstruction_l1=reconstruction)
    return swaps - 5 * reconstruction
