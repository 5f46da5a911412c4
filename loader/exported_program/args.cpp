#include "loader/exported_program/args.h"

#include <algorithm>
#include <cmath>

#include "loader/core/error.h"
#include "loader/exported_program/enums.h"

namespace pp::ep {

namespace {

using ir::Arg;
using ir::ListKind;

class ArgReader {
 public:
  ArgReader(const JsonFields& fields, const ArgumentScope& scope)
      : fields_(fields), scope_(scope) {}

  Arg read(const Json& argument) const {
    const auto [kind, value] = fields_.one_of(argument);
    if (kind == "as_none") {
      return {ir::None{}};
    }
    if (kind == "as_tensor") {
      return tensor(value);
    }
    if (kind == "as_optional_tensor") {
      return optional_tensor(value);
    }
    if (kind == "as_sym_int" || kind == "as_sym_bool" ||
        kind == "as_sym_float") {
      return symbol(value);
    }
    if (kind == "as_graph") {
      return {scope_.read_sub_graph(
          fields_.text_at(value, "name"), fields_.at(value, "graph"))};
    }
    if (auto list = try_list(kind, value)) {
      return {std::move(*list)};
    }
    return constant(kind, value);
  }

 private:
  Arg tensor(const Json& value) const {
    return {ir::Ref{scope_.find(fields_.text_at(value, "name"))}};
  }

  Arg optional_tensor(const Json& value) const {
    const auto [kind, inner] = fields_.one_of(value);
    return kind == "as_tensor" ? tensor(inner) : Arg{ir::None{}};
  }

  Arg symbol(const Json& value) const {
    const auto [kind, inner] = fields_.one_of(value);
    if (kind == "as_name") {
      return {ir::Ref{scope_.find(fields_.text(inner))}};
    }
    return constant(kind, inner);
  }

  Arg constant(const std::string& kind, const Json& value) const {
    if (kind == "as_int") {
      return {fields_.integer(value)};
    }
    if (kind == "as_float") {
      return {fields_.real(value)};
    }
    if (kind == "as_bool") {
      return {fields_.boolean(value)};
    }
    if (kind == "as_string") {
      return {fields_.text(value)};
    }
    if (kind == "as_operator") {
      return {ir::OperatorName{fields_.text(value)}};
    }
    if (kind == "as_complex") {
      return {ir::Complex{
          fields_.real(fields_.at(value, "real")),
          fields_.real(fields_.at(value, "imag"))}};
    }
    if (kind == "as_device") {
      ir::Device device{fields_.text_at(value, "type"), -1};
      if (const Json* index = fields_.try_at(value, "index")) {
        device.index = static_cast<int>(fields_.integer(*index));
      }
      return {std::move(device)};
    }
    if (kind == "as_scalar_type") {
      return enumerator(scalar_type_of(fields_.integer(value)), "dtype", value);
    }
    if (kind == "as_layout") {
      return enumerator(layout_of(fields_.integer(value)), "layout", value);
    }
    if (kind == "as_memory_format") {
      return enumerator(
          memory_format_of(fields_.integer(value)), "memory format", value);
    }
    if (kind == "as_custom_obj") {
      fields_.fail(
          "has a custom object of class '" +
          fields_.text_at(value, "class_fqn") +
          "'; only tensors and plain values are supported");
    }
    fields_.fail("arguments of kind '" + kind + "' are not supported");
  }

  template <typename Enum>
  Arg enumerator(
      const std::optional<Enum>& found,
      const char* what,
      const Json& number) const {
    if (!found) {
      fields_.fail("unknown " + std::string(what) + " " + number.dump());
    }
    return {*found};
  }

