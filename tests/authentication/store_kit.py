"""What the tests of vault, store and its verbs share: cheap passphrases, templates, and a way behind a store's back."""

import numpy as np
from sqlalchemy import create_engine, text

from lineament.authentication import vault
from lineament.authentication.template import Template

PASSPHRASE = "correct horse"
MODEL, OTHER = "a" * 64, "b" * 64
ATTRIBUTES = tuple(f"Attribute_{i}" for i in range(300))  # some 8 kB, so that it does not fit on one page


def template(user: str, model: str = MODEL, images: int = 3) -> Template:
    mean = np.random.default_rng(images).normal(size=len(ATTRIBUTES))
    return Template(
        user=user, model=model, cohort="c" * 64, attributes=ATTRIBUTES, mean=mean, deviation=np.exp(mean), occasions=1,
        images=images, typed=False, threshold=1.5, fmr=0.01, fmr_interval=(0.005, 0.02),
        created="2026-11-22T16:00:00+00:00",
    )  # fmt: skip


def cheap() -> None:
    """Make passphrases cost nothing; a store keeps the cost it was made with, so other processes follow."""
    vault.ITERATIONS, vault.LANES, vault.MEMORY = 1, 1, 8


def sql(url: str, statement: str, **values: object) -> list[tuple]:
    """Do to a database what a store would not."""
    place = f"sqlite:///{url}" if "://" not in url else url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(place)
    with engine.begin() as connection:
        done = connection.execute(text(statement), values)
        rows = [tuple(row) for row in done] if done.returns_rows else []
    engine.dispose()
    return rows
