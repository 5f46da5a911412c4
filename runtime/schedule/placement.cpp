#include "runtime/schedule/placement.h"

#include <algorithm>

#include "loader/core/count_text.h"
#include "loader/core/error.h"

namespace pp {
namespace {

std::string sizes(std::string_view schedule, const Shape& shape) {
  return std::string(schedule) + " on " +
         count_text(shape.num_ranks, "rank", "ranks");
}

void check_positive(
    std::string_view schedule, std::string_view what, int value) {
  if (value < 1) {
    throw usage_error(
        std::string(schedule) + " needs at least 1 " + std::string(what) +
        ", got " + std::to_string(value));
  }
}

}  // namespace

void check_shape(std::string_view schedule, const Shape& shape) {
  check_positive(schedule, "rank", shape.num_ranks);
  check_positive(schedule, "stage", shape.num_stages);
  check_positive(schedule, "microbatch", shape.num_microbatches);
  if (shape.num_stages >= kMaxStages) {
    throw usage_error(
        std::string(schedule) + " supports fewer than " +
        count_text(kMaxStages, "stage", "stages") + ", got " +
        std::to_string(shape.num_stages));
  }
}

StageMap block_placement(std::string_view schedule, const Shape& shape) {
  check_shape(schedule, shape);
  if (shape.num_stages < shape.num_ranks) {
    throw usage_error(
        sizes(schedule, shape) + " needs at least " +
        count_text(shape.num_ranks, "stage", "stages") + ", got " +
        std::to_string(shape.num_stages) + "; split into " +
        count_text(shape.num_ranks, "stage", "stages") + " or start " +
        count_text(shape.num_stages, "rank", "ranks"));
  }
  StageMap map;
  const int smaller = shape.num_stages / shape.num_ranks;
  const int larger_ranks = shape.num_stages % shape.num_ranks;
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    map.insert(map.end(), smaller + (rank < larger_ranks ? 1 : 0), rank);
  }
  return map;
}

StageMap loop_placement(std::string_view schedule, const Shape& shape) {
  check_shape(schedule, shape);
  const int remainder = shape.num_stages % shape.num_ranks;
  if (remainder != 0) {
    const int below = shape.num_stages - remainder;
    const int above = below + shape.num_ranks;
    throw usage_error(
        sizes(schedule, shape) +
        " needs the same number of stages on each, got " +
        count_text(shape.num_stages, "stage", "stages") + "; split into " +
        (below > 0 ? std::to_string(below) + " or " : "") +
        std::to_string(above));
  }
  StageMap map(shape.num_stages);
  for (int stage = 0; stage < shape.num_stages; ++stage) {
    map[stage] = stage % shape.num_ranks;
  }
  return map;
}

StageMap v_placement(std::string_view schedule, const Shape& shape) {
  check_shape(schedule, shape);
  const int num_stages = 2 * shape.num_ranks;
  if (shape.num_stages != num_stages) {
    std::string change =
        "split into " + count_text(num_stages, "stage", "stages");
    if (shape.num_stages % 2 == 0) {
      change +=
          " or start " + count_text(shape.num_stages / 2, "rank", "ranks");
    }
    throw usage_error(
        sizes(schedule, shape) + " needs exactly 2 stages on each, got " +
        count_text(shape.num_stages, "stage", "stages") + "; " + change);
  }
  StageMap map(num_stages);
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    map[rank] = rank;
    map[num_stages - 1 - rank] = rank;
  }
  return map;
}

}  // namespace pp
