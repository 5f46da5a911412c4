// A NumPy array.
#include "loader/archive/npy.h"

#include "tests/fuzz/harness.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const fuzz::MemoryFile file(std::as_bytes(std::span(data, size)));
  fuzz::accepts([&] {
    const NpyReader reader(file.path());
    fuzz::touch(reader.tensor().bytes);
  });
  return 0;
}
