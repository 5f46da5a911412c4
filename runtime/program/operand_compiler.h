#pragma once

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

namespace pp {

/// Converts the arguments of nodes to operands. Adds to the body the constants
/// and lists that the operands refer to.
class OperandCompiler {
 public:
  /// Both arguments must outlive the compiler.
  OperandCompiler(const ir::Graph& graph, Program::Body& body)
      : graph_(graph), body_(body) {}

  /// Converts one argument of `node`.
  ///
  /// type    the type that the operator's schema asks for; null if it has no
  ///         schema
  /// throws  Error(Input): the argument can't be passed at run time
  Operand compile(
      const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& type);
  Operand constant(c10::IValue value);

 private:
  Operand compile_list(
      const ir::Node& node, const ir::List& list, const c10::TypePtr& wanted);
  c10::IValue value_of(
      const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& wanted);

  const ir::Graph& graph_;
  Program::Body& body_;
};

}  // namespace pp
