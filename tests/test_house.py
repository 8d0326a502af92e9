"""The house stands as drawn: who may import whom, what is never imported, how long a room may be, how fast help is."""

import ast
import importlib
import inspect
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lineament

SOURCE = Path(lineament.__file__).parent
ROOT = SOURCE.parent.parent

FLOORS = [  # from the ground up; those of one line do not know each other
    {"errors"},
    {"images", "artifacts", "listening"},
    {"classifier", "report"},
    {"faces", "datasets", "training", "purifier"},
    {"detectors", "attacks", "alignment"},
    {"subject"},
    {"authentication", "editing", "explanation", "defense", "deployment"},
    {"dossier", "studio", "service", "reproduction"},
    {
        "cli_authentication",
        "cli_data",
        "cli_defense",
        "cli_editing",
        "cli_explanation",
        "cli_monitor",
        "cli_reproduction",
        "cli_service",
        "cli_studio",
    },
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NEVER = {"torchvision", "pickle", "dill", "cloudpickle", "marshal", "shelve"}
MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
OURS = sorted(
    path.relative_to(ROOT).as_posix() for folder in ("src", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)


def name_of(module: str) -> str:
    return ".".join(("lineament", *Path(module).with_suffix("").parts)).removesuffix(".__init__")


def run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``, which nothing ever runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield node
        yield from run_time(node)


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names a module imports, wherever in it."""
    for node in run_time(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: import by full name"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), path.name)


@pytest.mark.parametrize("module", MODULES)
def test_rooms_import_only_from_floors_below(module: str) -> None:
    own = Path(module).with_suffix("").parts[0]
    if own == "__init__":
        return
    assert own in FLOOR, f"{own}: a room without a floor; give it one in FLOORS and in docs/design.md"
    for name in imports(parse(SOURCE / module)):
        package, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if package == "lineament" and other in FLOOR and other != own:
            assert FLOOR[other] < FLOOR[own], f"{module} imports {name}, which is not below it"


@pytest.mark.parametrize("module", OURS)
def test_nothing_reads_pickles_or_needs_torchvision(module: str) -> None:
    tree = parse(ROOT / module)
    assert not {name.split(".")[0] for name in imports(tree)} & NEVER
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("torch.load", "joblib.load"), f"line {node.lineno} can read a pickle"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False", f"line {node.value.lineno} allows a pickle"


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_are_and_stay_short(module: str) -> None:
    text = (SOURCE / module).read_text()
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), "no module docstring"
    assert len(text.splitlines()) <= 320, "over 320 lines: two ideas in one file?"


@pytest.mark.parametrize("module", MODULES)
def test_public_names_exist_and_say_what_they_do(module: str) -> None:
    made = importlib.import_module(name_of(module))
    for name in getattr(made, "__all__", []):
        member = getattr(made, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            text = inspect.getdoc(member) or ""
            assert text and not text.startswith(f"{name}("), f"{name} has no docstring of its own"


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_every_module_imports_without_torchvision() -> None:
    names = [name_of(module) for module in MODULES]
    done = run(f"import sys; sys.modules['torchvision'] = None\nfor name in {names}: __import__(name)")
    assert done.returncode == 0, done.stderr


HELP = """
import sys
from lineament.cli import main
try:
    main(["--help"])
except SystemExit as done:
    assert not done.code, done.code
assert "torch" not in sys.modules, "help imports torch"
"""


def test_help_answers_within_a_second_and_without_torch() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(HELP)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0 and "lineament" in done.stdout, done.stderr
        # the processor's time, which other work on the machine does not stretch
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 1, f"lineament --help took {min(seconds):.2f} s"
