// A job file.
#include "runtime/job/job.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  fuzz::accepts(
      [&] { parse_job(fuzz::text_of(data, size), "job.toml", "/jobs"); });
  return 0;
}
