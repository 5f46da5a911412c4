#include "tests/exported_program/patched_archive.h"

#include "loader/archive/zip_reader.h"
#include "loader/archive/zip_writer.h"

namespace pp::testing_support {

void write_patched(
    const std::filesystem::path& source,
    const std::filesystem::path& target,
    const std::map<std::string, std::function<std::string(std::string)>>&
        changes) {
  const ZipReader from(source);
  ZipWriter to(target, from.top_folder());
  for (const ZipRecord& record : from.records()) {
    const auto change = changes.find(record.name);
    if (change == changes.end()) {
      to.copy(record.name, from, record);
    } else if (change->second) {
      to.add(
          record.name,
          std::string_view(
              change->second(std::string(from.text(record.name)))));
    }
  }
  to.finish();
}

}  // namespace pp::testing_support
