#include "runtime/schedule/cost_text.h"

#include <charconv>
#include <cmath>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

// Sums of costs up to this are finite and exact enough to compare times.
constexpr double kLargestCost = 1e12;

double value_of(const std::string& item, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc{} || stop != end || !std::isfinite(value) ||
      value < 0 || value > kLargestCost) {
    throw usage_error(
        "cost '" + item + "': '" + text + "' is not a number from 0 to 1e12");
  }
  return value;
}

}  // namespace

CostTable parse_costs(std::string_view text) {
  CostTable costs;
  StageCost& stage = costs.stages.front();
  double backward = -1;  // not given
  for (const std::string& item : split_text(text, ',')) {
    const std::vector<std::string> parts = split_text(item, '=');
    if (parts.size() != 2) {
      throw usage_error(
          "cost '" + item + "' is not KEY=NUMBER, as in F=1,I=1,W=1,comm=0");
    }
    const double value = value_of(item, parts[1]);
    if (parts[0] == "F") {
      stage.forward = value;
    } else if (parts[0] == "I") {
      stage.input = value;
    } else if (parts[0] == "W") {
      stage.weight = value;
    } else if (parts[0] == "B") {
      backward = value;
    } else if (parts[0] == "comm") {
      costs.latency = value;
    } else if (parts[0] == "overlap" && value <= 1) {
      costs.overlap = value;
    } else if (parts[0] == "overlap") {
      throw usage_error("cost '" + item + "': overlap must be at most 1");
    } else {
      throw usage_error(
          "cost '" + item + "': unknown key '" + parts[0] +
          "'; known: F, I, W, B, comm, overlap");
    }
  }
  stage.backward = backward < 0 ? stage.input + stage.weight : backward;
  return costs;
}

}  // namespace pp
