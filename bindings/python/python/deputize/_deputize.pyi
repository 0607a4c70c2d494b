# The extension module's types. What each does, its docstring says.

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, final, overload

from typing_extensions import Buffer, CapsuleType

from .errors import DeputizeError
from .shapes import (
    Actor,
    Asking,
    AuditRecord,
    Branch,
    Certificate,
    CheckItem,
    ClientCredentials,
    Dpop,
    DpopUse,
    Evaluation,
    Evaluations,
    ExchangeClaims,
    Expansion,
    FoundNamedAction,
    FoundNamedEntity,
    Inspection,
    Party,
    Presentation,
    QueryLimits,
    Question,
    Reason,
    SignedBy,
    Snapshot,
    Step,
    Tuple,
    WantedToken,
    Warning,
)

__all__ = [
    "BooleanArray",
    "Caller",
    "CheckAnswer",
    "Checked",
    "Decision",
    "Explanation",
    "Filtered",
    "Policy",
    "__version__",
    "_panic",
    "inspect",
    "verify_signature",
]

__version__: str

_T = TypeVar("_T")
_MaskT_co = TypeVar("_MaskT_co", covariant=True)

# Seconds since the Unix epoch, or a datetime with a time zone.
_Time: TypeAlias = float | datetime
_Tuples: TypeAlias = Sequence[Tuple]
_Context: TypeAlias = Mapping[str, Any]
_Scopes: TypeAlias = str | Sequence[str]
# `list` is a method of `Caller`.
_Names: TypeAlias = list[str]
_Body: TypeAlias = Mapping[str, Any] | str | Buffer

class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

# A NumPy array of str; NumPy need not be there to check types.
class _NumPyArray(Protocol):
    @property
    def dtype(self) -> Any: ...
    @property
    def itemsize(self) -> int: ...
    def tobytes(self) -> bytes: ...

# A Series or an Index of pandas.
class _PandasColumn(Protocol):
    @property
    def array(self) -> Any: ...
    def to_numpy(self, dtype: Any = None) -> Any: ...

