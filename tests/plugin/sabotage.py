"""Changes the process that hosts providers as a later Pulumi SDK or Python might, before any code of ours is loaded.

Each sabotage edits source text of the host, or of what the host stands on, while it is imported. Nothing of the package
under test is touched, so a test sees whether the bridge notices the change, and not only what it does afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import CodeType, ModuleType

VARIABLE = "LAB_SABOTAGE"
ROOT = Path(__file__).resolve().parents[2]
_FOLDER = ROOT / "tests" / "plugin" / "later_sdk"


@dataclass(frozen=True)
class Edit:
    """One change of a module's source: every match of `pattern`, of which there must be one, becomes `text`."""

    module: str
    pattern: str
    text: str


def _rename(name: str, new_name: str, *modules: str) -> tuple[Edit, ...]:
    return tuple(Edit(module, rf"\b{name}\b", new_name) for module in modules)


def _at_start(statement: str) -> tuple[Edit, ...]:
    """Run `statement` in the host after its classes are defined and before it serves anybody."""
    return (Edit(HOST, r"(?m)^def main\(", f"from tests.plugin import sabotage\n{statement}\n\n\ndef main("),)


HOST = "pulumi.dynamic.__main__"
_SERVICER = "DynamicResourceProviderServicer"
_POOL = "concurrent.futures.thread"
_CALLERS_OF_RPC = (HOST, "pulumi.runtime.rpc", "pulumi.runtime._callbacks")
_PROTO = "from pulumi.runtime.proto import"

SABOTAGES: dict[str, tuple[Edit, ...]] = {
    # What finds the request: the names of the handlers' arguments, and what these two objects can do.
    "request renamed": _rename("request", "message", HOST),
    "context renamed": _rename("context", "call", HOST),
    "context without trailers": _at_start(f"sabotage.narrow({_SERVICER}, context={{'set_trailing_metadata'}})"),
    "optional fields gone": _at_start(f"sabotage.narrow({_SERVICER}, request=sabotage.OPTIONAL_FIELDS)"),
    "deserializer renamed": _rename("deserialize_properties", "from_struct", *_CALLERS_OF_RPC),
    # What a partial result is made of and sent by.
    "serializer renamed": _rename("serialize_properties", "to_struct", *_CALLERS_OF_RPC),
    "properties renamed": (
        Edit(HOST, r"\brequest\.(?=(properties|news|olds)\b)", "request.renamed_"),
        *_at_start(f"sabotage.narrow({_SERVICER}, request=sabotage.PROPERTIES)"),
    ),
    "trailers refused": _at_start(f"sabotage.narrow({_SERVICER}, context_class=sabotage.RefusingContext)"),
    "status message gone": _at_start(f"{_PROTO} status_pb2; del status_pb2.Status"),
    # What the pool is found by, and what it grows by.
    "pool of another kind": (
        Edit(HOST, r"futures\.ThreadPoolExecutor\(max_workers=4\)", "sabotage.OtherPool(4)"),
        *_at_start(""),
    ),
    "worker's argument renamed": _rename("executor_reference", "pool_reference", _POOL),
    "pool's limit renamed": _rename("_max_workers", "_limit", _POOL),
    # What Cancel is hooked by.
    "servicer renamed": _rename(_SERVICER, "Servicer", HOST),
    "Cancel with a free variable": (Edit(HOST, r"def Cancel\(.*\):", r"\g<0>\n        __class__"),),
    # What the engine is found by, and spoken to with.
    "host's module renamed": _at_start("__spec__.name = 'pulumi.dynamic.host'"),
    "address taken out of argv": _at_start("del sys.argv[1:]"),
    "flag behind the address": _at_start("sys.argv.append('--verbose')"),
    "engine stub gone": _at_start(f"{_PROTO} engine_pb2_grpc; del engine_pb2_grpc.EngineStub"),
}


def environment(*names: str) -> dict[str, str]:
    """Return what a provider process needs in its environment to be sabotaged in these ways."""
    assert SABOTAGES.keys() >= set(names), names
    return {VARIABLE: ",".join(names), "PYTHONPATH": os.pathsep.join(map(str, (_FOLDER, ROOT)))}


def apply(names: str) -> None:
    """Edit the modules that the comma-separated sabotages concern, as soon as they are imported."""
    edits = [edit for name in names.split(",") for edit in SABOTAGES[name]]
    too_late = {edit.module for edit in edits} & set(sys.modules)
    if too_late:
        # An ordinary exception would be printed, and the process would go on without the sabotage.
        raise SystemExit(f"sabotage: {too_late} were imported before")
    sys.meta_path.insert(0, _Finder(edits))


class _Finder(MetaPathFinder):
    def __init__(self, edits: list[Edit]) -> None:
        self._edits = edits

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        edits = [edit for edit in self._edits if edit.module == fullname]
        spec = PathFinder.find_spec(fullname, path, target) if edits else None
        if spec is not None and spec.origin is not None:
            spec.loader = _EditingLoader(fullname, spec.origin, edits)
        return spec


class _EditingLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, edits: list[Edit]) -> None:
        super().__init__(fullname, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.get_filename(fullname)).read_text("utf-8")
        for edit in self._edits:
            source, count = re.subn(edit.pattern, edit.text, source)
            if not count:
                raise SystemExit(f"sabotage: {edit.pattern} is not in {fullname}")
        return compile(source, self.get_filename(fullname), "exec", dont_inherit=True)


# --- What the edited host calls ---------------------------------------------------------------------------------------

OPTIONAL_FIELDS = {"timeout", "old_inputs", "inputs"}
"""Fields of the engine's messages that a verb can do without."""
PROPERTIES = {"properties", "news", "olds"}
"""Fields of the engine's messages in which the pickled provider travels."""


class Narrowed:
    """An object without some of its attributes; who knows finds them under `renamed_` and their name."""

    def __init__(self, whole: Any, hidden: set[str]) -> None:
        self._whole = whole
        self._hidden = hidden

    def __getattr__(self, name: str) -> Any:
        if name in self._hidden:
            raise AttributeError(name)
        return getattr(self._whole, name.removeprefix("renamed_"))


class RefusingContext(Narrowed):
    """A gRPC context in which trailers are set in another way."""

    def set_trailing_metadata(self, *, trailers: dict[str, bytes]) -> None:
        self._whole.set_trailing_metadata(tuple(trailers.items()))


def narrow(
    servicer: type,
    *,
    request: Collection[str] = (),
    context: Collection[str] = (),
    context_class: type[Narrowed] = Narrowed,
) -> None:
    """Have the handlers of `servicer` called with a request and a context that lack these attributes."""
    for verb in ("Check", "Diff", "Create", "Read", "Update", "Delete"):
        setattr(servicer, verb, _narrowed(getattr(servicer, verb), set(request), set(context), context_class))


def _narrowed(
    handler: Callable[..., Any], request: set[str], context: set[str], context_class: type[Narrowed]
) -> Callable[..., Any]:
    # These arguments have names of their own: by the usual ones, the whole objects would be found here.
    def handle(servicer: Any, whole_message: Any, whole_call: Any) -> Any:
        return handler(servicer, Narrowed(whole_message, request), context_class(whole_call, context))

    return handle


class OtherPool(Executor):
    """Runs so many calls at a time, each on a thread of its own."""

    def __init__(self, size: int) -> None:
        self._free = threading.Semaphore(size)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        threading.Thread(target=self._run, args=(future, lambda: function(*args, **kwargs)), daemon=True).start()
        return future

    def _run(self, future: Future[Any], call: Callable[[], Any]) -> None:
        with self._free:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever holds the future
                future.set_exception(error)
