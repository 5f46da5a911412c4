#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"
#include "loader/ir/graph.h"

// Reads and writes sizes, tensor metadata and typed values in the JSON of the
// ExportedProgram schema.
namespace pp::ep {

using Json = nlohmann::json;

/// The schema's form of each expression, by Dim::expr.
using Expressions = std::map<std::string, std::string>;

/// Reads the metadata of a tensor and adds its symbolic sizes to `expressions`.
ir::TensorMeta read_tensor_meta(
    const Json& meta, const JsonFields& fields, Expressions& expressions);

/// Reads the value called `name`, whose type is in one of the graph's tables.
/// throws  Error(Input): no table has the value
ir::Value read_value(
    const std::string& name,
    const Json& graph,
    const JsonFields& fields,
    Expressions& expressions);

Json tensor_meta_json(
    const ir::TensorMeta& meta, const Expressions& expressions);

/// Adds the value to the serialised graph, in the table for its type.
void add_value_json(
    Json& graph, const ir::Value& value, const Expressions& expressions);

}  // namespace pp::ep
