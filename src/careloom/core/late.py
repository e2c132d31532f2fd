"""Modules of careloom that are loaded when something of them is asked for, so that a command pays only for what it uses.

The way of importing says when: `from careloom.services.operate import doctor` names a module, which is loaded at the first
`doctor.…`; `from careloom.services.operate.doctor import check_up` asks for something of it, and loads it now. Readers, type
checkers and import-linter see ordinary imports in both. Packages and what others wrote are always loaded at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # it loads importlib.resources, which no command needs to begin
    from importlib.abc import Loader

_PREFIX = "careloom."
_LOCK, _BEGUN = "__loading_lock__", "__loading_begun__"


class _Unloaded(ModuleType):
    """A module until something of it is asked for. A second thread that asks meanwhile waits for it."""

    def __getattribute__(self, name: str) -> Any:
        _ready(self)
        return ModuleType.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ready(self)
        ModuleType.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _ready(self)
        ModuleType.__delattr__(self, name)


def _ready(module: ModuleType) -> None:
    namespace: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    lock = namespace.get(_LOCK)
    if lock is not None:
        with lock:
            _load(module, namespace)


def _load(module: ModuleType, namespace: dict[str, Any]) -> None:
    """Load it, unless that was done, or is under way in this thread and it asks for something of itself."""
    if namespace.get(_BEGUN) is not False:
        return
    namespace[_BEGUN] = True
    try:
        namespace["__loader__"].exec_module(module)
    except BaseException as error:
        sys.modules.pop(namespace["__name__"], None)
        if not isinstance(error, AttributeError):
            raise
        # The import statement would take it for a name that the module lacks.
        raise ImportError(f"{namespace['__name__']} cannot be loaded: {error}") from error
    finally:
        module.__class__ = ModuleType
        namespace.pop(_BEGUN, None)
        namespace.pop(_LOCK, None)


class _LateLoader:
    """Stands before a module's own loader, which it asks when the time has come."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if (spec := module.__spec__) is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        module.__dict__.update({_LOCK: RLock(), _BEGUN: False})
        module.__class__ = _Unloaded


class _Finder:
    """Finds careloom's own modules; packages are loaded at once, since importing a part of one asks for it anyway."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_PREFIX):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations is None:
            spec.loader = cast("Loader", _LateLoader(spec.loader))
        return spec


def load_late() -> None:
    """Let careloom's modules be loaded when they are used, from now on in this process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # Before Python's own; what others put in front of that still sees every import first.
        sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder())


def offered(package: str, parts: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that offers names, each by its part: {"scoring": ("score",)} is `package.scoring.score`.

    The names are also imported under TYPE_CHECKING, where type checkers and import-linter see them.
    """
    home = {name: part for part, names in parts.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807 the language's own name
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
