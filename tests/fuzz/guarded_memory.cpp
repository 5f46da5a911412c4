#include "tests/fuzz/guarded_memory.h"

#include <cstring>
#include <mutex>
#include <unordered_map>

#include <sys/mman.h>

#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

namespace pp::fuzz {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMaxBytes = size_t{64} << 20;
// Kernels may load this many bytes at an aligned address at once.
constexpr size_t kAlignment = 16;

GuardedEnd guarded_end = GuardedEnd::End;

size_t rounded_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

struct Mapping {
  void* begin;
  size_t num_bytes;
};

/// The mapping of each allocation, by the address that LibTorch has.
class Mappings {
 public:
  void add(void* address, Mapping mapping) {
    const std::lock_guard lock(mutex_);
    mappings_.emplace(address, mapping);
  }

  Mapping take(void* address) {
    const std::lock_guard lock(mutex_);
    const auto found = mappings_.find(address);
    const Mapping mapping = found->second;
    mappings_.erase(found);
    return mapping;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<void*, Mapping> mappings_;
};

/// It is never destroyed, because tensors may be freed while the process exits.
Mappings& mappings() {
  static auto* mappings = new Mappings;
  return *mappings;
}

void release(void* address) {
  if (address != nullptr) {
    const Mapping mapping = mappings().take(address);
    munmap(mapping.begin, mapping.num_bytes);
  }
}

class GuardedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t num_bytes) override {
    TORCH_CHECK(num_bytes <= kMaxBytes, "no more than 64 MB at a time");
    const size_t used = rounded_up(num_bytes, kAlignment);
    const size_t pages = rounded_up(used + 1, kPage);
    const size_t mapped = pages + 2 * kPage;
    void* begin =
        mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(begin != MAP_FAILED, "out of memory");
    char* data = static_cast<char*>(begin) + kPage;
    TORCH_CHECK(mprotect(data, pages, PROT_READ | PROT_WRITE) == 0);
    if (guarded_end == GuardedEnd::End) {
      data += pages - used;
    }
    // Not zeros: values that a kernel must not rely on.
    std::memset(data, 0x7f, used);
    mappings().add(data, {begin, mapped});
    return {data, data, release, c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return release; }

  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }
};

}  // namespace

void guard_tensor_memory() {
  static GuardedAllocator allocator;
  constexpr uint8_t kBeforeOthers = 255;
  c10::SetCPUAllocator(&allocator, kBeforeOthers);
}

void set_guarded_end(GuardedEnd end) {
  guarded_end = end;
}

}  // namespace pp::fuzz
