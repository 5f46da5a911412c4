// The tree of a program's arguments or results.
#include "loader/exported_program/tree.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const JsonFields program("{}", "model.json");
  const nlohmann::json fields = {
      {"fuzz.Pair", {{"field_names", {"first", "second"}}}}};
  fuzz::accepts([&] {
    const std::string spec(fuzz::text_of(data, size));
    const auto leaves = ep::leaves_of(spec, &fields, program);
    const auto names = ep::output_names(leaves);
    fuzz::require(names.size() == leaves.size(), "each leaf has a name");
  });
  return 0;
}
