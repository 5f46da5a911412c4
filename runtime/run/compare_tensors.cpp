#include "runtime/run/compare_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <utility>

#include <ATen/ops/view_as_real.h>

#include "loader/core/count_text.h"

namespace pp {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor as_double(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach();
  return (plain.is_complex() ? at::view_as_real(plain.resolve_conj()) : plain)
      .to(at::kDouble);
}

/// The largest absolute value, NaN ignored.
double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0
                             : as_double(tensor)
                                   .abs()
                                   .nan_to_num(0, kInfinity, kInfinity)
                                   .max()
                                   .item<double>();
}

/// The largest difference between double tensors of one shape; NaN equals NaN.
double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor differs = a.ne(b).logical_and(a.eq(a).logical_or(b.eq(b)));
  if (!differs.any().item<bool>()) {
    return 0;
  }
  const at::Tensor by = a.sub(b).abs().masked_select(differs);
  return by.nan_to_num(kInfinity, kInfinity, kInfinity).max().item<double>();
}

/// The largest difference between integers or bools that aren't equal.
double largest_integer_difference(const at::Tensor& a, const at::Tensor& b) {
  // Doubles don't hold every int64: numbers that differ may become equal.
  return std::max(1.0, largest_difference(as_double(a), as_double(b)));
}

/// Compares two tensors of one name.
///
/// scale  the largest entry of all tensors of their kind
VerifyRow compare_one(
    const at::Tensor& expected, const at::Tensor* actual, double scale) {
  VerifyRow row;
  if (actual == nullptr || actual->sizes() != expected.sizes() ||
      actual->scalar_type() != expected.scalar_type()) {
    row.error = kInfinity;
    return row;
  }
  row.equal_bits = actual->equal(expected);
  if (row.equal_bits) {
    return row;
  }
  if (c10::isIntegralType(expected.scalar_type(), /*includeBool=*/true)) {
    row.error = largest_integer_difference(*actual, expected);
    return row;
  }
  const at::Tensor a = as_double(*actual);
  const at::Tensor b = as_double(expected);
  const double floor = std::max(largest(expected), 1e-3 * scale);
  const double difference = largest_difference(a, b);
  row.error =
      floor > 0 && std::isfinite(floor) ? difference / floor : difference;
  row.equal_bits = difference == 0;
  row.has_nan = b.ne(b).any().item<bool>();
  return row;
}

}  // namespace

void compare_tensors(
    const std::string& kind,
    const std::map<std::string, at::Tensor>& reference,
    const std::map<std::string, at::Tensor>& actual,
    std::vector<VerifyRow>& rows) {
  double scale = 0;
  for (const auto& [name, tensor] : reference) {
    scale = std::max(scale, largest(tensor));
  }
  for (const auto& [name, expected] : reference) {
    const auto found = actual.find(name);
    VerifyRow& row = rows.emplace_back(compare_one(
        expected, found == actual.end() ? nullptr : &found->second, scale));
    row.kind = kind;
    row.name = name;
  }
  for (const auto& [name, tensor] : actual) {
    if (!reference.contains(name)) {
      rows.push_back({kind, name, kInfinity, false});
    }
  }
}

bool VerifyReport::is_right(const VerifyRow& row) const {
  return row.error <= tolerance ||
         (row.error_in_double &&
          *row.error_in_double <= kToleranceInDouble * tolerance);
}

namespace {

std::string error_text(double error) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", error);
  return text;
}

/// A value's line in the table: its error, and how it was judged.
std::string row_text(const VerifyReport& report, const VerifyRow& row) {
  std::string out =
      "  " + row.kind + " " + row.name + ": error " + error_text(row.error);
  if (row.error_in_double) {
    out += ", in double precision " + error_text(*row.error_in_double) +
           (report.is_right(row) ? ": rounding" : "");
  }
  return out + (report.is_right(row) ? "" : "  <-- above tolerance") + "\n";
}

/// Notes about the table's values.
std::string notes_text(const VerifyReport& report) {
  int64_t num_nan = 0;
  int64_t num_rounded = 0;
  for (const VerifyRow& row : report.rows) {
    num_nan += row.has_nan ? 1 : 0;
    num_rounded += row.error_in_double && report.is_right(row) ? 1 : 0;
  }
  std::string out;
  if (num_rounded > 0) {
    out +=
        "  note: " + count_text(num_rounded, "value differs", "values differ") +
        " by more than the tolerance of " + error_text(report.tolerance) +
        " in single precision, but not in double precision: the model "
        "amplifies rounding\n";
  }
  if (!report.not_in_double.empty()) {
    out += "  note: not compared in double precision: " + report.not_in_double +
           "\n";
  }
  if (num_nan > 0) {
    out += "  note: " + count_text(num_nan, "value has", "values have") +
           " NaN, in the unsplit model too; those entries can't be compared\n";
  }
  return out;
}

}  // namespace

std::string VerifyReport::text() const {
  std::vector<const VerifyRow*> worst;
  size_t num_equal = 0;
  for (const VerifyRow& row : rows) {
    num_equal += row.equal_bits ? 1 : 0;
    worst.push_back(&row);
  }
  std::ranges::stable_sort(worst, std::greater<>(), [&](const auto* row) {
    return std::pair(!is_right(*row), row->error);
  });
  std::string out = std::to_string(rows.size()) + " values compared over " +
                    count_text(num_stages, "stage", "stages") + ": " +
                    std::to_string(num_equal) + " bitwise equal\n";
  constexpr size_t kMaxRows = 10;
  for (size_t i = 0; i < std::min(kMaxRows, worst.size()); ++i) {
    if (worst[i]->equal_bits) {
      break;
    }
    out += row_text(*this, *worst[i]);
  }
  return out + notes_text(*this) +
         (passed
              ? "verified: the pipeline computes what the unsplit model does\n"
              : "DIFFERENT: the pipeline does not compute what the unsplit "
                "model does\n");
}

}  // namespace pp
