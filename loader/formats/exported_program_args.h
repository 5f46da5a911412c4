#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/formats/json_fields.h"
#include "loader/ir/graph.h"

// Arguments of nodes, both ways.
namespace pp::ep {

using Json = nlohmann::json;

/// What reading an argument needs from the graph around it.
struct ArgumentScope {
  std::function<ir::ValueId(const std::string& name)> find;
  std::function<ir::SubGraph(const std::string& name, const Json& graph)>
      read_sub_graph;
};

/// throws Error(Input) for kinds of arguments that are not supported, by name
ir::Arg read_arg(
    const Json& argument, const JsonFields& fields, const ArgumentScope& scope);

/// Name of the value that an argument such as {"as_tensor": {"name": "x"}} or
/// {"as_sym_int": {"as_name": "n"}} means; null if it is no value.
const std::string* try_value_name(
    const Json& argument, const JsonFields& fields);

/// Writes the graph that a control-flow node owns.
using WriteSubGraph = std::function<Json(const ir::SubGraph&)>;

Json arg_json(
    const ir::Arg& arg,
    const ir::Graph& graph,
    const WriteSubGraph& write_sub_graph);

/// {"as_tensor": {"name": ...}} and the like.
Json value_json(const ir::Value& value);

}  // namespace pp::ep
