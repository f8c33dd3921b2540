"""Pytest beside mutants: a server that has collected the tests forks one child for each, and each child is thrown away.

Most mutants change the body of a function. Such a body is put in place of the other in a child of the server, which then
runs the chosen tests: that costs hundredths of a second. What runs at the import (tables, classes, defaults) needs an
import: such a mutant is met in a child of the parent, which has imported what others wrote and nothing of ours.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
OURS = ("wsgi", "shared", "payments", "portal", "backoffice", "tests")

ARGUMENTS = (
    *("-s", "-q", "--no-header", "--assert=plain", "--timeout=0", "--hypothesis-seed=0"),
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
)


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant when its module is asked for."""

    def __init__(self, module: str, source: str) -> None:
        self._name = module.removesuffix(".py").replace("/", ".")
        self._path = str(REPOSITORY / module)
        self._source = source

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def create_module(self, spec: Any) -> None:  # noqa: ARG002
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102


class Quiet:
    """Hypothesis gives the same examples to every mutant, keeps none, and does not look for the simplest that fails."""

    def pytest_sessionstart(self) -> None:
        import hypothesis

        quiet = hypothesis.settings(
            hypothesis.settings.get_profile("any machine"),
            database=None,
            derandomize=True,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        )
        hypothesis.settings.register_profile("mutants", quiet)
        hypothesis.settings.load_profile("mutants")


class Light:
    """In place of tests/conftest.py, which imports the whole of Guichet: enough for tests of decisions, and quicker."""

    def __init__(self) -> None:
        import hypothesis

        hypothesis.settings.register_profile("any machine", deadline=None)

    @pytest.fixture(autouse=True)
    def _english(self) -> Iterator[None]:
        from shared.kit import words

        with words.speaking("en"):
            yield


class Server:
    """Instead of running the tests: lets the parent say what to do with those that were collected."""

    def __init__(self, serve: Callable[[pytest.Session], None]) -> None:
        self._serve = serve

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.testsfailed:
            self._serve(session)
        return True


class Watch:
    """How long each test takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            sys.stdout.write(f"\n{report.nodeid}\n{report.longreprtext}\n")


def serve(tests: Sequence[str], work: Callable[[pytest.Session], None], *, light: bool) -> int:
    """In a child: collect the tests, then do the work with them."""
    return _pytest(tests, [Quiet(), Server(work)], light=light)


def meet_at_import(module: str, source: str, tests: Sequence[str], *, light: bool) -> int:
    """In a child of the parent: run the tests on a mutant in this order until one fails."""
    sys.meta_path.insert(0, Instead(module, source))
    return _pytest(["-x", *tests], [Quiet()], light=light)


def _pytest(words: Sequence[str], plugins: list[object], *, light: bool) -> int:
    if light:
        return int(pytest.main([*ARGUMENTS, "--noconftest", *words], plugins=[Light(), *plugins]))
    return int(pytest.main([*ARGUMENTS, *words], plugins=plugins))


def learn(session: pytest.Session, modules: Sequence[str], answer: Path) -> int:
    """In a child of the server: run all tests on the clean code, and write down how long each takes and what it runs."""
    import coverage

    paths = {module: str(REPOSITORY / module) for module in modules}
    watch = Watch()
    tracer = coverage.Coverage(data_file=None, include=list(paths.values()), config_file=False)
    tracer.start()
    code = run(session, [item.nodeid for item in session.items], watch, before=tracer.switch_context)
    tracer.stop()
    if code != 0:
        return code
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", coverage.exceptions.CoverageWarning)  # none of these tests may touch a module
        data = tracer.get_data()
    lines = {module: data.contexts_by_lineno(path) for module, path in paths.items()}
    foreign = [
        name for name in sys.modules if name.split(".")[0] not in {*OURS, "__main__"} and not name.startswith("_pytest")
    ]
    answer.write_text(json.dumps({"seconds": watch.seconds, "lines": lines, "modules": foreign}))
    return code


def run(
    session: pytest.Session, chosen: Sequence[str], watch: Watch | None = None, before: Callable[[str], object] = len
) -> int:
    """In a child of the server: run the chosen tests in that order until one fails. Gives 1 when one did."""
    session.config.pluginmanager.register(watch or Watch())
    by_name = {item.nodeid: item for item in session.items}
    items = [by_name[name] for name in chosen]
    for item, following in zip(items, [*items[1:], None], strict=True):
        before(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            break
    session._setupstate.teardown_exact(None)
    return 1 if session.testsfailed else 0


def bodies(module: str, clean: str, source: str) -> dict[str, CodeType] | None:
    """The functions whose bodies a mutant changes, by qualified name; None when something else is changed as well."""
    path = str(REPOSITORY / module)
    changed: dict[str, CodeType] = {}

    def same(before: CodeType, after: CodeType) -> bool:
        """Whether two bodies of a module or class differ in nothing but the bodies of their functions."""
        if (before.co_code, before.co_names, len(before.co_consts)) != (
            after.co_code,
            after.co_names,
            len(after.co_consts),
        ):
            return False
        for one, other in zip(before.co_consts, after.co_consts, strict=True):
            if not isinstance(one, CodeType):
                if (type(one), one) != (type(other), other):
                    return False
            elif one.co_flags & 2 == 0:  # not a function: a class
                if not same(one, other):
                    return False
            elif _told(one) != _told(other):
                if other.co_name.startswith("<"):  # a comprehension or a lambda runs, or is kept, where it stands
                    return False
                changed[other.co_qualname] = other
        return True

    one, other = (compile(text, path, "exec", dont_inherit=True) for text in (clean, source))
    return changed if same(one, other) and len(changed) == 1 else None


def _told(code: CodeType) -> tuple[Any, ...]:
    consts = tuple(_told(each) if isinstance(each, CodeType) else (type(each), each) for each in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, consts, code.co_exceptiontable)


def functions(module: str, changed: Mapping[str, CodeType]) -> list[FunctionType]:
    """The functions here that have one of these bodies."""
    path = str(REPOSITORY / module)
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, FunctionType)
        and thing.__code__.co_filename == path
        and thing.__code__.co_qualname in changed
    ]


def replace(module: str, changed: Mapping[str, CodeType]) -> bool:
    """In a child of the server: put the bodies in place. False when no such function is there."""
    found = functions(module, changed)
    for function in found:
        function.__code__ = changed[function.__code__.co_qualname]
    return bool(found)


@contextmanager
def instead(module: str, changed: Mapping[str, CodeType]) -> Iterator[bool]:
    """The bodies are in place for a moment. False when no such function is there."""
    before = [(function, function.__code__) for function in functions(module, changed)]
    replace(module, changed)
    try:
        yield bool(before)
    finally:
        for function, code in before:
            function.__code__ = code


def item_of(session: pytest.Session, name: str) -> pytest.Item:
    """A test that was collected, by its name."""
    return next(item for item in session.items if item.nodeid == name)


def fork(work: Callable[[], int], output: Path) -> int:
    """Do work in a child of its own session, its output in a file; gives the child's number."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = work()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  # the child must end here, whatever the mutant does
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        code = 71
    finally:
        os._exit(code)
