// The index of the source archive in a stage directory.
#include "splitter/files/source_archive.h"
#include "tests/fuzz/archive_file.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const fuzz::ArchiveFile archive(
      {{kSourceIndexRecord, std::string(fuzz::text_of(data, size))}});
  fuzz::accepts([&] { read_source_index(archive.reader()); });
  return 0;
}
