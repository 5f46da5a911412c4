#include "runtime/program/index_fault.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/core/index_text.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

/// An operator that looks up `index` in dimension `dim` of argument 0.
struct Lookup {
  std::string_view op;
  int index;
  int dim;  ///< the argument that gives the dimension; -1: see dimension_of()
  bool has_classes = false;  ///< a loss over classes; see kIgnoredClass
};
constexpr std::array kLookups = {
    Lookup{"embedding", 1, -1},
    Lookup{"_embedding_bag", 1, -1},
    Lookup{"_embedding_bag_forward_only", 1, -1},
    Lookup{"embedding_bag", 1, -1},
    Lookup{"index_select", 2, 1},
    Lookup{"gather", 2, 1},
    Lookup{"scatter", 2, 1},
    Lookup{"scatter_add", 2, 1},
    Lookup{"scatter_reduce", 2, 1},
    Lookup{"index_add", 2, 1},
    Lookup{"index_copy", 2, 1},
    Lookup{"index_fill", 2, 1},
    Lookup{"cross_entropy_loss", 1, -1, true},
    Lookup{"nll_loss", 1, -1, true},
    Lookup{"nll_loss_nd", 1, -1, true},
    Lookup{"nll_loss_forward", 1, -1, true},
    Lookup{"nll_loss2d", 1, -1, true},
    Lookup{"nll_loss2d_forward", 1, -1, true},
};
// Position of the argument ignore_index of a loss over classes.
constexpr size_t kIgnoredClass = 4;

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
  const ir::OperatorParts op = ir::operator_parts(target);
  return op.library == "aten" ? op.name : "";
}

const Lookup* find_lookup(const std::string& target) {
  const auto found =
      std::ranges::find(kLookups, base_name(target), &Lookup::op);
  return found == kLookups.end() ? nullptr : &*found;
}

/// Returns the text about the first index that is not in 0 to size - 1; empty
/// if all are, apart from the ignored one.
std::string fault_in(
    const at::Tensor& index,
    int64_t size,
    std::optional<int64_t> ignored,
    const std::string& name) {
  const at::Tensor flat = index.detach().cpu().to(at::kLong).contiguous();
  const auto* begin = flat.const_data_ptr<int64_t>();
  const auto* end = begin + flat.numel();
  const auto* bad = std::find_if(begin, end, [&](int64_t i) {
    return (i < 0 || i >= size) && i != ignored;
  });
  return bad == end ? ""
                    : index_text(
                          name,
                          {flat.sizes().data(), flat.sizes().size()},
                          bad - begin,
                          *bad,
                          0,
                          size - 1) +
                          (ignored ? ", and " + std::to_string(*ignored) +
                                         ", which is ignored"
                                   : "");
}

bool has_indices(const at::Tensor& tensor) {
  return tensor.defined() && (tensor.scalar_type() == at::kLong ||
                              tensor.scalar_type() == at::kInt);
}

/// Returns the dimension of the table along which an operator looks up indices;
/// nullopt if the table has no such dimension.
std::optional<int64_t> dimension_of(
    const Lookup& lookup,
    std::span<const c10::IValue> arguments,
    const at::Tensor& table) {
  if (lookup.has_classes) {
    return table.dim() > 1 ? 1 : 0;
  }
  if (lookup.dim < 0) {
    return 0;
  }
  if (!arguments[lookup.dim].isInt()) {
    return std::nullopt;
  }
  const int64_t dim = arguments[lookup.dim].toInt();
  return dim >= -table.dim() && dim < table.dim() ? std::optional(dim)
                                                  : std::nullopt;
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
      !arguments[0].isTensor()) {
    return "";
  }
  const at::Tensor& table = arguments[0].toTensor();
  const c10::IValue& index = arguments[lookup->index];
  if (!table.defined() || table.dim() == 0) {
    return "";
  }
  const std::optional<int64_t> dim = dimension_of(*lookup, arguments, table);
  if (!dim || !index.isTensor() || !has_indices(index.toTensor())) {
    return "";
  }
  std::optional<int64_t> ignored;
  if (lookup->has_classes && arguments.size() > kIgnoredClass &&
      arguments[kIgnoredClass].isInt()) {
    ignored = arguments[kIgnoredClass].toInt();
  }
  return fault_in(index.toTensor(), table.size(*dim), ignored, name);
}

}  // namespace pp
