#pragma once

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

namespace pp {

/// Turns arguments of nodes into operands. The constants and lists that these
/// refer to are appended to a body.
class OperandCompiler {
 public:
  /// Both must outlive the compiler.
  OperandCompiler(const ir::Graph& graph, Program::Body& body)
      : graph_(graph), body_(body) {}

  /// Converts one argument.
  ///
  /// type    the type that the operator's schema asks for; null without a
  ///         schema
  /// throws  Error(Input): the argument has no form at run time
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
