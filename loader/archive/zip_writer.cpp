#include "loader/archive/zip_writer.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "loader/archive/bytes.h"
#include "loader/archive/temp_file.h"
#include "loader/archive/zip_format.h"
#include "loader/archive/zip_inflate.h"
#include "loader/core/error.h"

namespace pp {

namespace {

/// A record's entry in the directory.
struct Entry {
  std::string name;  ///< with the top folder
  uint16_t method = zip::kStored;
  uint32_t crc32 = 0;
  uint64_t stored_bytes = 0;
  uint64_t inflated_bytes = 0;
  uint64_t header_offset = 0;
};

uint32_t or_see64(uint64_t value) {
  return value < zip::kSee64 ? static_cast<uint32_t>(value) : zip::kSee64;
}

uint16_t version_needed(bool zip64) {
  return zip64 ? zip::kVersion64 : 0;
}

/// The zip64 extra field with those of `values` that need 64 bits, in the order
/// of the format. Empty if none does.
std::string zip64_extra(std::initializer_list<uint64_t> values) {
  std::string numbers;
  for (const uint64_t value : values) {
    if (value >= zip::kSee64) {
      append_le<uint64_t>(numbers, value);
    }
  }
  if (numbers.empty()) {
    return {};
  }
  std::string extra;
  append_le<uint16_t>(extra, zip::kExtraZip64);
  append_le<uint16_t>(extra, static_cast<uint16_t>(numbers.size()));
  return extra + numbers;
}

/// Padding that moves the payload to a multiple of kAlignment.
/// end   where the header would end without padding
std::string padding_extra(uint64_t end) {
  const uint64_t bare = end + 4;  // after the padding's id and length
  const uint64_t fill =
      (zip::kAlignment - bare % zip::kAlignment) % zip::kAlignment;
  std::string extra;
  append_le<uint16_t>(extra, zip::kExtraPadding);
  append_le<uint16_t>(extra, static_cast<uint16_t>(fill));
  return extra.append(fill, 'Z');
}

/// The fields that a local header and a directory entry have in common, from
/// "version needed" to the length of the extra field.
void append_common(std::string& out, const Entry& record, size_t extra_bytes) {
  const bool zip64 = record.stored_bytes >= zip::kSee64 ||
                     record.inflated_bytes >= zip::kSee64 ||
                     record.header_offset >= zip::kSee64;
  append_le<uint16_t>(out, version_needed(zip64));
  append_le<uint16_t>(out, zip::kFlagUtf8);
  append_le<uint16_t>(out, record.method);
  append_le<uint32_t>(
      out, 0);  // no date, so that the same content gives the same bytes
  append_le<uint32_t>(out, record.crc32);
  append_le<uint32_t>(out, or_see64(record.stored_bytes));
  append_le<uint32_t>(out, or_see64(record.inflated_bytes));
  append_le<uint16_t>(out, static_cast<uint16_t>(record.name.size()));
  append_le<uint16_t>(out, static_cast<uint16_t>(extra_bytes));
}

std::string local_header(const Entry& record) {
  // The local zip64 field has both sizes or is absent.
  const bool big =
      std::max(record.stored_bytes, record.inflated_bytes) >= zip::kSee64;
  Entry shown = record;
  std::string extra;
  if (big) {
    append_le<uint16_t>(extra, zip::kExtraZip64);
    append_le<uint16_t>(extra, 16);
    append_le<uint64_t>(extra, record.inflated_bytes);
    append_le<uint64_t>(extra, record.stored_bytes);
    shown.stored_bytes = shown.inflated_bytes = zip::kSee64;
  }
  extra += padding_extra(
      record.header_offset + zip::kLocalSize + record.name.size() +
      extra.size());
  std::string out;
  append_le<uint32_t>(out, zip::kLocalMagic);
  append_common(out, shown, extra.size());
  return out + record.name + extra;
}

std::string directory_entry(const Entry& record) {
  const std::string extra = zip64_extra(
      {record.inflated_bytes, record.stored_bytes, record.header_offset});
  std::string out;
  append_le<uint32_t>(out, zip::kEntryMagic);
  append_le<uint16_t>(out, version_needed(!extra.empty()));  // made by
  append_common(out, record, extra.size());
  append_le<uint16_t>(out, 0);  // comment
  append_le<uint16_t>(out, 0);  // part
  append_le<uint16_t>(out, 0);  // internal attributes
  append_le<uint32_t>(out, 0);  // external attributes
  append_le<uint32_t>(out, or_see64(record.header_offset));
  return out + record.name + extra;
}

/// The records after the directory. Like PyTorch, always writes the zip64 ones:
/// there is one code path for all sizes.
std::string end_records(
    uint64_t num_entries, uint64_t offset, uint64_t num_bytes) {
  std::string out;
  append_le<uint32_t>(out, zip::kEnd64Magic);
  append_le<uint64_t>(out, zip::kEnd64Size - 12);
  append_le<uint16_t>(out, zip::kVersion64);  // made by
  append_le<uint16_t>(out, zip::kVersion64);  // needed
  append_le<uint32_t>(out, 0);                // this part
  append_le<uint32_t>(out, 0);                // the directory's part
  append_le<uint64_t>(out, num_entries);
  append_le<uint64_t>(out, num_entries);
  append_le<uint64_t>(out, num_bytes);
  append_le<uint64_t>(out, offset);

  append_le<uint32_t>(out, zip::kLocator64Magic);
  append_le<uint32_t>(out, 0);
  append_le<uint64_t>(out, offset + num_bytes);
  append_le<uint32_t>(out, 1);  // parts

  const auto entries =
      static_cast<uint16_t>(std::min<uint64_t>(num_entries, zip::kSee64Short));
  append_le<uint32_t>(out, zip::kEndMagic);
  append_le<uint16_t>(out, 0);
  append_le<uint16_t>(out, 0);
  append_le<uint16_t>(out, entries);
  append_le<uint16_t>(out, entries);
  append_le<uint32_t>(out, or_see64(num_bytes));
  append_le<uint32_t>(out, or_see64(offset));
  append_le<uint16_t>(out, 0);  // comment
  return out;
}

}  // namespace

struct ZipWriter::State {
  State(const std::filesystem::path& path, std::string top)
      : file(path), top_folder(std::move(top)) {}

