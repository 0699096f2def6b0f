"""Are the tests worth anything? Change the code on purpose, one place at a time, and see.

`python -m tests.mutation [zones publish rules]` changes every join, filter, comparison and
column of `zones/`, every decision of `publish/` and every rule of `rules/`, runs the default
tests of that part on a copy of the tree, and lists what they let pass. It fails when one
survives that is not explained in `EXPLAINED`.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.rules.test_promises import broken_promises

ROOT = Path(__file__).parents[1]
# Loaded once, before the tree is copied and changed, so that a mutant takes seconds.
LIBRARIES = (
    "boto3",
    "duckdb",
    "great_expectations",
    "hypothesis",
    "moto.server",
    "moto.glue.responses",
    "pyiceberg.catalog.glue",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "pysail",
    "pyspark.sql.connect.session",
    "pytest",
)
FILES = {
    "zones": ("landing", "trusted", "curated", "__init__"),
    "publish": ("run", "runner", "report", "rehearsal"),
}
# The fast ones first: a mutant is killed by the first test that fails.
TESTS = {
    "zones": (
        "tests/zones/test_stedi.py",
        "tests/rules/test_promises.py",
        "tests/rules/test_rules.py::test_rules_agree_with_the_contract",
        "tests/zones/test_trusted.py",
        "tests/zones/test_curated.py",
    ),
    "publish": (
        "tests/publish/test_runner.py",
        "tests/publish/test_quarantine.py",
        "tests/entry/test_privacy.py::test_it_holds_pseudonyms_in_place_of_people",
    ),
    "publish/rehearsal": ("tests/entry/test_session.py",),
}
# So many changes of Python files at most, evenly chosen; all of them by default.
LIMIT = int(os.environ.get("MUTANTS", "0"))
# What survives, and why that is right.
EMPTY = (
    "what an empty table means when all revoked their consent is for a slow test to prove, "
    "tests/entry/test_revocation.py, of which this script would take too long"
)
EXPLAINED = {
    "zones/curated.py: \"left_semi\" -> 'inner'": "the rows are made distinct right after, and the "
    "other side has no column but the key: the same rows, made with more work",
}
EXPLAINED |= {
    f"publish/run.py: {change}": EMPTY
    for change in (
        "current.rows -> not (current.rows)",
        "staged.rows -> not (staged.rows)",
        "self._consent.concerns(table) -> not (self._consent.concerns(table))",
        "int(theirs.count()) < current.rows -> int(theirs.count()) <= current.rows",
        "rule.rule == ROW_COUNT -> rule.rule != ROW_COUNT",
    )
}

COMPARISONS = {
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
JOINS = {"left_semi": "inner", "inner": "left", "left": "inner", "right": "inner"}
DROPPED = ("where", "distinct")


@dataclass(frozen=True)
class Mutant:
    """One change: a file of the package, and the text that takes another's place in it."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())} -> {' '.join(self.new.split()) or '-'}"

    def source(self) -> str:
        text = (ROOT / "stedi_glue" / self.file).read_bytes()
        return (text[: self.start] + self.new.encode() + text[self.end :]).decode()


def mutants(file: str) -> Iterator[Mutant]:
    """Yield every change of a Python file."""
    text = (ROOT / "stedi_glue" / file).read_text(encoding="utf-8")
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def change(node: ast.expr, new: str) -> Mutant:
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        old = text.encode()[start:end].decode()
        return Mutant(file, node.lineno, start, end, old, new)

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            yield change(node, f"{left} {COMPARISONS[type(node.ops[0])]} {right}")
        elif isinstance(node, ast.BoolOp):
            word = " or " if isinstance(node.op, ast.And) else " and "
            yield change(node, f"({word.join(ast.unparse(value) for value in node.values)})")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield change(node, ast.unparse(node.operand))
        elif isinstance(node, ast.If | ast.IfExp) and not isinstance(
            node.test, ast.Compare | ast.UnaryOp | ast.BoolOp
        ):
            yield change(node.test, f"not ({ast.unparse(node.test)})")
        elif isinstance(node, ast.Call):
            yield from _calls(node, change)


def _calls(node: ast.Call, change: object) -> Iterator[Mutant]:
    assert callable(change)
    if isinstance(node.func, ast.Attribute) and node.func.attr in DROPPED:
        yield change(node, ast.unparse(node.func.value))
    if isinstance(node.func, ast.Name) and node.func.id == "Column":
        yield change(node, f"*({ast.unparse(node)},)[1:]")
        kind = node.args[1]
        other = "string" if ast.literal_eval(kind) != "string" else "bigint"
        yield change(kind, repr(other))
        if len(node.args) > 3:
            yield change(node.args[3], "False")
    for keyword in node.keywords:
        if keyword.arg == "how":
            yield change(keyword.value, repr(JOINS[ast.literal_eval(keyword.value)]))
        if keyword.arg == "personal":
            yield change(keyword.value, "False")


