#include "tests/program/precondition_rows.h"

#include <cmath>
#include <limits>
#include <utility>

#include <ATen/ATen.h>

namespace pp {

namespace {

using c10::IValue;

constexpr int64_t kHuge = int64_t{1} << 31;

IValue list_of(const std::vector<at::Tensor>& items) {
  return c10::List<at::Tensor>(items);
}

at::Tensor f(at::IntArrayRef sizes) {
  return at::ones(sizes);
}

at::Tensor numbers(const std::vector<int64_t>& values) {
  return at::tensor(values, at::kLong);
}

at::Tensor expanded() {
  return at::ones({1}, at::kLong).expand({3});
}

std::vector<IValue> range_of(double step, at::ScalarType type) {
  return {0, 2, step, static_cast<int64_t>(type), {}, {}, {}};
}

std::vector<IValue> transform(std::vector<int64_t> dims) {
  return {at::ones({2, 3}, at::kComplexFloat), std::move(dims), 0, true};
}

/// Three steps of a packed sequence, whose cell has one weight of each kind.
std::vector<IValue> packed_lstm(int64_t num_layers) {
  return {
      f({3, 2}),
      numbers({2, 1}),
      list_of({f({1, 2, 4}), f({1, 2, 4})}),
      list_of(
          std::vector<at::Tensor>{f({16, 2}), f({16, 4}), f({16}), f({16})}),
      true,
      num_layers,
      0.0,
      false,
      false};
}

IValue masked_indices(size_t count) {
  c10::List<std::optional<at::Tensor>> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(numbers({0, 1}));
  }
  return out;
}

}  // namespace

std::vector<PreconditionRow> shape_rows() {
  const at::Tensor mask = at::ones({2}, at::kBool);
  const at::Tensor transposed = f({2, 3, 3}).transpose(0, 2);
  return {
      {"TransformOfAMissingDimension",
       "aten::_fft_c2c",
       "",
       transform({0, 2}),
       transform({0, 1}),
       "'dim' is [0, 2], but must name different dimensions from 0 to 1"},
      {"TransformTwice",
       "aten::_fft_c2c",
       "",
       transform({1, 1}),
       transform({1}),
       "'dim' is [1, 1], but must name different dimensions from 0 to 1"},
      {"PairsOfNoRows",
       "aten::pdist",
       "",
       {f({0, 3}), 2.0},
       {f({1, 3}), 2.0},
       "'self' must be a matrix with at least 1 row"},
      {"MedianOfAnExpandedTensor",
       "aten::median",
       "dim",
       {expanded(), 0, false},
       {expanded().contiguous(), 0, false},
       "dimension 0 of 'self' is expanded, and LibTorch's kernel reads past "
       "such memory; call contiguous() on it in the model"},
      {"TriangleOfATransposedOutput",
       "aten::triu",
       "out",
       {transposed, 0, transposed},
       {transposed, 0, f({3, 3, 2})},
       "'out' must be contiguous"},
      {"MaskedIndices",
       "aten::_unsafe_masked_index",
       "",
       {f({2}), mask, masked_indices(2), 0},
       {f({2}), mask, masked_indices(1), 0},
       "'indices' has 2 tensors, but 'self' has 1 dimension"},
      {"WeightNormOfAnExpandedWeight",
       "aten::_weight_norm_interface",
       "",
       {f({1, 2}).expand({3, 2}), f({3, 1}), 0},
       {f({3, 2}), f({3, 1}), 0},
       "'v' and 'g' must have memory of their own for each element"},
      {"LayersOfAPackedLstm",
       "aten::lstm",
       "data",
       packed_lstm(-1),
       packed_lstm(1),
       "'num_layers' must be at least 1"},
  };
}

std::vector<PreconditionRow> number_rows() {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();
  return {
      {"RangeOfIntegers",
       "aten::range",
       "step",
       range_of(0.5, at::kLong),
       range_of(0.5, at::kFloat),
       "'step' is less than 1, but the result has integers"},
      {"LongRange",
       "aten::range",
       "step",
       range_of(1e-300, at::kFloat),
       range_of(1e-3, at::kFloat),
       "'start', 'end' and 'step' make a range that is too long"},
      {"Sections",
       "aten::tensor_split",
       "sections",
       {f({4}), kHuge, 0},
       {f({4}), 9, 0},
       "'sections' is 2147483648, but at most 65536 are supported"},
      {"Chunks",
       "aten::unsafe_chunk",
       "",
       {f({0}), kHuge, 0},
       {f({0}), 9, 0},
       "'chunks' is 2147483648, but at most 65536 are supported"},
      {"Padding",
       "aten::replication_pad1d",
       "",
       {f({2, 3}), std::vector<int64_t>{0, int64_t{1} << 62}},
       {f({2, 3}), std::vector<int64_t>{0, 2}},
       "'padding' is [0, 4611686018427387904], which is too much"},
      {"PooledSize",
       "aten::adaptive_max_pool2d",
       "",
       {f({1, 3, 3}), std::vector<int64_t>{kHuge, 0}},
       {f({1, 3, 3}), std::vector<int64_t>{2, 2}},
       "'output_size' is [2147483648, 0], which is too large"},
      {"Exponent",
       "aten::matrix_power",
       "",
       {f({2, 2}), kLeast},
       {f({2, 2}), 3},
       "the exponent is too small"},
      {"LowerBound",
       "aten::random",
       "from",
       {f({2}), kGreatest, {}, {}},
       {f({2}), 0, 9, {}},
       "no integer is greater than 'from'"},
      {"Count",
       "aten::binomial",
       "",
       {at::full({2}, std::nan("")), f({2}), {}},
       {f({2}), f({2}), {}},
       "'count' has a NaN"},
  };
}

}  // namespace pp
