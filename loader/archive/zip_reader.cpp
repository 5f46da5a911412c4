#include "loader/archive/zip_reader.h"

#include <set>
#include <utility>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_directory.h"
#include "loader/archive/zip_format.h"
#include "loader/archive/zip_inflate.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

/// Whether this is the entry of a folder, which other zip tools write.
bool is_folder(const zip::Entry& entry) {
  return entry.name.ends_with('/') && entry.stored_bytes == 0;
}

void check_name(const std::string& name, const std::string& label) {
  bool safe = !name.empty() && name.find('\\') == std::string::npos &&
              name.find('\0') == std::string::npos;
  for (const std::string& part : split_text(name, '/')) {
    // A part is empty in an absolute name and at a double or trailing '/'.
    safe = safe && !part.empty() && part != "." && part != "..";
  }
  if (!safe) {
    throw input_error(
        label + ": record name '" + name +
        "' is not a path inside the archive's folder");
  }
}

/// The top folder, which all names must share.
std::string common_folder(
    const std::vector<zip::Entry>& entries, const std::string& label) {
  std::string folder;
  for (const zip::Entry& entry : entries) {
    check_name(entry.name, label);
    const size_t slash = entry.name.find('/');
    const std::string top = entry.name.substr(0, slash);
    if (slash == std::string::npos || (!folder.empty() && top != folder)) {
      throw input_error(
          label + ": is not an archive of torch 2.11 or newer: record '" +
          entry.name + "' is not under " +
          (folder.empty() ? "a top folder"
                          : "the top folder '" + folder + "'") +
          "; export the model again with torch.export.save");
    }
    folder = top;
  }
  return folder;
}

/// Checks that only TorchScript's sources are deflated.
void check_method(
    const zip::Entry& entry, std::string_view name, const std::string& label) {
  const bool stored = entry.method == zip::kStored;
  if (!stored &&
      !(entry.method == zip::kDeflated && name.starts_with("code/"))) {
    throw input_error(
        label + ": record '" + std::string(name) + "' is compressed (method " +
        std::to_string(entry.method) + "); records must be uncompressed, as " +
        "torch writes them");
  }
  if (stored && entry.stored_bytes != entry.inflated_bytes) {
    throw input_error(
        label + ": is damaged: record '" + std::string(name) +
        "' is uncompressed, but its two sizes differ: " +
        std::to_string(entry.stored_bytes) + " and " +
        std::to_string(entry.inflated_bytes));
  }
}

/// Checks that the sources of a script don't fill the memory: LibTorch's reader
/// keeps and parses all of them. Those of large models have a few megabytes.
void check_inflated_size(
    const std::vector<zip::Entry>& entries, const std::string& label) {
  constexpr uint64_t kMaxInflatedBytes = 64U << 20U;
  uint64_t total = 0;
  for (const zip::Entry& entry : entries) {
    if (entry.method == zip::kStored) {
      continue;
    }
    if (entry.inflated_bytes > kMaxInflatedBytes - total) {
      throw input_error(
          label + ": its compressed records inflate to more than " +
          human_bytes(kMaxInflatedBytes) + ", the limit");
    }
    total += entry.inflated_bytes;
  }
}

void check_crc(
    std::span<const std::byte> bytes,
    const ZipRecord& record,
    const std::string& label) {
  const uint32_t found = zip::crc32_of(bytes);
  if (found != record.crc32) {
    throw input_error(
        label + ": record '" + record.name + "' is damaged: its CRC-32 is " +
        hex_text(found, 8) + ", but the directory says " +
        hex_text(record.crc32, 8));
  }
}

}  // namespace

std::string folded_name(std::string_view name) {
  std::string out(name);
  for (char& letter : out) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return out;
}

ZipReader::ZipReader(const std::filesystem::path& path)
    : ZipReader(
          std::make_shared<MappedFile>(path, MappedFile::Mode::ReadOnly),
          0,
          UINT64_MAX,
          path.string()) {}