  std::optional<ir::List> try_list(
      const std::string& kind, const Json& value) const {
    if (kind == "as_tensors") {
      return list(ListKind::Tensors, value, &ArgReader::tensor);
    }
    if (kind == "as_optional_tensors") {
      return list(
          ListKind::OptionalTensors, value, &ArgReader::optional_tensor);
    }
    if (kind == "as_ints") {
      return list(ListKind::Ints, value, &ArgReader::integer);
    }
    if (kind == "as_floats") {
      return list(ListKind::Floats, value, &ArgReader::real);
    }
    if (kind == "as_bools") {
      return list(ListKind::Bools, value, &ArgReader::boolean);
    }
    if (kind == "as_strings") {
      return list(ListKind::Strings, value, &ArgReader::text);
    }
    if (kind == "as_sym_ints") {
      return list(ListKind::Ints, value, &ArgReader::symbol);
    }
    if (kind == "as_sym_floats") {
      return list(ListKind::Floats, value, &ArgReader::symbol);
    }
    if (kind == "as_sym_bools") {
      return list(ListKind::Bools, value, &ArgReader::symbol);
    }
    if (kind == "as_nested_tensors") {
      return list(ListKind::Lists, value, &ArgReader::tensors);
    }
    if (kind == "as_int_lists") {
      return list(ListKind::Lists, value, &ArgReader::integers);
    }
    if (kind == "as_float_lists") {
      return list(ListKind::Lists, value, &ArgReader::reals);
    }
    return std::nullopt;
  }

  ir::List list(
      ListKind kind,
      const Json& value,
      Arg (ArgReader::*item)(const Json&) const) const {
    ir::List out{kind, {}};
    for (const Json& element : fields_.array(value)) {
      out.items.push_back((this->*item)(element));
    }
    return out;
  }

  Arg integer(const Json& value) const { return {fields_.integer(value)}; }
  Arg real(const Json& value) const { return {fields_.real(value)}; }
  Arg boolean(const Json& value) const { return {fields_.boolean(value)}; }
  Arg text(const Json& value) const { return {fields_.text(value)}; }
  Arg tensors(const Json& value) const {
    return {list(ListKind::Tensors, value, &ArgReader::tensor)};
  }
  Arg integers(const Json& value) const {
    return {list(ListKind::Ints, value, &ArgReader::integer)};
  }
  Arg reals(const Json& value) const {
    return {list(ListKind::Floats, value, &ArgReader::real)};
  }

  const JsonFields& fields_;
  const ArgumentScope& scope_;
};

// JSON has no infinity, so the schema spells it out.
Json real_json(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "Infinity" : "-Infinity";
  }
  return value;
}

const char* symbol_kind(ir::TypeKind kind) {
  switch (kind) {
    case ir::TypeKind::Int:
      return "as_sym_int";
    case ir::TypeKind::Float:
      return "as_sym_float";
    case ir::TypeKind::Bool:
      return "as_sym_bool";
    default:
      return nullptr;
  }
}

class ArgWriter {
 public:
  ArgWriter(const ir::Graph& graph, const WriteSubGraph& write_sub_graph)
      : graph_(graph), write_sub_graph_(write_sub_graph) {}

  Json write(const Arg& arg) const {
    return std::visit([&](const auto& held) { return show(held); }, arg.value);
  }

 private:
  Json show(ir::None) const { return {{"as_none", true}}; }
  Json show(ir::Ref ref) const { return value_json(value_of(ref)); }
  Json show(bool value) const { return {{"as_bool", value}}; }
  Json show(int64_t value) const { return {{"as_int", value}}; }
  Json show(double value) const { return {{"as_float", real_json(value)}}; }
  Json show(const std::string& value) const { return {{"as_string", value}}; }
  Json show(const ir::Complex& value) const {
    return {
        {"as_complex",
         {{"real", real_json(value.real)}, {"imag", real_json(value.imag)}}}};
  }
  Json show(ir::ScalarType value) const {
    return {{"as_scalar_type", number_of(value)}};
  }
  Json show(ir::MemoryFormat value) const {
    return {{"as_memory_format", number_of(value)}};
  }
  Json show(ir::Layout value) const {
    return {{"as_layout", number_of(value)}};
  }
  Json show(const ir::Device& value) const {
    Json index = value.index < 0 ? Json() : Json(value.index);
    return {{"as_device", {{"type", value.type}, {"index", std::move(index)}}}};
  }
  Json show(const ir::OperatorName& value) const {
    return {{"as_operator", value.name}};
  }
  Json show(const ir::SubGraph& value) const {
    return {
        {"as_graph",
         {{"name", value.name}, {"graph", write_sub_graph_(value)}}}};
  }

