#include "loader/torchscript/archive.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <caffe2/serialize/read_adapter_interface.h>

#include <c10/core/CPUAllocator.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include "loader/core/error.h"
#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/lower/operator_hints.h"

namespace pp::ts {

namespace {

/// Lets LibTorch's reader read the mapped file, and records into which memory
/// each record was read. LibTorch uses that memory as the storage of the
/// tensors.
class RecordReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  RecordReader(std::shared_ptr<const ZipReader> archive, bool withholds_data)
      : archive_(std::move(archive)), withholds_data_(withholds_data) {
    for (const ZipRecord& record : archive_->records()) {
      if (record.num_bytes > 0) {
        by_offset_[record.offset] = &record;
      }
    }
  }

  size_t size() const override { return archive_->file()->size(); }

  size_t read(uint64_t position, void* buffer, size_t count, const char*)
      const override {
    const auto file = archive_->file();
    if (position >= file->size()) {
      return 0;
    }
    count = std::min<size_t>(count, file->size() - position);
    const auto found = by_offset_.find(position);
    const ZipRecord* record =
        found == by_offset_.end() || found->second->num_bytes != count
            ? nullptr
            : found->second;
    if (record != nullptr) {
      const std::lock_guard lock(mutex_);
      storages_[buffer] = record;
    }
    if (!withholds_data_ || record == nullptr ||
        !record->name.starts_with("data/")) {
      std::memcpy(buffer, file->bytes().data() + position, count);
    }
    return count;
  }

  StorageRecords storages() const {
    const std::lock_guard lock(mutex_);
    return storages_;
  }

 private:
  std::shared_ptr<const ZipReader> archive_;
  bool withholds_data_;  // whether the weights' bytes are withheld
  std::map<uint64_t, const ZipRecord*> by_offset_;
  mutable std::mutex mutex_;
  mutable StorageRecords storages_;
};

/// Whether loading the archive runs code in it. That code may read tensors, as
/// packed weights of quantised modules do. LibTorch ignores the case of a
/// record's name, and so must this check.
bool runs_code_on_loading(const ZipReader& archive) {
  return std::ranges::any_of(archive.records(), [&](const ZipRecord& record) {
    return folded_name(record.name).starts_with("code/") &&
           archive.content(record).find("__setstate__") != std::string::npos;
  });
}

Error unreadable(const ZipReader& archive, const std::string& message) {
  return input_error(
      archive.label() + ": LibTorch can't read this TorchScript archive: " +
      first_text_line(message));
}

}  // namespace

LoadedModule load_module(
    const std::shared_ptr<const ZipReader>& archive, bool trusts_code) {
  const bool runs_code = runs_code_on_loading(*archive);
  if (runs_code && !trusts_code) {
    throw input_error(
        archive->label() +
        ": the script has __setstate__, which runs while the file is read; if "
        "you trust the file, use --trust-script");
  }
  const auto reader = std::make_shared<RecordReader>(archive, !runs_code);
  try {
    LoadedModule out{
        torch::jit::load(reader, c10::Device(c10::kCPU), false), {}};
    out.records = reader->storages();
    return out;
  } catch (const c10::Error& error) {
    throw unreadable(*archive, error.what_without_backtrace());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw unreadable(*archive, error.what());
  }
}

std::vector<at::Tensor> traced_inputs(const ZipReader& archive) {
  if (!archive.has("traced_inputs.pkl")) {
    return {};
  }
  const std::string_view program = archive.text("traced_inputs.pkl");
  size_t position = 0;
  const auto read = [&](char* buffer, size_t count) -> size_t {
    const size_t num_read = std::min(count, program.size() - position);
    std::memcpy(buffer, program.data() + position, num_read);
    position += num_read;
    return num_read;
  };
  std::vector<at::Tensor> out;
  try {
    // The file has only the sizes of the tensors; their storages stay empty.
    torch::jit::Unpickler unpickler(
        read,
        nullptr,
        nullptr,
        [](const std::string&) { return at::DataPtr(); },
        c10::Device(c10::kCPU));
    const c10::IValue methods = unpickler.parse_ivalue();
    for (const auto& entry : methods.toGenericDict()) {
      if (entry.key().toStringRef() != "forward") {
        continue;
      }
      for (const c10::IValue& input : entry.value().toListRef()) {
        out.push_back(
            input.isTensor() ? to_meta(input.toTensor()) : at::Tensor());
      }
    }
  } catch (const std::exception&) {
    out.clear();  // These are only hints, and the file is good without them.
  }
  return out;
}

}  // namespace pp::ts
