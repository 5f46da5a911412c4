#include "runtime/run/failed_rows.h"

#include <string>
#include <vector>

#include "loader/core/text.h"

namespace pp {

ActionFailed with_rows(
    const ActionFailed& failure,
    const StepData& batch,
    std::span<const int64_t> rows,
    int microbatch) {
  if (failure.microbatch() < 0 || !failure.reason().starts_with("operator")) {
    return failure;
  }
  size_t begin = 0;
  for (int i = 0; i < microbatch; ++i) {
    begin += static_cast<size_t>(batch[i].num_rows);
  }
  const auto own =
      rows.subspan(begin, static_cast<size_t>(batch[microbatch].num_rows));
  std::vector<std::string> texts;
  for (const int64_t row : own) {
    texts.push_back(std::to_string(row));
  }
  return {
      failure.kind(),
      failure.stage(),
      failure.microbatch(),
      failure.action(),
      failure.reason() + "; the microbatch is " +
          (texts.size() == 1 ? "row " : "rows ") + join(texts) +
          " of the data"};
}

}  // namespace pp
