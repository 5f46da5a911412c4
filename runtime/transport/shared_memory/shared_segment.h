#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <sys/types.h>

namespace pp {

/// Memory that processes of one host share. It has no name in a file system, so
/// it disappears however the processes end.
class SharedSegment {
 public:
  /// Makes memory full of zeros. A page takes no physical memory until it is
  /// written.
  /// throws  Error(Runtime): there is no memory left
  static std::shared_ptr<SharedSegment> create(size_t num_bytes);
  /// Maps memory that the process `owner` has created. Returns null if this
  /// process can't map it.
  static std::shared_ptr<SharedSegment> open(
      pid_t owner, int64_t descriptor, size_t num_bytes);

  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  /// The descriptor that another process passes to open(). It is valid as long
  /// as this object exists.
  int descriptor() const { return descriptor_; }

 private:
  SharedSegment(int descriptor, std::span<std::byte> bytes)
      : descriptor_(descriptor), bytes_(bytes) {}
  /// Maps the memory, and owns the descriptor from then on. Returns null if the
  /// memory can't be mapped.
  static std::shared_ptr<SharedSegment> map(int descriptor, size_t num_bytes);

  int descriptor_;
  std::span<std::byte> bytes_;
};

}  // namespace pp
