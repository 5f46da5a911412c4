#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

// What a node of a graph is to a program.

namespace pp {

/// "aten.add.Tensor" -> {"aten::add", "Tensor"}; the overload "default" is "".
c10::OperatorName operator_name(const std::string& target);

/// Nodes that only restate what the export already proved.
bool is_assertion(const std::string& target);

/// Of a random operator: with a kernel of ours, or Operator.
InstructionKind random_kind(const std::string& target);

/// Of a node that owns sub-graphs; else nothing.
std::optional<InstructionKind> control_flow_kind(const std::string& target);

/// T of Optional[T]; any other type as it is.
const c10::TypePtr& unwrap_optional(const c10::TypePtr& type);

bool is_generator(const c10::Argument& argument);

/// The overload of a random operator that takes a generator beside what this
/// one takes ("aten::rand", "aten::randint.low"); this one if it does itself,
/// or where there is none.
c10::OperatorHandle with_generator(const c10::OperatorHandle& op);

/// How to differentiate an operator, or null: by autograd.
const Rule* rule_of(const std::string& target, const c10::OperatorHandle& op);

/// Of a node that no dispatcher knows; else null.
BuiltinFunction function_of(const std::string& target);

}  // namespace pp
