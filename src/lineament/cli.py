"""The command line: one function a verb. Heavy imports (torch above all) happen inside a verb, so help is instant."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from lineament.errors import LineamentError

__all__ = ["main"]


VERBS: dict[str, Callable[..., Any]] = {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, 1 for a job that failed, 2 for a call that was wrong."""
    try:
        tyro.extras.subcommand_cli_from_dict(VERBS, prog="lineament", args=arguments, description=__doc__)
    except LineamentError as error:
        print(f"lineament: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("lineament: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
