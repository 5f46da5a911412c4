#include "runtime/memory/memory_pool.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

namespace pp {

namespace {

// LibTorch's kernels need memory with this alignment.
constexpr std::size_t kAlignment = 64;

// There are four size classes per power of two, from 256 bytes on.
constexpr int kSmallestBits = 8;
constexpr int kClassesPerPower = 4;
constexpr int kNumClasses =
    (std::countr_zero(kLargestPooled) - kSmallestBits) * kClassesPerPower + 1;

constexpr int kNoClass = -1;  // too large for the pool

/// Returns the smallest class that holds `size` bytes, at most kLargestPooled.
constexpr int class_of(std::size_t size) {
  constexpr std::size_t kSmallest = std::size_t{1} << kSmallestBits;
  if (size <= kSmallest) {
    return 0;
  }
  const auto bits = static_cast<int>(std::bit_width(size - 1)) - 1;
  const std::size_t part = std::size_t{1} << (bits - 2);
  const auto parts =
      static_cast<int>((size - (std::size_t{1} << bits) + part - 1) / part);
  return (bits - kSmallestBits) * kClassesPerPower + parts;
}

constexpr std::size_t bytes_of(int size_class) {
  const int bits = kSmallestBits + size_class / kClassesPerPower;
  return (std::size_t{1} << bits) +
         (std::size_t{1} << (bits - 2)) * (size_class % kClassesPerPower);
}

static_assert(class_of(256) == 0 && class_of(257) == 1);
static_assert(class_of(kLargestPooled) == kNumClasses - 1);
static_assert(bytes_of(class_of(4097)) >= 4097);
static_assert(bytes_of(class_of(5120)) == 5120);

/// The header in front of a tensor's memory.
struct Block {
  Block* next = nullptr;
  int size_class = kNoClass;
  std::size_t size = 0;  ///< bytes that were asked for

  void* data() { return reinterpret_cast<std::byte*>(this) + kAlignment; }
  static Block* of(void* data) {
    return reinterpret_cast<Block*>(static_cast<std::byte*>(data) - kAlignment);
  }
};
static_assert(sizeof(Block) <= kAlignment);

// False once this thread's pool is destroyed: other thread-locals may free
// tensors after that.
thread_local bool is_pool_open = true;

class MemoryPool {
 public:
  MemoryPool() = default;
  ~MemoryPool() {
    is_pool_open = false;
    for (Block* block : blocks_) {
      while (block != nullptr) {
        std::free(std::exchange(block, block->next));
      }
    }
  }
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Removes and returns a block of this class; null if the pool has none.
  Block* take(int size_class) {
    Block* block = blocks_[size_class];
    if (block != nullptr) {
      blocks_[size_class] = block->next;
      bytes_ -= bytes_of(size_class);
    }
    return block;
  }

  /// Adds a block; frees it if the pool is full.
  void put(Block* block) {
    const std::size_t size = bytes_of(block->size_class);
    if (bytes_ + size > kPoolCapacity) {
      std::free(block);
      return;
    }
    block->next = std::exchange(blocks_[block->size_class], block);
    bytes_ += size;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  std::array<Block*, kNumClasses> blocks_{};
  std::size_t bytes_ = 0;
};

MemoryPool& memory_pool() {
  static thread_local MemoryPool pool;
  return pool;
}

/// Reports an allocation to LibTorch's memory profiler, as its own allocator
/// does.
void report(const Block& block, void* data, bool is_freed) {
  if (c10::memoryProfilingEnabled()) {
    const auto size = static_cast<int64_t>(block.size);
    c10::reportMemoryUsageToProfiler(
        data, is_freed ? -size : size, 0, 0, c10::Device(c10::kCPU));
  }
}

void free_data(void* data) {
  if (data == nullptr) {
    return;
  }
  Block* block = Block::of(data);
  report(*block, data, true);
  if (is_pool_open && block->size_class != kNoClass) {
    memory_pool().put(block);
  } else {
    std::free(block);
  }
}

class PoolAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    if (size == 0) {
      return {nullptr, nullptr, free_data, c10::Device(c10::kCPU)};
    }
    const int size_class = size > kLargestPooled ? kNoClass : class_of(size);
    Block* block = is_pool_open && size_class != kNoClass
                       ? memory_pool().take(size_class)
                       : nullptr;
    if (block == nullptr) {
      block = new_block(size_class == kNoClass ? size : bytes_of(size_class));
      block->size_class = size_class;
    }
    block->size = size;
    void* data = block->data();
    report(*block, data, false);
    return {data, data, free_data, c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return free_data; }

  void copy_data(void* to, const void* from, std::size_t size) const override {
    default_copy_data(to, from, size);
  }

 private:
  static Block* new_block(std::size_t size) {
    void* memory = nullptr;
    const int error = posix_memalign(&memory, kAlignment, kAlignment + size);
    TORCH_CHECK_WITH(
        OutOfMemoryError,
        error == 0,
        "not enough memory: a tensor of ",
        size,
        " bytes could not be allocated");
    return ::new (memory) Block;
  }
};

}  // namespace

void keep_freed_tensors() {
  static PoolAllocator allocator;
  c10::SetCPUAllocator(&allocator, /*priority=*/1);
}

std::size_t pooled_bytes() {
  return memory_pool().bytes();
}

}  // namespace pp
