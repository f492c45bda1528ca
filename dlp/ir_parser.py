"""xDSL's parser, but for what it reads wrongly."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import AnyFloat, ComplexType, IndexType, IntegerType
from xdsl.parser import AttrParser, Parser


class IRParser(Parser):
    """Reads hexadecimal floats in `dense<...>` as bits.

    MLIR, and xDSL's printer, write so what has no exact decimal: `dense<0xFF800000>` is minus infinity. xDSL's parser
    takes it for the integer 4286578688, so that what xDSL prints would come back as something else.
    """

    @dataclass
    class _TensorLiteralElement(AttrParser._TensorLiteralElement):  # pyright: ignore[reportPrivateUsage]
        def to_type(self, parser: AttrParser, type: AnyFloat | IntegerType | IndexType | ComplexType):
            if isinstance(type, AnyFloat) and isinstance(self.value, int) and self.span.text.startswith("0x"):
                bits = self.value.to_bytes(type.compile_time_size, "little")
                return type.unpack(bits, 1)[0]
            return super().to_type(parser, type)
