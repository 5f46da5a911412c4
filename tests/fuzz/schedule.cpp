// A schedule as CSV: parsed, checked, simulated, and lowered where it only
// computes.
#include "loader/core/error.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/draw.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/simulate.h"
#include "runtime/schedule/validate.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

bool is_valid(const Schedule& schedule) {
  return accepts([&] {
    validate(schedule, num_microbatches(schedule), has_backward(schedule));
  });
}

void use(const Schedule& schedule) {
  const std::string csv = to_csv(schedule);
  require(
      to_csv(parse_csv(csv, "written")) == csv,
      "a written schedule reads back as it was");
  if (!is_valid(schedule)) {
    return;
  }
  simulate(schedule, {});
  if (!is_lowered(schedule)) {
    const Schedule lowered = lower(schedule);
    require(is_valid(lowered), "lowering keeps a schedule valid");
    simulate(lowered, {});
  }
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  Schedule schedule;
  const bool accepted = fuzz::accepts(
      [&] { schedule = parse_csv(fuzz::text_of(data, size), "schedule.csv"); });
  if (accepted) {
    fuzz::use(schedule);
  }
  return 0;
}
