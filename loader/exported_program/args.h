#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"
#include "loader/ir/graph.h"

// Reads and writes the arguments of nodes in the JSON of the ExportedProgram
// schema.
namespace pp::ep {

using Json = nlohmann::json;

/// Gives read_arg() access to the graph that contains the argument.
struct ArgumentScope {
  /// Finds the value with this name.
  std::function<ir::ValueId(const std::string& name)> find;
  std::function<ir::SubGraph(const std::string& name, const Json& graph)>
      read_sub_graph;
};

/// Reads an argument of a node.
/// throws  Error(Input): the kind of argument isn't supported; the message
///         names it
ir::Arg read_arg(
    const Json& argument, const JsonFields& fields, const ArgumentScope& scope);

/// Returns the name of the value in an argument such as
///     {"as_tensor": {"name": "x"}}  or  {"as_sym_int": {"as_name": "n"}};
/// null if the argument is a constant.
const std::string* try_value_name(
    const Json& argument, const JsonFields& fields);

/// Converts the sub-graph of a control-flow node to the schema's form.
using WriteSubGraph = std::function<Json(const ir::SubGraph&)>;

/// Converts an argument of a node of `graph` to the schema's form.
Json arg_json(
    const ir::Arg& arg,
    const ir::Graph& graph,
    const WriteSubGraph& write_sub_graph);

/// Returns a reference to `value` in the schema's form, which depends on the
/// value's type:
///     {"as_tensor": {"name": "x"}}.
Json value_json(const ir::Value& value);

}  // namespace pp::ep