  /// Writes the header; the payload follows.
  void begin(Entry record) {
    check(!record.name.empty(), "a record has a name");
    record.name = top_folder + "/" + record.name;
    record.header_offset = file.size();
    check(!finished, "no record after finish()");
    check(record.name.size() <= 0xffff, "a record's name is short");
    check(
        names.insert(record.name).second, "record '" + record.name + "' once");
    file.write(as_bytes(local_header(record)));
    records.push_back(std::move(record));
  }

  TempFile file;
  std::string top_folder;
  std::vector<Entry> records;
  std::set<std::string> names;
  bool finished = false;
};

ZipWriter::ZipWriter(const std::filesystem::path& path, std::string top_folder)
    : state_(std::make_unique<State>(path, std::move(top_folder))) {
  const std::string& top = state_->top_folder;
  check(
      !top.empty() && top != "." && top != ".." &&
          top.find_first_of("/\\") == std::string::npos,
      "the top folder is one plain name");
}

ZipWriter::~ZipWriter() = default;

void ZipWriter::add(std::string_view name, std::span<const std::byte> payload) {
  state_->begin(
      {.name = std::string(name),
       .crc32 = zip::crc32_of(payload),
       .stored_bytes = payload.size(),
       .inflated_bytes = payload.size()});
  state_->file.write(payload);
}

void ZipWriter::add(std::string_view name, std::string_view payload) {
  add(name, as_bytes(payload));
}

void ZipWriter::copy(
    std::string_view name, const ZipReader& from, const ZipRecord& record) {
  state_->begin(
      {.name = std::string(name),
       .method = record.deflated ? zip::kDeflated : zip::kStored,
       .crc32 = record.crc32,
       .stored_bytes = record.num_bytes,
       .inflated_bytes =
           record.deflated ? record.inflated_bytes : record.num_bytes});
  state_->file.copy(*from.file(), record.offset, record.num_bytes);
}

void ZipWriter::finish(Sync sync) {
  check(!state_->finished, "finish() once");
  const uint64_t offset = state_->file.size();
  std::string directory;
  for (const Entry& record : state_->records) {
    directory += directory_entry(record);
  }
  directory += end_records(state_->records.size(), offset, directory.size());
  state_->file.write(as_bytes(directory));
  state_->file.commit(sync);
  state_->finished = true;
}

}  // namespace pp
