#include "runtime/memory/shelf.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

namespace pp {

namespace {

// LibTorch's kernels want memory aligned to this.
constexpr std::size_t kAlignment = 64;

// Size classes: four to each power of two, from 256 bytes on.
constexpr int kSmallestBits = 8;
constexpr int kParts = 4;
constexpr int kClasses =
    (std::countr_zero(kLargestOnShelf) - kSmallestBits) * kParts + 1;

constexpr int kNoClass = -1;  // too large

/// The class that holds `size`, which is at most kLargestOnShelf.
constexpr int class_of(std::size_t size) {
  constexpr std::size_t kSmallest = std::size_t{1} << kSmallestBits;
  if (size <= kSmallest) {
    return 0;
  }
  const auto bits = static_cast<int>(std::bit_width(size - 1)) - 1;
  const std::size_t part = std::size_t{1} << (bits - 2);
  const auto parts =
      static_cast<int>((size - (std::size_t{1} << bits) + part - 1) / part);
  return (bits - kSmallestBits) * kParts + parts;
}

constexpr std::size_t bytes_of(int size_class) {
  const int bits = kSmallestBits + size_class / kParts;
  return (std::size_t{1} << bits) +
         (std::size_t{1} << (bits - 2)) * (size_class % kParts);
}

static_assert(class_of(256) == 0 && class_of(257) == 1);
static_assert(class_of(kLargestOnShelf) == kClasses - 1);
static_assert(bytes_of(class_of(4097)) >= 4097);
static_assert(bytes_of(class_of(5120)) == 5120);

/// Stands before the memory that a tensor sees.
struct Block {
  Block* next = nullptr;
  int size_class = kNoClass;
  std::size_t size = 0;  ///< as it was asked for

  void* data() { return reinterpret_cast<std::byte*>(this) + kAlignment; }
  static Block* of(void* data) {
    return reinterpret_cast<Block*>(static_cast<std::byte*>(data) - kAlignment);
  }
};
static_assert(sizeof(Block) <= kAlignment);

// Other thread-locals may free tensors after the shelf of their thread is gone.
thread_local bool is_shelf_open = true;

class Shelf {
 public:
  Shelf() = default;
  ~Shelf() {
    is_shelf_open = false;
    for (Block* block : blocks_) {
      while (block != nullptr) {
        std::free(std::exchange(block, block->next));
      }
    }
  }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  /// Null: there is none of this class.
  Block* take(int size_class) {
    Block* block = blocks_[size_class];
    if (block != nullptr) {
      blocks_[size_class] = block->next;
      bytes_ -= bytes_of(size_class);
    }
    return block;
  }

  void put(Block* block) {
    const std::size_t size = bytes_of(block->size_class);
    if (bytes_ + size > kShelfCapacity) {
      std::free(block);
      return;
    }
    block->next = std::exchange(blocks_[block->size_class], block);
    bytes_ += size;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  std::array<Block*, kClasses> blocks_{};
  std::size_t bytes_ = 0;
};

Shelf& shelf() {
  static thread_local Shelf of_thread;
  return of_thread;
}

/// For whoever measures memory; as LibTorch's own allocator does.
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
  if (is_shelf_open && block->size_class != kNoClass) {
    shelf().put(block);
  } else {
    std::free(block);
  }
}

class ShelfAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    if (size == 0) {
      return {nullptr, nullptr, free_data, c10::Device(c10::kCPU)};
    }
    const int size_class = size > kLargestOnShelf ? kNoClass : class_of(size);
    Block* block = is_shelf_open && size_class != kNoClass
                       ? shelf().take(size_class)
                       : nullptr;
    if (block == nullptr) {
      block = make(size_class == kNoClass ? size : bytes_of(size_class));
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
  static Block* make(std::size_t size) {
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
  static ShelfAllocator allocator;
  c10::SetCPUAllocator(&allocator, /*priority=*/1);
}

std::size_t bytes_on_shelf() {
  return shelf().bytes();
}

}  // namespace pp