def survives(mutant: Mutant, part: str) -> bool:
    """Return whether the tests of a part pass on a changed copy of the tree."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("stedi_glue", "tests"):
            ignored = shutil.ignore_patterns("__pycache__", "benchmarks")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        shutil.copytree(ROOT / "rules", copy / "stedi_glue" / "rules", dirs_exist_ok=True)
        shutil.copy(ROOT / "setup.cfg", copy)
        (copy / "stedi_glue" / mutant.file).write_text(mutant.source(), encoding="utf-8")
        pid = os.fork()
        if not pid:
            _test(copy, _tests(mutant.file, part))
        return os.waitpid(pid, 0)[1] == 0


def _tests(file: str, part: str) -> tuple[str, ...]:
    return TESTS.get(file.removesuffix(".py"), TESTS[part])


def _test(copy: Path, files: tuple[str, ...]) -> None:
    """Run tests in this process, which is a fork, and end it with their exit code."""
    import pytest

    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "stedi_glue")]:
        del sys.modules[name]
    os._exit(pytest.main(["-x", "-k", "not spark", "-p", "no:cacheprovider", *files]))


def rules() -> Iterator[tuple[str, dict[str, list[dict[str, object]]]]]:
    """Yield every change of a rule: left out, softened or hardened, a bound moved by one."""
    folder = ROOT / "rules"
    whole = {f.stem: json.loads(f.read_text())["expectations"] for f in folder.glob("*.json")}
    assert not broken_promises(whole), "no change, no complaint"
    for table, expectations in whole.items():
        for number, rule in enumerate(expectations):
            name = f"rules/{table}.json, rule {number + 1}"
            others = expectations[:number], expectations[number + 1 :]

            def with_rules(
                *changed: dict[str, object], table: str = table, others: tuple = others
            ) -> dict[str, list[dict[str, object]]]:
                return {**whole, table: [*others[0], *changed, *others[1]]}

            yield f"{name}: left out", with_rules()
            severity = "warning" if rule["severity"] == "critical" else "critical"
            yield f"{name}: {severity}", with_rules({**rule, "severity": severity})
            if "meta" in rule:
                yield f"{name}: no quarantine", with_rules({**rule, "meta": {}})
                more = {"stedi": {"quarantine": 2 * rule["meta"]["stedi"]["quarantine"]}}
                yield f"{name}: twice the quarantine", with_rules({**rule, "meta": more})
            for bound in ("min_value", "max_value", "mostly", "column"):
                value = rule["kwargs"].get(bound)
                if isinstance(value, str | int | float):
                    moved = value + 1 if isinstance(value, int | float) else f"{value}s"
                    kwargs = {**rule["kwargs"], bound: moved}
                    yield f"{name}: {bound} {moved}", with_rules({**rule, "kwargs": kwargs})


def main(*parts: str) -> int:
    """Try the parts, by default all, and return 1 when something survives unexplained."""
    for name in LIBRARIES:
        import_module(name)
    tried: dict[str, bool] = {}
    if "rules" in parts:
        tried |= {name: not broken_promises(changed) for name, changed in rules()}
    work = [
        (mutant, part)
        for part in FILES
        if part in parts
        for file in FILES[part]
        for mutant in mutants(f"{part}/{file}.py")
    ]
    if 0 < LIMIT < len(work):
        work = [work[len(work) * number // LIMIT] for number in range(LIMIT)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Tests that fail by themselves would kill everything.
        sets = {_tests(mutant.file, part): (mutant, part) for mutant, part in work}
        same = [(replace(mutant, start=0, end=0, new=""), part) for mutant, part in sets.values()]
        assert all(pool.map(lambda w: survives(*w), same)), "no change, no failure"
        for (mutant, _), lives in zip(work, pool.map(lambda w: survives(*w), work), strict=True):
            tried[f"line {mutant.line}, {mutant}"] = lives
            print("survives" if lives else "killed  ", mutant.line, mutant, flush=True)  # noqa: T201
    left = [name for name, lives in tried.items() if lives]
    unexplained = [name for name in left if name.partition(", ")[2] not in EXPLAINED]
    print(f"{len(tried)} mutants, {len(tried) - len(left)} killed, {len(left)} survive")  # noqa: T201
    for name in left:
        why = EXPLAINED.get(name.partition(", ")[2], "NOT EXPLAINED")
        print(f"  {name}: {why}")  # noqa: T201
    return bool(unexplained)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ("zones", "publish", "rules"))))
