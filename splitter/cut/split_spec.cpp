#include "splitter/cut/split_spec.h"

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

SplitPoint parse_split_point(std::string_view text) {
  SplitPoint point;
  const size_t colon = text.rfind(':');
  std::string_view fqn = text;
  if (colon != std::string_view::npos) {
    const std::string_view side = text.substr(colon + 1);
    fqn = text.substr(0, colon);
    if (side == "end") {
      point.side = SplitSide::End;
    } else if (side != "beginning" && side != "begin") {
      throw usage_error(
          "split point '" + std::string(text) + "': '" + std::string(side) +
          "' is not a side of a module; write 'FQN' to cut before it or "
          "'FQN:end' to cut after it");
    }
  }
  if (fqn.empty()) {
    throw usage_error(
        "split point '" + std::string(text) +
        "' names no module; write 'FQN' or 'FQN:end'");
  }
  point.fqn = fqn;
  return point;
}

std::string to_string(const SplitPoint& point) {
  return point.side == SplitSide::End ? point.fqn + ":end" : point.fqn;
}

}  // namespace pp
