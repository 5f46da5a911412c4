#include "loader/model/shared_memory.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <utility>

namespace pp {

namespace {

/// The first element of a tensor in its record and one past the last.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
};

Span span_of(const ir::TensorMeta& tensor) {
  Span out{tensor.storage_offset.value, tensor.storage_offset.value + 1};
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i].value == 0) {
      return {};
    }
    out.end += (tensor.sizes[i].value - 1) * tensor.strides[i].value;
  }
  return out;
}

/// The first and last coordinate along each stride, both inclusive.
using Box = std::vector<std::pair<int64_t, int64_t>>;

/// Describes the elements of a tensor as a box: each element's position is the
/// sum of its coordinates times the strides, and distinct coordinates have
/// distinct positions. Returns an empty box if there is no such description.
///
/// strides  in descending order; the last one is 1
/// origin   the position at which all coordinates are 0
Box box_of(
    const ir::TensorMeta& tensor,
    const std::vector<int64_t>& strides,
    int64_t origin) {
  Box box;
  int64_t rest = tensor.storage_offset.value - origin;
  for (const int64_t stride : strides) {
    box.emplace_back(rest / stride, rest / stride);
    rest %= stride;
  }
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const auto found = std::ranges::find(strides, tensor.strides[i].value);
    if (found != strides.end() && tensor.sizes[i].value > 1) {
      box[found - strides.begin()].second += tensor.sizes[i].value - 1;
    }
  }
  int64_t reach = 0;  // greatest sum of the coordinates seen so far
  for (size_t i = strides.size(); i-- > 0;) {
    if (reach >= strides[i]) {
      return {};
    }
    reach += box[i].second * strides[i];
  }
  return box;
}

/// Unites those states of one record that share elements.
///
/// members  indices of the record's states
/// leader   for each state, the lowest index in the set that it belongs to
void unite(
    const Model& model,
    std::vector<size_t> members,
    std::vector<size_t>& leader) {
  const auto tensor_of = [&](size_t i) -> const ir::TensorMeta& {
    return model.records.at(model.graph.states[i].fqn).tensor;
  };
  const auto bytes_of = [&](size_t i) {
    const ir::TensorMeta& tensor = tensor_of(i);
    const Span span = span_of(tensor);
    const int64_t size = ir::element_size(tensor.dtype);
    return Span{span.begin * size, span.end * size};
  };
  std::ranges::sort(members, {}, [&](size_t i) { return bytes_of(i).begin; });
  std::vector<size_t> open;  // members that end after the current begin
  for (const size_t i : members) {
    const int64_t begin = bytes_of(i).begin;
    std::erase_if(open, [&](size_t k) { return bytes_of(k).end <= begin; });
    for (const size_t k : open) {
      if (leader[i] != leader[k] && may_overlap(tensor_of(i), tensor_of(k))) {
        const auto [low, high] = std::minmax(leader[i], leader[k]);
        std::ranges::replace(leader, size_t{high}, size_t{low});
      }
    }
    open.push_back(i);
  }
}

}  // namespace

bool may_overlap(const ir::TensorMeta& a, const ir::TensorMeta& b) {
  const Span of_a = span_of(a);
  const Span of_b = span_of(b);
  if (of_a.begin == of_a.end || of_b.begin == of_b.end) {
    return false;
  }
  if (a.dtype != b.dtype) {
    return true;
  }
  if (of_a.end <= of_b.begin || of_b.end <= of_a.begin) {
    return false;
  }
  std::set<int64_t, std::greater<>> strides{1};
  for (const ir::TensorMeta* tensor : {&a, &b}) {
    for (size_t i = 0; i < tensor->sizes.size(); ++i) {
      if (tensor->sizes[i].value > 1 && tensor->strides[i].value > 0) {
        strides.insert(tensor->strides[i].value);
      }
    }
  }
  const std::vector<int64_t> common(strides.begin(), strides.end());
  const int64_t origin = std::min(of_a.begin, of_b.begin);
  const Box box_a = box_of(a, common, origin);
  const Box box_b = box_of(b, common, origin);
  for (size_t i = 0; i < std::min(box_a.size(), box_b.size()); ++i) {
    if (box_a[i].second < box_b[i].first || box_b[i].second < box_a[i].first) {
      return false;
    }
  }
  return true;
}

void mark_shared_memory(Model& model) {
  std::vector<ir::State>& states = model.graph.states;
  std::map<std::string, std::vector<size_t>> by_record;
  for (size_t i = 0; i < states.size(); ++i) {
    const StateRecord& record = model.records.at(states[i].fqn);
    if (record.has_values() && record.num_bytes > 0) {
      by_record[record.record].push_back(i);
    }
  }
  std::vector<size_t> leader(states.size());
  std::iota(leader.begin(), leader.end(), size_t{0});
  for (auto& [record, members] : by_record) {
    if (members.size() > 1) {
      unite(model, std::move(members), leader);
    }
  }
  std::vector<size_t> sizes(states.size(), 0);
  for (const size_t each : leader) {
    ++sizes[each];
  }
  for (size_t i = 0; i < states.size(); ++i) {
    states[i].memory = sizes[leader[i]] > 1 ? states[leader[i]].fqn : "";
  }
}

}  // namespace pp
