#include "splitter/cut/operators.h"

#include <algorithm>

#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

constexpr uint64_t kScalarBytes = 8;

}  // namespace

std::string_view operator_name(std::string_view target) {
  return ir::operator_parts(target).name;
}

ir::ValueId argument_value(
    const ir::Node& node, std::string_view name, size_t position) {
  const auto named = std::ranges::find(node.inputs, name, &ir::NamedArg::name);
  const ir::NamedArg* found = nullptr;
  if (named != node.inputs.end()) {
    found = &*named;
  } else if (
      position < node.inputs.size() && node.inputs[position].name.empty()) {
    found = &node.inputs[position];
  }
  const auto* ref =
      found == nullptr ? nullptr : std::get_if<ir::Ref>(&found->arg.value);
  return ref == nullptr ? ir::kNoValue : ref->id;
}

const std::vector<ir::ValueId>& data_writes(const ir::Node& node) {
  static const std::vector<ir::ValueId> none;
  return operator_name(node.target) == "detach_" ? none : node.effects.writes;
}

bool is_scalar(const ir::Value& value) {
  using enum ir::TypeKind;
  return value.type.kind == Int || value.type.kind == Float ||
         value.type.kind == Bool;
}

bool is_marker(const ir::Node& node) {
  return operator_name(node.target) == "_pipe_split";
}

bool does_work(const ir::Graph& graph, const ir::Node& node) {
  if (is_marker(node)) {
    return false;
  }
  if (!node.effects.writes.empty() || node.effects.random) {
    return true;
  }
  const auto defines = ir::defines_of(node);
  return std::ranges::any_of(
      defines, [&](ir::ValueId id) { return !is_scalar(graph.values[id]); });
}

uint64_t num_elements(const ir::TensorMeta& meta) {
  if (!meta.known) {
    return 0;
  }
  uint64_t count = 1;
  for (const ir::Dim& dim : meta.sizes) {
    count *= static_cast<uint64_t>(std::max<int64_t>(dim.value, 0));
  }
  return count;
}

uint64_t num_bytes(const ir::Value& value) {
  return value.tensor ? ir::num_bytes(*value.tensor) : kScalarBytes;
}

uint64_t num_bytes(const ir::Type& type, const ir::TensorMeta& tensor) {
  return type.kind == ir::TypeKind::Tensor ? ir::num_bytes(tensor)
                                           : kScalarBytes;
}

}  // namespace pp
