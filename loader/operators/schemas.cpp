#include "loader/operators/schemas.h"

#include <algorithm>
#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>

#include "loader/effects/effects.h"

namespace pp {

namespace {

void collect_sets(const c10::AliasInfo& info, std::set<std::string>& names) {
  for (const c10::Symbol& set : info.beforeSets()) {
    names.insert(set.toUnqualString());
  }
  for (const c10::AliasInfo& inner : info.containedTypes()) {
    collect_sets(inner, names);
  }
}

bool is_written(const c10::AliasInfo& info) {
  return info.isWrite() ||
         std::ranges::any_of(info.containedTypes(), is_written);
}

SchemaValue value_of(const c10::Argument& argument) {
  SchemaValue value;
  value.name = argument.name();
  value.is_list = argument.type()->kind() == c10::TypeKind::ListType;
  if (argument.alias_info() != nullptr) {
    collect_sets(*argument.alias_info(), value.alias_sets);
    value.written = is_written(*argument.alias_info());
  }
  return value;
}

}  // namespace

std::optional<OperatorSchema> DispatcherSchemas::try_find(
    const ir::OperatorParts& op) const {
  const auto handle = c10::Dispatcher::singleton().findSchema(
      {op.qualified_name(), std::string(op.registered_overload())});
  if (!handle) {
    return std::nullopt;
  }
  OperatorSchema schema;
  std::ranges::transform(
      handle->schema().arguments(),
      std::back_inserter(schema.arguments),
      value_of);
  std::ranges::transform(
      handle->schema().returns(), std::back_inserter(schema.results), value_of);
  schema.random = handle->hasTag(at::Tag::nondeterministic_seeded);
  return schema;
}

void annotate_effects(ir::Graph& graph, std::string_view where) {
  annotate_effects(graph, DispatcherSchemas(), where);
}

}  // namespace pp
