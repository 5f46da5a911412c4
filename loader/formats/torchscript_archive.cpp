#include "loader/formats/torchscript_archive.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <caffe2/serialize/read_adapter_interface.h>

#include <c10/core/CPUAllocator.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_hints.h"

namespace pp::ts {

namespace {

/// Hands the mapped file to LibTorch's reader, and notes which record went to
/// which memory: LibTorch reads a storage straight into the memory it keeps.
class Adapter : public caffe2::serialize::ReadAdapterInterface {
 public:
  Adapter(std::shared_ptr<const ZipReader> archive, bool withhold)
      : archive_(std::move(archive)), withhold_(withhold) {
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
      given_[buffer] = record;
    }
    if (!withhold_ || record == nullptr || !record->name.starts_with("data/")) {
      std::memcpy(buffer, file->bytes().data() + position, count);
    }
    return count;
  }

  std::map<const void*, const ZipRecord*> given() const {
    const std::lock_guard lock(mutex_);
    return given_;
  }

 private:
  std::shared_ptr<const ZipReader> archive_;
  bool withhold_;
  std::map<uint64_t, const ZipRecord*> by_offset_;
  mutable std::mutex mutex_;
  mutable std::map<const void*, const ZipRecord*> given_;
};

/// Whether objects are put together by code of the archive, which may look at
/// tensors (packed weights of quantised modules).
bool runs_code_on_loading(const ZipReader& archive) {
  return std::ranges::any_of(archive.records(), [&](const ZipRecord& record) {
    return record.name.starts_with("code/") && record.name.ends_with(".py") &&
           archive.content(record).find("__setstate__") != std::string::npos;
  });
}

}  // namespace

std::string first_line(const std::string& message) {
  const size_t start = message.find_first_not_of("\n ");
  return start == std::string::npos
             ? message
             : message.substr(start, message.find('\n', start) - start);
}

LoadedModule load_module(const std::shared_ptr<const ZipReader>& archive) {
  const auto adapter =
      std::make_shared<Adapter>(archive, !runs_code_on_loading(*archive));
  try {
    LoadedModule out{
        torch::jit::load(adapter, c10::Device(c10::kCPU), false), {}};
    out.records = adapter->given();
    return out;
  } catch (const c10::Error& error) {
    throw input_error(
        archive->label() + ": LibTorch can't read this TorchScript archive: " +
        first_line(error.what_without_backtrace()));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw input_error(
        archive->label() + ": LibTorch can't read this TorchScript archive: " +
        first_line(error.what()));
  }
}

std::vector<at::Tensor> traced_inputs(const ZipReader& archive) {
  if (!archive.has("traced_inputs.pkl")) {
    return {};
  }
  const std::string_view program = archive.text("traced_inputs.pkl");
  size_t position = 0;
  const auto read = [&](char* buffer, size_t count) -> size_t {
    const size_t given = std::min(count, program.size() - position);
    std::memcpy(buffer, program.data() + position, given);
    position += given;
    return given;
  };
  std::vector<at::Tensor> out;
  try {
    // The file has the tensors' sizes alone: their storages stay empty.
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
    out.clear();  // only hints: a file without them is as good
  }
  return out;
}

}  // namespace pp::ts
