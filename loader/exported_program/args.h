#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"
#include "loader/ir/graph.h"

// Reads and writes the arguments of nodes.
namespace pp::ep {

using Json = nlohmann::json;

/// Access to the graph around an argument that is being read.
struct ArgumentScope {
  std::function<ir::ValueId(const std::string& name)> find;
  std::function<ir::SubGraph(const std::string& name, const Json& graph)>
      read_sub_graph;
};

/// Reads an argument.
/// throws Error(Input) that names an unsupported kind of argument
ir::Arg read_arg(
    const Json& argument, const JsonFields& fields, const ArgumentScope& scope);

/// The name of the value in an argument such as {"as_tensor": {"name": "x"}} or
/// {"as_sym_int": {"as_name": "n"}}. Null if the argument is a constant.
const std::string* try_value_name(
    const Json& argument, const JsonFields& fields);

/// Converts the graph that a control-flow node owns.
using WriteSubGraph = std::function<Json(const ir::SubGraph&)>;

/// Converts an argument to the schema's form.
Json arg_json(
    const ir::Arg& arg,
    const ir::Graph& graph,
    const WriteSubGraph& write_sub_graph);

/// Converts a reference to a value: {"as_tensor": {"name": ...}} or the like.
Json value_json(const ir::Value& value);

}  // namespace pp::ep
