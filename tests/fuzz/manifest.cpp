// manifest.json of a stage directory.
#include "splitter/manifest/manifest.h"

#include "splitter/manifest/manifest_json.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  std::string written;
  const bool accepted = fuzz::accepts([&] {
    written =
        to_json(parse_manifest(fuzz::text_of(data, size), "manifest.json"));
  });
  if (accepted) {
    const std::string again =
        to_json(parse_manifest(written, "written manifest"));
    fuzz::require(again == written, "a written manifest reads back as it was");
  }
  return 0;
}
