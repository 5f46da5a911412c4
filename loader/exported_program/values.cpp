#include "loader/exported_program/values.h"

#include <cmath>

#include "loader/core/error.h"
#include "loader/exported_program/enums.h"
#include "loader/exported_program/sympy_text.h"

namespace pp::ep {

namespace {

std::string remember_expression(
    const std::string& stored, Expressions& expressions) {
  std::string infix = infix_of(stored);
  expressions.emplace(infix, stored);
  return infix;
}

int64_t hint_of(const Json& expression, const JsonFields& fields) {
  const Json* hint = fields.try_at(expression, "hint");
  if (hint == nullptr) {
    return 0;
  }
  const auto [kind, value] = fields.one_of(*hint);
  if (kind == "as_int") {
    return fields.integer(value);
  }
  if (kind == "as_bool") {
    return fields.boolean(value) ? 1 : 0;
  }
  const double real = fields.real(value);
  return std::isfinite(real) ? std::lround(real) : 0;
}

// SymInt, SymBool and SymFloat are all an expression or a constant.
ir::Dim read_dim(
    const Json& size, const JsonFields& fields, Expressions& expressions) {
  const auto [kind, value] = fields.one_of(size);
  if (kind == "as_expr") {
    return {
        hint_of(value, fields),
        remember_expression(fields.text_at(value, "expr_str"), expressions)};
  }
  if (kind == "as_int") {
    return {fields.integer(value), {}};
  }
  if (kind == "as_bool") {
    return {fields.boolean(value) ? 1 : 0, {}};
  }
  if (kind == "as_float") {
    // A float is stored as the text of an expression.
    return {0, Json(fields.real(value)).dump()};
  }
  fields.fail("unknown kind of size '" + kind + "'");
}

std::vector<ir::Dim> read_dims(
    const Json& meta,
    const char* key,
    const JsonFields& fields,
    Expressions& expressions) {
  std::vector<ir::Dim> out;
  for (const Json& size : fields.array_at(meta, key)) {
    out.push_back(read_dim(size, fields, expressions));
  }
  return out;
}

Json dim_json(const ir::Dim& dim, const Expressions& expressions) {
  if (dim.is_fixed()) {
    return {{"as_int", dim.value}};
  }
  const auto found = expressions.find(dim.expr);
  Json hint = {{"as_int", dim.value}};
  return {
      {"as_expr",
       {{"expr_str", found == expressions.end() ? dim.expr : found->second},
        {"hint", std::move(hint)}}}};
}

Json dims_json(
    const std::vector<ir::Dim>& dims, const Expressions& expressions) {
  Json out = Json::array();
  for (const ir::Dim& dim : dims) {
    out.push_back(dim_json(dim, expressions));
  }
  return out;
}

Json bool_json(const ir::Dim& dim, const Expressions& expressions) {
  if (dim.is_fixed()) {
    return {{"as_bool", dim.value != 0}};
  }
  Json out = dim_json(dim, expressions);
  out["as_expr"]["hint"] = nullptr;
  return out;
}

Json float_json(const ir::Dim& dim, const Expressions& expressions) {
  if (dim.is_fixed()) {
    return {{"as_float", static_cast<double>(dim.value)}};
  }
  if (expressions.count(dim.expr) == 0) {
    return {{"as_float", std::stod(dim.expr)}};
  }
  Json out = dim_json(dim, expressions);
  out["as_expr"]["hint"] = nullptr;
  return out;
}

}  // namespace

ir::TensorMeta read_tensor_meta(
    const Json& meta, const JsonFields& fields, Expressions& expressions) {
  ir::TensorMeta out;
  const int64_t dtype = fields.integer_at(meta, "dtype");
  const auto scalar_type = scalar_type_of(dtype);
  if (!scalar_type) {
    fields.fail("unknown dtype " + std::to_string(dtype));
  }
  out.dtype = *scalar_type;
  const int64_t number = fields.integer_at(meta, "layout");
  const auto layout = layout_of(number);
  if (!layout) {
    fields.fail("unknown layout " + std::to_string(number));
  }
  out.layout = *layout;
  out.sizes = read_dims(meta, "sizes", fields, expressions);
  out.strides = read_dims(meta, "strides", fields, expressions);
  out.storage_offset =
      read_dim(fields.at(meta, "storage_offset"), fields, expressions);
  const Json& device = fields.at(meta, "device");
  out.device.type = fields.text_at(device, "type");
  if (const Json* index = fields.try_at(device, "index")) {
    out.device.index = static_cast<int>(fields.integer(*index));
  }
  out.requires_grad = fields.boolean_at(meta, "requires_grad");
  return out;
}

ir::Value read_value(
    const std::string& name,
    const Json& graph,
    const JsonFields& fields,
    Expressions& expressions) {
  ir::Value out;
  out.name = name;
  const char* key = name.c_str();
  const auto entry = [&](const char* table) -> const Json* {
    const Json* values = fields.try_at(graph, table);
    return values == nullptr ? nullptr : fields.try_at(*values, key);
  };
  if (const Json* tensor = entry("tensor_values")) {
    out.tensor = read_tensor_meta(*tensor, fields, expressions);
    return out;
  }
  using Kind = std::pair<const char*, ir::TypeKind>;
  for (const auto& [table, kind] :
       {Kind{"sym_int_values", ir::TypeKind::Int},
        Kind{"sym_bool_values", ir::TypeKind::Bool},
        Kind{"sym_float_values", ir::TypeKind::Float}}) {
    if (const Json* scalar = entry(table)) {
      out.type.kind = kind;
      out.scalar = read_dim(*scalar, fields, expressions);
      return out;
    }
  }
  fields.fail("value '" + name + "' has no type in the graph's tables");
}

Json tensor_meta_json(
    const ir::TensorMeta& meta, const Expressions& expressions) {
  Json index = meta.device.index < 0 ? Json() : Json(meta.device.index);
  return {
      {"dtype", number_of(meta.dtype)},
      {"sizes", dims_json(meta.sizes, expressions)},
      {"requires_grad", meta.requires_grad},
      {"device", {{"type", meta.device.type}, {"index", std::move(index)}}},
      {"strides", dims_json(meta.strides, expressions)},
      {"storage_offset", dim_json(meta.storage_offset, expressions)},
      {"layout", number_of(meta.layout)}};
}

void add_value_json(
    Json& graph, const ir::Value& value, const Expressions& expressions) {
  const ir::Dim scalar = value.scalar.value_or(ir::Dim{});
  switch (value.type.kind) {
    case ir::TypeKind::Tensor:
      check(value.tensor.has_value(), "every tensor has metadata");
      graph["tensor_values"][value.name] =
          tensor_meta_json(*value.tensor, expressions);
      return;
    case ir::TypeKind::Int:
      graph["sym_int_values"][value.name] = dim_json(scalar, expressions);
      return;
    case ir::TypeKind::Bool:
      graph["sym_bool_values"][value.name] = bool_json(scalar, expressions);
      return;
    case ir::TypeKind::Float:
      graph["sym_float_values"][value.name] = float_json(scalar, expressions);
      return;
    default:
      throw input_error(
          "value '" + value.name +
          "' is neither a tensor nor a number; a .pt2 file can't hold it");
  }
}

}  // namespace pp::ep
