// An archive: its directory, and the content of every record.
#include "loader/archive/zip_directory.h"
#include "loader/archive/zip_reader.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/memory_file.h"

namespace pp::fuzz {

namespace {

void read_records(const ZipReader& archive) {
  archive.content_hash();
  for (const ZipRecord& record : archive.records()) {
    if (!record.deflated) {
      touch(archive.bytes(record));
      accepts([&] { ZipReader::nested(archive, record).content_hash(); });
    }
    accepts([&] { archive.content(record); });
  }
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const auto bytes = std::as_bytes(std::span(data, size));
  fuzz::accepts([&] { zip::read_directory(bytes, "fuzz.zip"); });
  const fuzz::MemoryFile file(bytes);
  fuzz::accepts([&] { fuzz::read_records(ZipReader(file.path())); });
  return 0;
}
