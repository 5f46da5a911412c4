#include "runtime/transport/gaps.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include <ATen/ops/empty_strided.h>

#include "loader/core/error.h"
#include "runtime/transport/canonical.h"

namespace pp {

namespace {

// Rows keep their place within a cache line, whatever the element's size.
constexpr int64_t kGap = 64;

bool is_expanded(const at::Tensor& tensor, int64_t dim) {
  return tensor.size(dim) > 1 && tensor.stride(dim) == 0;
}

/// The dimensions that aren't expanded, from the smallest stride up.
std::vector<int64_t> dims_by_stride(const at::Tensor& tensor) {
  std::vector<int64_t> dims;
  for (int64_t dim = 0; dim < tensor.dim(); ++dim) {
    if (tensor.stride(dim) > 0) {
      dims.push_back(dim);
    }
  }
  std::ranges::stable_sort(dims, [&](int64_t a, int64_t b) {
    return tensor.stride(a) < tensor.stride(b);
  });
  return dims;
}

/// The strides of one layout and of its copy with narrower gaps, from the
/// smallest up.
struct Narrowing {
  int64_t old_stride = 0;  ///< stride of the last dimension
  int64_t new_stride = 0;
  int64_t old_next = 1;  ///< the stride that would follow without a gap
  int64_t new_next = 1;
  int64_t old_span = 1;  ///< elements from the first one to the last one
  int64_t new_span = 1;

  int64_t narrowed(int64_t stride) const {
    if (stride == old_stride) {
      return new_stride;
    }
    if (stride == old_next) {
      return new_next;
    }
    if (old_next == 1) {
      return 2;  // no two elements are neighbours
    }
    const int64_t least = stride < old_next ? new_span : new_next + 1;
    const int64_t shift = (stride - least) % kGap;
    return std::min(stride, least + (shift < 0 ? shift + kGap : shift));
  }

  void add(int64_t size, int64_t stride) {
    const int64_t next = narrowed(stride);
    old_stride = stride;
    new_stride = next;
    if (size > 1) {
      old_next = size * old_stride;
      new_next = size * new_stride;
      old_span += (size - 1) * old_stride;
      new_span += (size - 1) * new_stride;
    }
  }
};

/// Returns the strides with gaps of at most kGap elements; nullopt if elements
/// overlap in another way than by expansion.
std::optional<std::vector<int64_t>> narrowed_strides(const at::Tensor& tensor) {
  std::vector<int64_t> strides = tensor.strides().vec();
  Narrowing narrowing;
  for (const int64_t dim : dims_by_stride(tensor)) {
    if (tensor.size(dim) > 1 && tensor.stride(dim) < narrowing.old_span) {
      return std::nullopt;
    }
    narrowing.add(tensor.size(dim), tensor.stride(dim));
    strides[dim] = narrowing.new_stride;
  }
  return strides;
}

bool is_dense_or_empty(const at::Tensor& tensor) {
  return tensor.numel() == 0 || tensor.is_non_overlapping_and_dense();
}

at::Tensor without_expansion(at::Tensor tensor) {
  for (int64_t dim = 0; dim < tensor.dim(); ++dim) {
    if (is_expanded(tensor, dim)) {
      tensor = tensor.narrow(dim, 0, 1);
    }
  }
  return tensor;
}

void put_layout(
    std::vector<int64_t>& ints,
    size_t index,
    at::IntArrayRef sizes,
    at::IntArrayRef strides) {
  ints.push_back(static_cast<int64_t>(index));
  ints.insert(ints.end(), sizes.begin(), sizes.end());
  ints.insert(ints.end(), strides.begin(), strides.end());
}

[[noreturn]] void refuse_layout() {
  throw runtime_error(
      "a message describes layouts that its tensors can't have; does every "
      "rank run the same build of pp?");
}

/// Whether the layout holds the elements of the dense tensor, and they overlap
/// only in its expanded dimensions.
bool fits(
    const at::Tensor& dense, at::IntArrayRef sizes, at::IntArrayRef strides) {
  for (int64_t dim = 0; dim < dense.dim(); ++dim) {
    const bool is_one = dense.size(dim) == 1;
    const bool fits_size =
        sizes[dim] == dense.size(dim) || (is_one && strides[dim] == 0);
    if (!fits_size || sizes[dim] < 1 || strides[dim] < (is_one ? 0 : 1)) {
      return false;
    }
  }
  return dense.numel() > 0;
}

at::Tensor laid_out(
    const at::Tensor& dense, at::IntArrayRef sizes, at::IntArrayRef strides) {
  bool same = true;
  for (int64_t dim = 0; dim < dense.dim(); ++dim) {
    same = same && (dense.size(dim) == 1 || dense.stride(dim) == strides[dim]);
  }
  at::Tensor memory = dense;
  if (!same) {
    memory = at::empty_strided(dense.sizes(), strides, dense.options());
    memory.copy_(dense);
  }
  return memory.as_strided(sizes, strides, memory.storage_offset());
}

}  // namespace

Message describe_gaps(Message message) {
  const size_t before = message.ints.size();
  for (size_t i = 0; i < message.tensors.size(); ++i) {
    at::Tensor& tensor = message.tensors[i];
    if (!tensor.defined() || is_dense_or_empty(tensor)) {
      continue;
    }
    const at::Tensor plain = tensor.detach().resolve_conj().resolve_neg();
    const auto strides = narrowed_strides(plain);
    if (strides && !is_dense_or_empty(plain)) {
      put_layout(message.ints, i, plain.sizes(), *strides);
      tensor = canonical(without_expansion(plain));
    }
  }
  message.ints.push_back(static_cast<int64_t>(message.ints.size() - before));
  return message;
}

Message restore_gaps(Message message) {
  if (message.ints.empty() || message.ints.back() < 0 ||
      message.ints.back() >= static_cast<int64_t>(message.ints.size())) {
    refuse_layout();
  }
  const auto count = static_cast<size_t>(message.ints.back());
  const size_t begin = message.ints.size() - 1 - count;
  std::span<const int64_t> rest(message.ints.data() + begin, count);
  while (!rest.empty()) {
    const auto index = static_cast<size_t>(rest[0]);
    if (index >= message.tensors.size() || !message.tensors[index].defined()) {
      refuse_layout();
    }
    at::Tensor& tensor = message.tensors[index];
    const auto dims = static_cast<size_t>(tensor.dim());
    if (rest.size() < 1 + 2 * dims) {
      refuse_layout();
    }
    const at::IntArrayRef sizes(rest.data() + 1, dims);
    const at::IntArrayRef strides(rest.data() + 1 + dims, dims);
    if (!fits(tensor, sizes, strides)) {
      refuse_layout();
    }
    tensor = laid_out(tensor, sizes, strides);
    rest = rest.subspan(1 + 2 * dims);
  }
  message.ints.resize(begin);
  return message;
}

}  // namespace pp
