#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/formats/json_fields.h"
#include "loader/ir/graph.h"

// Sizes, tensor metadata and typed values, both ways.
namespace pp::ep {

using Json = nlohmann::json;

/// Dim::expr -> the expression as the schema writes it.
using Expressions = std::map<std::string, std::string>;

ir::TensorMeta read_tensor_meta(
    const Json& meta, const JsonFields& fields, Expressions& expressions);

/// The value called `name` with the type that the graph's tables give it.
/// throws Error(Input) if no table has it
ir::Value read_value(
    const std::string& name,
    const Json& graph,
    const JsonFields& fields,
    Expressions& expressions);

Json tensor_meta_json(
    const ir::TensorMeta& meta, const Expressions& expressions);

/// Adds the value to the table of the serialised graph that its type asks for.
void add_value_json(
    Json& graph, const ir::Value& value, const Expressions& expressions);

}  // namespace pp::ep
