#include "runtime/pipeline/failed_rows.h"

#include <algorithm>
#include <string>

#include "loader/core/text.h"

namespace pp {

namespace {

constexpr size_t kMostNamed = 8;

}  // namespace

std::string rows_text(std::span<const int64_t> rows) {
  if (rows.size() == 1) {
    return "row " + std::to_string(rows.front());
  }
  const auto gap = std::ranges::adjacent_find(
      rows, [](int64_t row, int64_t next) { return next != row + 1; });
  if (rows.size() > kMostNamed && gap == rows.end()) {
    return "rows " + std::to_string(rows.front()) + " to " +
           std::to_string(rows.back());
  }
  return "rows " + join(rows.first(std::min(rows.size(), kMostNamed))) +
         (rows.size() > kMostNamed
              ? " and " + std::to_string(rows.size() - kMostNamed) + " more"
              : "");
}

std::span<const int64_t> rows_of_microbatch(
    const StepData& batch, std::span<const int64_t> rows, int microbatch) {
  size_t begin = 0;
  for (int i = 0; i < microbatch; ++i) {
    begin += static_cast<size_t>(batch[i].num_rows);
  }
  return rows.subspan(begin, static_cast<size_t>(batch[microbatch].num_rows));
}

ActionFailed with_rows(
    const ActionFailed& failure,
    const StepData& batch,
    std::span<const int64_t> rows,
    int microbatch) {
  if (failure.microbatch() < 0 || !failure.reason().starts_with("operator")) {
    return failure;
  }
  return {
      failure.kind(),
      failure.stage(),
      failure.microbatch(),
      failure.action(),
      failure.reason() + "; the microbatch is " +
          rows_text(rows_of_microbatch(batch, rows, microbatch)) +
          " of the data"};
}

}  // namespace pp
