#pragma once

#include <string>
#include <string_view>

#include "loader/ir/graph.h"

// The text form of a graph: one statement per line; `#` starts a comment.
//
//   range s0 = 2..4096                       # either bound may be omitted
//   module layers.0 key(k) type(nn.Linear)   # optional, for frames below
//   input %x: float32[s0=2, 16]              # named "x"
//   input mask = %m: bool[s0=2, 1] keyword   # named "mask"
//   parameter w = %p_w: float32[16, 16] grad alias(head.w, tail.w)
//   parameter tail.v = %p_v: float32[16, 16] strides(1, 16) memory(w)
//   buffer bn.mean = %b: float32[16] transient
//   constant c = %c: int64[]
//   %t: float32[16, 16] strides(1, 16) grad = aten.t.default(self=%p_w)
//   %n: int(s0=2) = aten.sym_size.int(self=%x, dim=0)
//   [%a: float32[s0=2, 8] strides(16, 1), _] = aten.split.Tensor(
//       self=%x, split_size=8, dim=-1) @ layers.0 / layers.0.attn !nograd
//   aten.add_.Tensor(self=%c, other=1) !writes(%c)
//   output logits = %t
//   mutate bn.mean = %b2
//
// types      TENSOR | tensor (its sizes are unknown) | int | float | bool |
//            str | device | none | dict | object | list[TYPE] | tuple[TYPE,
//            ...]; int, float and bool may carry a symbol: int(s0=2)
// TENSOR     DTYPE[DIM, ...], then any of: strides(DIM, ...)  offset(DIM)
//            device(cuda:0)  layout(sparse)  grad. Without strides the
//            tensor is contiguous.
// DIM        16 | s0=2 | "2*s0"=4: an expression and its hint
// results    %v: TYPE, ...; a list result is in brackets; `_` is a dropped
//            result; if there are no results, the line starts with the operator
// arguments  with or without a name; `*` switches between positional and
//            keyword arguments
// values     none true false 3 0.5 inf nan "text" %v float32 complex(1.0, 2.0)
//            device(cpu) layout(strided) memory_format(preserve) op("aten.add")
//            tensors[..] optional_tensors[..] ints[..] floats[..] bools[..]
//            strings[..] lists[..]  graph "name" { statements }
// @ A / B    the module frames by FQN, outermost first. The root's own frame is
//            implied: `@ /` is the root alone, `@ ~ / A` is A without the root.
//            A frame that no `module` line describes is A{"key", "type"}.
// flags      !nograd  !autocast(cpu, bfloat16, true, true)  !random
//            !writes(%v, ...)  !aliases(%result = %argument, ...)
//            !name(n), if the node's name isn't that of its first result
//
// Names are words of letters, digits and `_.@:`, or quoted. Lines may be broken
// anywhere inside parentheses and brackets.

namespace pp::ir {

/// Prints all parts of a graph that affect execution and cutting;
/// Node::metadata is omitted.
std::string to_text(const Graph& graph);

/// Parses the output of to_text(). Values are numbered in order of definition.
/// throws  Error(Input) naming line and column: the text isn't in this form
Graph parse_text(std::string_view text);

}  // namespace pp::ir
