// state.json of a checkpoint.
#include "loader/archive/checkpoint_state.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  CheckpointContent content;
  const bool accepted = fuzz::accepts([&] {
    content = parse_checkpoint(fuzz::text_of(data, size), "step_1/state.json");
  });
  if (!accepted) {
    return 0;
  }
  parts_text(content.parts);
  fuzz::accepts([&] { check_parts_are_there("/nowhere", content); });
  const std::string written = to_json(content);
  fuzz::require(
      to_json(parse_checkpoint(written, "written")) == written,
      "a written state reads back as it was");
  return 0;
}
