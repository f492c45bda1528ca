"""xDSL's parser, but for what it reads wrongly."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, ComplexType, IndexType, IntegerType
from xdsl.parser import AttrParser, Parser
from xdsl.parser.generic_parser import ParserState
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRLexer


class _Lexer(MLIRLexer):
    """Finds in one pass that a string has no end; xDSL's expression tries all ways to cut it into pieces."""

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')


class IRParser(Parser):
    """Reads hexadecimal floats in `dense<...>` as bits, and gives up on a string without an end at once.

    MLIR, and xDSL's printer, write so what has no exact decimal: `dense<0xFF800000>` is minus infinity. xDSL's parser
    takes it for the integer 4286578688, so that what xDSL prints would come back as something else.
    """

    def __init__(self, ctx: Context, input: str | bytes, name: str = "<unknown>") -> None:
        text = input.decode() if isinstance(input, bytes) else input
        # What Parser does, which offers no place for another lexer.
        super(Parser, self).__init__(ParserState(_Lexer(Input(text, name))), ctx)
        self.ssa_values = {}
        self.blocks = {}
        self.forward_block_references = defaultdict(list)
        self.forward_ssa_references = {}

    @dataclass
    class _TensorLiteralElement(AttrParser._TensorLiteralElement):  # pyright: ignore[reportPrivateUsage]
        def to_type(self, parser: AttrParser, type: AnyFloat | IntegerType | IndexType | ComplexType):
            if isinstance(type, AnyFloat) and isinstance(self.value, int) and self.span.text.startswith("0x"):
                bits = self.value.to_bytes(type.compile_time_size, "little")
                return type.unpack(bits, 1)[0]
            return super().to_type(parser, type)
