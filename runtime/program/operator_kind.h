#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

// Classifies the nodes of a graph by how a program runs them.

namespace pp {

/// Converts "aten.add.Tensor" to {"aten::add", "Tensor"}. The overload
/// "default" becomes "".
c10::OperatorName operator_name(const std::string& target);

/// Whether a node of this operator only asserts what the export has already
/// proved.
bool is_assertion(const std::string& target);

/// Returns the kind of a random operator that has a kernel of our own; Operator
/// for any other operator.
InstructionKind random_kind(const std::string& target);

/// Returns the kind of a node that owns sub-graphs; nullopt for any other node.
std::optional<InstructionKind> control_flow_kind(const std::string& target);

/// Returns T for Optional[T], and any other type unchanged.
const c10::TypePtr& unwrap_optional(const c10::TypePtr& type);

bool is_generator(const c10::Argument& argument);

/// Returns the overload of a random operator ("aten::rand",
/// "aten::randint.low") that accepts a generator in addition to the arguments
/// of `op`. Returns `op` itself if `op` has a generator, or if there is no such
/// overload.
c10::OperatorHandle with_generator(const c10::OperatorHandle& op);

/// Returns the rule that differentiates an operator; null if autograd
/// differentiates it.
const Rule* rule_of(const std::string& target, const c10::OperatorHandle& op);

/// Returns the built-in function that runs nodes with this target; null if the
/// target is an operator of the dispatcher.
BuiltinFunction function_of(const std::string& target);

}  // namespace pp
