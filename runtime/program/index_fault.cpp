#include "runtime/program/index_fault.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "loader/core/text.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

/// An operator that looks up `index` in dimension `dim` of argument 0.
struct Lookup {
  std::string_view op;
  int index;
  int dim;  ///< the argument that says which; -1: dimension 0
};
constexpr std::array kLookups = {
    Lookup{"embedding", 1, -1},
    Lookup{"index_select", 2, 1},
    Lookup{"gather", 2, 1},
};

constexpr std::array<std::string_view, 9> kViews = {
    "view",
    "reshape",
    "unsqueeze",
    "squeeze",
    "to",
    "_to_copy",
    "contiguous",
    "detach",
    "alias"};

/// "aten.embedding.default" and "aten::embedding" -> "embedding"
std::string_view base_name(std::string_view target) {
  for (const std::string_view prefix : {"aten.", "aten::"}) {
    if (target.starts_with(prefix)) {
      target.remove_prefix(prefix.size());
      return target.substr(0, target.find('.'));
    }
  }
  return "";
}

const Lookup* find_lookup(const std::string& target) {
  const auto found =
      std::ranges::find(kLookups, base_name(target), &Lookup::op);
  return found == kLookups.end() ? nullptr : &*found;
}

/// "1, 5": the place of the `position`-th element.
std::string place_text(at::IntArrayRef sizes, int64_t position) {
  std::vector<int64_t> place(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    place[i] = position % sizes[i];
    position /= sizes[i];
  }
  std::vector<std::string> texts;
  for (const int64_t index : place) {
    texts.push_back(std::to_string(index));
  }
  return join(texts);
}

}  // namespace

int index_argument(const std::string& target) {
  const Lookup* lookup = find_lookup(target);
  return lookup == nullptr ? -1 : lookup->index;
}

std::string source_name(const ir::Graph& graph, ir::ValueId id) {
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const ir::Node& node = graph.nodes[i];
    const std::vector<ir::ValueId> defined = ir::defines_of(node);
    if (std::ranges::find(defined, id) == defined.end()) {
      continue;
    }
    const bool is_view =
        std::ranges::find(kViews, base_name(node.target)) != kViews.end();
    const auto* from =
        is_view && !node.inputs.empty()
            ? std::get_if<ir::Ref>(&node.inputs.front().arg.value)
            : nullptr;
    if (from == nullptr) {
      break;
    }
    id = from->id;
  }
  const auto input = std::ranges::find(graph.inputs, id, &ir::Input::value);
  return input != graph.inputs.end() ? input->name : graph.values[id].name;
}

std::string index_fault(
    const std::string& target,
    std::span<const c10::IValue> arguments,
    const std::string& name) {
  const Lookup* lookup = find_lookup(target);
  if (lookup == nullptr ||
      arguments.size() <= static_cast<size_t>(lookup->index) ||
      !arguments[0].isTensor() || !arguments[lookup->index].isTensor()) {
    return "";
  }
  const at::Tensor& table = arguments[0].toTensor();
  const at::Tensor& index = arguments[lookup->index].toTensor();
  const bool has_dim = lookup->dim < 0 || arguments[lookup->dim].isInt();
  if (!table.defined() || !index.defined() || table.dim() == 0 || !has_dim ||
      (index.scalar_type() != at::kLong && index.scalar_type() != at::kInt)) {
    return "";
  }
  const int64_t dim = lookup->dim < 0 ? 0 : arguments[lookup->dim].toInt();
  if (dim < -table.dim() || dim >= table.dim()) {
    return "";
  }
  const int64_t size = table.size(dim);
  const at::Tensor flat = index.detach().cpu().to(at::kLong).contiguous();
  const auto* begin = flat.const_data_ptr<int64_t>();
  const auto* end = begin + flat.numel();
  const auto* bad =
      std::find_if(begin, end, [&](int64_t i) { return i < 0 || i >= size; });
  if (bad == end) {
    return "";
  }
  return "'" + name + "' holds " + std::to_string(*bad) + " at [" +
         place_text(flat.sizes(), bad - begin) + "], but only 0 to " +
         std::to_string(size - 1) + " are there";
}

}  // namespace pp
