#include "tests/fuzz/archive_file.h"

#include "loader/archive/bytes.h"
#include "tests/archive/raw_zip.h"

namespace pp::fuzz {

namespace {

std::string zip_of(
    const std::vector<std::pair<std::string, std::string>>& records) {
  std::vector<test::RawEntry> entries;
  entries.reserve(records.size());
  for (const auto& [name, content] : records) {
    entries.push_back({.name = "fuzz/" + name, .payload = content});
  }
  return test::raw_zip(entries);
}

}  // namespace

ArchiveFile::ArchiveFile(
    const std::vector<std::pair<std::string, std::string>>& records)
    : file_(as_bytes(zip_of(records))),
      reader_(std::make_shared<ZipReader>(file_.path())) {}

}  // namespace pp::fuzz
