// A safetensors file: its header, and the bytes of every tensor.
#include "loader/archive/safetensors.h"

#include "tests/fuzz/harness.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const fuzz::MemoryFile file(std::as_bytes(std::span(data, size)));
  fuzz::accepts([&] {
    const SafetensorsReader reader(file.path());
    for (const auto& [name, view] : reader.tensors()) {
      fuzz::touch(view.bytes);
    }
    reader.find("weight");
  });
  return 0;
}
