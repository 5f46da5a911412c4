#include "loader/model/shared_weights.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "loader/core/error.h"

namespace pp {

namespace {

/// Number of elements in memory from the first to the last of the tensor.
int64_t extent(const ir::TensorMeta& tensor) {
  int64_t out = 1;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    out += (tensor.sizes[i].value - 1) * tensor.strides[i].value;
  }
  return out;
}

bool is_contiguous(const ir::TensorMeta& tensor) {
  int64_t stride = 1;
  for (size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.sizes[i].value != 1 && tensor.strides[i].value != stride) {
      return false;
    }
    stride *= tensor.sizes[i].value;
  }
  return true;
}

bool covers(const ir::TensorMeta& base, const ir::TensorMeta& other) {
  const int64_t begin = base.storage_offset.value;
  const int64_t first = other.storage_offset.value;
  return base.dtype == other.dtype && first >= begin &&
         first + extent(other) <= begin + extent(base);
}

/// Whether the elements of a contiguous tensor equal those of a view.
bool same_elements(
    std::span<const std::byte> contiguous,
    const ir::TensorMeta& view,
    std::span<const std::byte> base) {
  const auto element = static_cast<size_t>(ir::element_size(view.dtype));
  std::vector<int64_t> index(view.sizes.size(), 0);
  for (size_t i = 0; i * element < contiguous.size(); ++i) {
    int64_t at = view.storage_offset.value;
    for (size_t d = 0; d < index.size(); ++d) {
      at += index[d] * view.strides[d].value;
    }
    if (std::memcmp(
            contiguous.data() + i * element,
            base.data() + static_cast<size_t>(at) * element,
            element) != 0) {
      return false;
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < view.sizes[d].value) {
        break;
      }
      index[d] = 0;
    }
  }
  return true;
}

}  // namespace

bool SharedWeights::is_other(const std::string& fqn) const {
  return std::ranges::find(others, fqn, &Member::fqn) != others.end();
}

std::vector<SharedWeights> find_shared_weights(const Model& model) {
  std::map<std::string, std::vector<SharedWeights::Member>> groups;
  for (const ir::State& state : model.graph.states) {
    if (!state.memory.empty()) {
      groups[state.memory].push_back(
          {state.fqn, model.records.at(state.fqn).tensor});
    }
  }
  std::vector<SharedWeights> out;
  for (auto& [memory, members] : groups) {
    const auto base = std::ranges::find_if(members, [&](const auto& each) {
      return is_contiguous(each.tensor) &&
             std::ranges::all_of(members, [&](const auto& other) {
               return covers(each.tensor, other.tensor);
             });
    });
    if (base == members.end()) {
      throw input_error(
          model.path + ": '" + members[0].fqn + "' and '" + members[1].fqn +
          "' share only part of their memory, so weight files can't set "
          "their values; clone() one of them before the export");
    }
    SharedWeights& group = out.emplace_back();
    group.base = std::move(*base);
    members.erase(base);
    group.others = std::move(members);
  }
  return out;
}

void bind_shared_weights(
    Model& model, const SharedWeights& group, const WeightFiles& files) {
  const StateRecord& base = model.records.at(group.base.fqn);
  if (!base.file) {
    return;  // the files lack the base, which bind_weights() reports
  }
  const auto values = base.file->bytes().subspan(base.offset, base.num_bytes);
  for (const SharedWeights::Member& other : group.others) {
    StateRecord record = base;
    record.tensor = other.tensor;
    record.tensor.storage_offset.value -=
        group.base.tensor.storage_offset.value;
    const TensorView* own = files.try_find(other.fqn).tensor;
    if (own != nullptr && !same_elements(own->bytes, record.tensor, values)) {
      throw input_error(
          files.label() + ": '" + group.base.fqn + "' and '" + other.fqn +
          "' share memory in the model, but differ in the files");
    }
    model.records.at(other.fqn) = std::move(record);
  }
}

}  // namespace pp
