#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "loader/core/count_text.h"
#include "loader/core/text.h"
#include "loader/operators/named_arguments.h"
#include "loader/operators/precondition_checks.h"

namespace pp {

namespace {

double number_of(const c10::IValue& value) {
  return value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble();
}

/// Whether the result has an integer type, by the argument `dtype` or `out`.
bool makes_integers(const NamedArguments& arguments) {
  const c10::IValue dtype = arguments.find("dtype");
  const at::Tensor out = arguments.tensor("out");
  return (dtype.isInt() && c10::isIntegralType(dtype.toScalarType(), true)) ||
         (out.defined() && c10::isIntegralType(out.scalar_type(), true));
}

}  // namespace

std::string fourier_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const int64_t num_dims = arguments.tensor("self").dim();
  const std::vector<int64_t> dims = arguments.integers("dim");
  std::vector<int64_t> sorted = dims;
  std::ranges::sort(sorted);
  const bool in_range =
      sorted.empty() || (sorted.front() >= 0 && sorted.back() < num_dims);
  return in_range && std::ranges::adjacent_find(sorted) == sorted.end()
             ? ""
             : "'dim' is " + shape_text(dims) +
                   ", but must name different dimensions from 0 to " +
                   std::to_string(num_dims - 1);
}

std::string pairs_fault(SchemaRef schema, ArgumentSpan values) {
  const at::Tensor self = NamedArguments(schema, values).tensor("self");
  return self.dim() == 2 && self.size(0) > 0
             ? ""
             : "'self' must be a matrix with at least 1 row";
}

std::string median_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const at::Tensor self = arguments.at(0).toTensor();
  const c10::IValue given = arguments.find("dim");
  if (!given.isInt() || !self.is_cpu() || self.dim() == 0) {
    return "";
  }
  const int64_t dim = given.toInt() + (given.toInt() < 0 ? self.dim() : 0);
  const bool in_range = dim >= 0 && dim < self.dim();  // LibTorch checks it
  return in_range && self.stride(dim) == 0 && self.size(dim) > 1
             ? "dimension " + std::to_string(dim) +
                   " of 'self' is expanded, and LibTorch's kernel reads past "
                   "such memory; call contiguous() on it in the model"
             : "";
}

std::string range_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const c10::IValue step = arguments.find("step");
  const double stride = step.isNone() ? 1.0 : number_of(step);
  const double length =
      (number_of(arguments.find("end")) - number_of(arguments.find("start"))) /
      stride;
  constexpr double kLargest = 0x1p53;  // larger sizes aren't exact in a double
  if (!(std::abs(length) < kLargest)) {
    return "'start', 'end' and 'step' make a range that is too long";
  }
  return std::abs(stride) < 1 && makes_integers(arguments)
             ? "'step' is less than 1, but the result has integers"
             : "";
}

std::string sections_fault(SchemaRef schema, ArgumentSpan values) {
  constexpr int64_t kMaxSections = 1 << 16;
  const NamedArguments arguments(schema, values);
  const at::Tensor self = arguments.at(0).toTensor();
  for (const char* name :
       {"sections", "chunks", "tensor_indices_or_sections"}) {
    c10::IValue number = arguments.find(name);
    if (number.isTensor() && number.toTensor().numel() == 1 &&
        number.toTensor().dim() == 0 && number.toTensor().is_cpu()) {
      number = number.toTensor().item<int64_t>();
    }
    // Chunks that are empty are made only of a dimension without elements.
    const bool makes_all =
        name != std::string_view("chunks") || self.numel() == 0;
    if (makes_all && number.isInt() && number.toInt() > kMaxSections) {
      return std::string("'") + name + "' is " +
             std::to_string(number.toInt()) + ", but at most " +
             std::to_string(kMaxSections) + " are supported";
    }
  }
  return "";
}

std::string adaptive_pool_fault(SchemaRef schema, ArgumentSpan values) {
  constexpr int64_t kLargest = 1 << 24;
  const std::vector<int64_t> sizes =
      NamedArguments(schema, values).integers("output_size");
  return std::ranges::all_of(sizes, [](int64_t x) { return x <= kLargest; })
             ? ""
             : "'output_size' is " + shape_text(sizes) + ", which is too large";
}

std::string padding_fault(SchemaRef schema, ArgumentSpan values) {
  constexpr int64_t kLargest = int64_t{1} << 31;
  const std::vector<int64_t> padding =
      NamedArguments(schema, values).integers("padding");
  const bool fits = std::ranges::all_of(padding, [](int64_t each) {
    return each > -kLargest && each < kLargest;
  });
  return fits ? ""
              : "'padding' is " + shape_text(padding) + ", which is too much";
}

std::string masked_index_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const size_t num_indices = arguments.find("indices").toListRef().size();
  const int64_t num_dims = arguments.tensor("self").dim();
  return num_indices <= static_cast<size_t>(num_dims)
             ? ""
             : "'indices' has " + count_text(num_indices, "tensor", "tensors") +
                   ", but 'self' has " +
                   count_text(num_dims, "dimension", "dimensions");
}

std::string triangle_fault(SchemaRef schema, ArgumentSpan values) {
  const at::Tensor out = NamedArguments(schema, values).tensor("out");
  return !out.defined() || out.is_contiguous() ? ""
                                               : "'out' must be contiguous";
}

}  // namespace pp