  Json show(const ir::List& list) const {
    switch (list.kind) {
      case ListKind::Tensors:
        return {{"as_tensors", bare_items(list)}};
      case ListKind::OptionalTensors:
        return {{"as_optional_tensors", items(list, [&](const Arg& item) {
                   return write(item);
                 })}};
      case ListKind::Strings:
        return {{"as_strings", bare_items(list)}};
      case ListKind::Ints:
        return numbers(list, "as_ints", "as_sym_ints");
      case ListKind::Floats:
        return numbers(list, "as_floats", "as_sym_floats");
      case ListKind::Bools:
        return numbers(list, "as_bools", "as_sym_bools");
      case ListKind::Lists:
        return nested(list);
    }
    check(false, "every kind of list is handled");
    return {};
  }

  template <typename Item>
  static Json items(const ir::List& list, const Item& item) {
    Json out = Json::array();
    for (const Arg& element : list.items) {
      out.push_back(item(element));
    }
    return out;
  }

  /// Returns an item without its tag: 3, not {"as_int": 3}. A reference to a
  /// value is {"name": ...}, whatever the value's type.
  Json bare(const Arg& item) const {
    if (const auto* ref = std::get_if<ir::Ref>(&item.value)) {
      return {{"name", value_of(*ref).name}};
    }
    return write(item).front();
  }
  Json bare_items(const ir::List& list) const {
    return items(list, [&](const Arg& item) { return bare(item); });
  }

  Json numbers(
      const ir::List& list, const char* plain, const char* symbolic) const {
    const bool any_symbol =
        std::ranges::any_of(list.items, [](const Arg& item) {
          return std::holds_alternative<ir::Ref>(item.value);
        });
    if (!any_symbol) {
      return {{plain, bare_items(list)}};
    }
    return {{symbolic, items(list, [&](const Arg& item) -> Json {
               const auto* ref = std::get_if<ir::Ref>(&item.value);
               if (ref == nullptr) {
                 return write(item);
               }
               return {{"as_name", value_of(*ref).name}};
             })}};
  }

  Json nested(const ir::List& list) const {
    const char* kind = "as_int_lists";
    Json out = Json::array();
    for (const Arg& item : list.items) {
      const auto& inner = std::get<ir::List>(item.value);
      if (inner.kind == ListKind::Tensors) {
        kind = "as_nested_tensors";
      } else if (inner.kind == ListKind::Floats) {
        kind = "as_float_lists";
      }
      out.push_back(bare_items(inner));
    }
    return {{kind, std::move(out)}};
  }

  const ir::Value& value_of(ir::Ref ref) const {
    return graph_.values.at(static_cast<size_t>(ref.id));
  }

  const ir::Graph& graph_;
  const WriteSubGraph& write_sub_graph_;
};

}  // namespace

Arg read_arg(
    const Json& argument,
    const JsonFields& fields,
    const ArgumentScope& scope) {
  return ArgReader(fields, scope).read(argument);
}

const std::string* try_value_name(
    const Json& argument, const JsonFields& fields) {
  const auto [kind, value] = fields.one_of(argument);
  if (kind == "as_tensor") {
    return &fields.text_at(value, "name");
  }
  if (kind == "as_sym_int" || kind == "as_sym_bool" || kind == "as_sym_float") {
    const Json* name = fields.try_at(value, "as_name");
    return name == nullptr ? nullptr : &fields.text(*name);
  }
  return nullptr;
}

Json arg_json(
    const Arg& arg,
    const ir::Graph& graph,
    const WriteSubGraph& write_sub_graph) {
  return ArgWriter(graph, write_sub_graph).write(arg);
}

Json value_json(const ir::Value& value) {
  if (const char* kind = symbol_kind(value.type.kind)) {
    return {{kind, {{"as_name", value.name}}}};
  }
  return {{"as_tensor", {{"name", value.name}}}};
}

}  // namespace pp::ep
