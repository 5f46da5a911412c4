#pragma once

#include <string>
#include <utility>
#include <vector>

#include "loader/archive/zip_reader.h"
#include "tests/fuzz/memory_file.h"

namespace pp::fuzz {

/// A sound archive in memory with these records, each a name and its content.
/// With it a harness reaches the reader of a record, whatever the record holds.
class ArchiveFile {
 public:
  explicit ArchiveFile(
      const std::vector<std::pair<std::string, std::string>>& records);

  const ZipReader& reader() const { return *reader_; }
  const std::shared_ptr<const ZipReader>& shared() const { return reader_; }

 private:
  MemoryFile file_;
  std::shared_ptr<const ZipReader> reader_;
};

}  // namespace pp::fuzz
