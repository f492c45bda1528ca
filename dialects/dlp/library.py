"""Element-wise functions that C's library computes, lane by lane: correct everywhere, and not made for speed."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from xdsl.irdl import irdl_op_definition

from .body import BodyBuilder, Value
from .elementwise import BinaryOp, UnaryOp


class LibraryOp(UnaryOp, ABC):
    """A function of one floating-point element."""

    FUNCTION: ClassVar[str]
    """Its name in `math`."""

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.function(self.FUNCTION, args[0])


@irdl_op_definition
class AsinOp(LibraryOp):
    """Arc sine, in radians; NaN outside of [-1, 1]."""

    name = "dlp.asin"
    FUNCTION: ClassVar[str] = "asin"


@irdl_op_definition
class AcosOp(LibraryOp):
    """Arc cosine, in radians; NaN outside of [-1, 1]."""

    name = "dlp.acos"
    FUNCTION: ClassVar[str] = "acos"


@irdl_op_definition
class AtanOp(LibraryOp):
    """Arc tangent, in radians."""

    name = "dlp.atan"
    FUNCTION: ClassVar[str] = "atan"


@irdl_op_definition
class SinhOp(LibraryOp):
    """Hyperbolic sine."""

    name = "dlp.sinh"
    FUNCTION: ClassVar[str] = "sinh"


@irdl_op_definition
class CoshOp(LibraryOp):
    """Hyperbolic cosine."""

    name = "dlp.cosh"
    FUNCTION: ClassVar[str] = "cosh"


@irdl_op_definition
class AsinhOp(LibraryOp):
    """Inverse hyperbolic sine."""

    name = "dlp.asinh"
    FUNCTION: ClassVar[str] = "asinh"


@irdl_op_definition
class AcoshOp(LibraryOp):
    """Inverse hyperbolic cosine; NaN below 1."""

    name = "dlp.acosh"
    FUNCTION: ClassVar[str] = "acosh"


@irdl_op_definition
class AtanhOp(LibraryOp):
    """Inverse hyperbolic tangent; NaN outside of [-1, 1]."""

    name = "dlp.atanh"
    FUNCTION: ClassVar[str] = "atanh"


@irdl_op_definition
class TanOp(LibraryOp):
    """Tangent of radians."""

    name = "dlp.tan"
    FUNCTION: ClassVar[str] = "tan"


@irdl_op_definition
class Atan2Op(BinaryOp):
    """The angle of the point (operand 1, operand 0), -pi to pi."""

    name = "dlp.atan2"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.function("atan2", args[0], args[1])


@irdl_op_definition
class CopysignOp(BinaryOp):
    """The size of operand 0 with the sign of operand 1, that of zeros and NaN included."""

    name = "dlp.copysign"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.function("copysign", args[0], args[1])


OPS = (
    AsinOp, AcosOp, AtanOp, SinhOp, CoshOp, AsinhOp, AcoshOp, AtanhOp, TanOp, Atan2Op, CopysignOp,
)  # fmt: skip