ZipReader ZipReader::nested(const ZipReader& outer, const ZipRecord& record) {
  outer.bytes(record);  // throws if it is deflated
  return {
      outer.file_,
      record.offset,
      record.num_bytes,
      outer.label_ + ": " + record.name};
}

ZipReader::ZipReader(
    std::shared_ptr<const MappedFile> file,
    uint64_t offset,
    uint64_t num_bytes,
    std::string label)
    : file_(std::move(file)), label_(std::move(label)) {
  const auto bytes = file_->bytes().subspan(
      offset, num_bytes == UINT64_MAX ? std::dynamic_extent : num_bytes);
  std::vector<zip::Entry> entries = zip::read_directory(bytes, label_);
  std::erase_if(entries, is_folder);
  if (entries.empty()) {
    throw input_error(label_ + ": is a zip archive without records");
  }
  top_folder_ = common_folder(entries, label_);
  check_inflated_size(entries, label_);
  records_.reserve(entries.size());
  std::set<std::string> folded;
  for (const zip::Entry& entry : entries) {
    ZipRecord record{
        .name = entry.name.substr(top_folder_.size() + 1),
        .offset = offset + entry.payload_offset,
        .num_bytes = entry.stored_bytes,
        .crc32 = entry.crc32,
        .deflated = entry.method != zip::kStored,
        .inflated_bytes = entry.inflated_bytes,
    };
    check_method(entry, record.name, label_);
    if (!index_.emplace(record.name, records_.size()).second) {
      throw input_error(
          label_ + ": record '" + record.name + "' appears twice");
    }
    if (!folded.insert(folded_name(record.name)).second) {
      throw input_error(
          label_ + ": record '" + record.name +
          "' differs from another record only in letter case");
    }
    records_.push_back(std::move(record));
  }
}

const ZipRecord* ZipReader::try_find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &records_[found->second];
}

const ZipRecord& ZipReader::find(std::string_view name) const {
  const ZipRecord* record = try_find(name);
  if (record == nullptr) {
    throw input_error(
        label_ + ": record '" + std::string(name) + "' is missing");
  }
  return *record;
}

std::span<const std::byte> ZipReader::bytes(const ZipRecord& record) const {
  if (record.deflated) {
    throw input_error(
        label_ + ": record '" + record.name +
        "' is compressed, but must be stored uncompressed");
  }
  check(
      fits(record.offset, record.num_bytes, file_->size()),
      "the record is of this archive");
  return file_->bytes().subspan(record.offset, record.num_bytes);
}

std::string_view ZipReader::text(std::string_view name) const {
  const ZipRecord& record = find(name);
  const auto payload = bytes(record);
  check_crc(payload, record, label_);
  return as_text(payload);
}

std::string ZipReader::content(const ZipRecord& record) const {
  if (!record.deflated) {
    return std::string(text(record.name));
  }
  check(
      fits(record.offset, record.num_bytes, file_->size()),
      "the record is of this archive");
  std::optional<std::string> inflated = zip::inflate(
      file_->bytes().subspan(record.offset, record.num_bytes),
      record.inflated_bytes);
  if (!inflated) {
    throw input_error(
        label_ + ": record '" + record.name +
        "' is damaged: it does not inflate to " +
        std::to_string(record.inflated_bytes) + " bytes");
  }
  check_crc(as_bytes(*inflated), record, label_);
  return std::move(*inflated);
}

std::string ZipReader::content_hash() const {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
  const auto mix = [&hash](std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3;
    }
  };
  // Records are hashed in the order of their names. The hash includes the
  // length of each name, so that names can't run together.
  for (const auto& [name, i] : index_) {
    std::string numbers;
    append_le<uint64_t>(numbers, name.size());
    append_le<uint64_t>(numbers, records_[i].inflated_bytes);
    append_le<uint32_t>(numbers, records_[i].crc32);
    mix(as_bytes(name));
    mix(as_bytes(numbers));
  }
  return hex_text(hash, 16);
}

}  // namespace pp