@final
class Policy:
    @staticmethod
    def from_json(document: Snapshot | Mapping[str, Any] | str | Buffer) -> Policy: ...
    @staticmethod
    def from_compiled(image: Buffer) -> Policy: ...
    @staticmethod
    def from_file(path: str | PathLike[str]) -> Policy: ...
    def to_compiled(self) -> bytes: ...
    @property
    def revision(self) -> str: ...
    @property
    def issued_at(self) -> int | None: ...
    @property
    def not_after(self) -> int | None: ...
    @property
    def tuple_count(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def warnings(self) -> list[Warning]: ...
    def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> bool: ...
    def batch_check(
        self,
        items: Sequence[CheckItem],
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> list[CheckAnswer]: ...
    def list_objects(
        self,
        user: str,
        relation: str,
        type: str,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> list[str]: ...
    def list_users(
        self,
        object: str,
        relation: str,
        type: str,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> list[str]: ...
    def expand(
        self,
        relation: str,
        object: str,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> Expansion: ...
    def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> Explanation: ...
    @overload
    def filter(
        self,
        user: str,
        relation: str,
        objects: list[str] | tuple[str, ...],
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> Filtered[list[bool]]: ...
    @overload
    def filter(
        self,
        user: str,
        relation: str,
        objects: list[Any] | tuple[Any, ...] | _NumPyArray | _PandasColumn | _ArrowArray | _ArrowStream,
        *,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        tenant: str | None = None,
        limits: QueryLimits | None = None,
    ) -> Filtered[Any]: ...
    def verify(
        self,
        token: str,
        *,
        now: _Time | None = None,
        audience: str | None = None,
        dpop: Dpop | None = None,
        certificate: Certificate | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Caller: ...
    def verify_chain(
        self,
        tokens: Sequence[str],
        *,
        now: _Time | None = None,
        audience: str | None = None,
        dpop: Dpop | None = None,
        certificate: Certificate | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Caller: ...
    def caller(
        self,
        chain: str | Sequence[str],
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Caller: ...
    def decide(
        self,
        asking: str | Asking,
        question: Question,
        *,
        now: _Time | None = None,
        audience: str | None = None,
        dpop: Dpop | None = None,
        certificate: Certificate | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Decision: ...
    def replay(
        self,
        record: AuditRecord | Mapping[str, Any],
        *,
        token: str | None = None,
        presented: Presentation | None = None,
    ) -> Decision: ...
    def exchange(
        self,
        subject_token: str,
        *,
        now: _Time | None = None,
        subject: Presentation | None = None,
        actor_token: str | None = None,
        actor: Actor | None = None,
        wanted: WantedToken | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> ExchangeClaims: ...
    def client_credentials(
        self,
        principal: str,
        *,
        now: _Time | None = None,
        scope: str | None = None,
        audience: str | None = None,
        tenant: str | None = None,
    ) -> ClientCredentials: ...
    def evaluate(
        self,
        request: _Body,
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Evaluation: ...
    def evaluations(
        self,
        request: _Body,
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> Evaluations: ...
    def search_subjects(
        self,
        request: _Body,
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> FoundNamedEntity: ...
    def search_resources(
        self,
        request: _Body,
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> FoundNamedEntity: ...
    def search_actions(
        self,
        request: _Body,
        *,
        now: _Time | None = None,
        tenant: str | None = None,
        task: str | None = None,
        contextual_tuples: _Tuples | None = None,
        context: _Context | None = None,
        fixed_context: _Context | None = None,
        scopes: _Scopes | None = None,
    ) -> FoundNamedAction: ...
    def __copy__(self) -> Policy: ...
    def __deepcopy__(self, _memo: Any, /) -> Policy: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Caller:
    @property
    def subject(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def tenant(self) -> str | None: ...
    @property
    def chain(self) -> list[Party]: ...
    @property
    def scopes(self) -> dict[str, Any] | None: ...
    @property
    def time(self) -> int: ...
    @property
    def until(self) -> int | None: ...
    @property
    def fresh_until(self) -> int | None: ...
    @property
    def dpop(self) -> DpopUse | None: ...
    def can(
        self,
        action: str,
        resource: str,
        context: _Context | None = None,
        *,
        now: _Time | None = None,
    ) -> bool: ...
    def check(
        self,
        action: str,
        resource: str,
        context: _Context | None = None,
        *,
        now: _Time | None = None,
    ) -> Checked: ...
    def decide(
        self,
        action: str,
        resource: str,
        context: _Context | None = None,
        *,
        now: _Time | None = None,
    ) -> Decision: ...
    @overload
    def filter(
        self,
        action: str,
        resources: list[str] | tuple[str, ...],
        *,
        now: _Time | None = None,
    ) -> Filtered[list[bool]]: ...
    @overload
    def filter(
        self,
        action: str,
        resources: list[Any] | tuple[Any, ...] | _NumPyArray | _PandasColumn | _ArrowArray | _ArrowStream,
        *,
        now: _Time | None = None,
    ) -> Filtered[Any]: ...
    def list(self, action: str, type: str, *, now: _Time | None = None) -> _Names: ...
    def terms(self, action: str, type: str, *, now: _Time | None = None) -> _Names: ...
    def at(self, now: _Time | None = None) -> Caller: ...
    def under(self, policy: Policy, *, now: _Time | None = None) -> Caller: ...
    def with_tuples(self, contextual_tuples: _Tuples) -> Caller: ...
    def delegate(
        self,
        actor: str,
        *,
        now: _Time | None = None,
        scope: str | None = None,
        resources: Sequence[str] | None = None,
        audiences: Sequence[str] | None = None,
        lifetime: int | None = None,
        confirmation: Mapping[str, Any] | Literal["keep", "drop"] | None = None,
    ) -> ExchangeClaims: ...
    def __copy__(self) -> Caller: ...
    def __deepcopy__(self, _memo: Any, /) -> Caller: ...

@final
class Filtered(Generic[_MaskT_co]):
    @property
    def mask(self) -> _MaskT_co: ...
    @property
    def allowed(self) -> int: ...
    @property
    def dropped(self) -> dict[str, int]: ...
    def select(self, items: Iterable[_T]) -> list[_T]: ...
    def __bool__(self) -> bool: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...
    @classmethod
    def __class_getitem__(cls, _item: Any) -> Any: ...

@final
class BooleanArray:
    def __arrow_c_schema__(self) -> CapsuleType: ...
    def __arrow_c_array__(
        self, requested_schema: Any = None
    ) -> tuple[CapsuleType, CapsuleType]: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...
    def __bool__(self) -> bool: ...
    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> bool: ...

@final
class Checked:
    @property
    def allowed(self) -> bool: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def message(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class CheckAnswer:
    @property
    def allowed(self) -> bool: ...
    @property
    def error(self) -> DeputizeError | None: ...
    def __bool__(self) -> bool: ...

@final
class Decision:
    @property
    def allowed(self) -> bool: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def message(self) -> str: ...
    @property
    def branches(self) -> list[Branch] | None: ...
    @property
    def record(self) -> AuditRecord: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Explanation:
    @property
    def allowed(self) -> bool: ...
    @property
    def user(self) -> str: ...
    @property
    def because(self) -> Step: ...
    @property
    def error(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

def inspect(token: str, *, now: _Time | None = None, check_times: bool = True) -> Inspection: ...
def verify_signature(
    token: str,
    keys: Mapping[str, Any] | str | Buffer,
    *,
    algorithms: Sequence[str] | None = None,
    kid: str | None = None,
) -> SignedBy: ...
def _panic() -> bool: ...
