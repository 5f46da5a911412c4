#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <sys/types.h>

namespace pp {

/// Memory that processes of one host share. It has no name in a file system, so
/// nothing is left behind, however the processes end.
class SharedSegment {
 public:
  /// Makes memory full of zeros. A page uses physical memory once it is
  /// written.
  /// throws Error(Runtime): no memory
  static std::shared_ptr<SharedSegment> create(size_t num_bytes);
  /// Maps memory that the process `owner` has created. Null if this process
  /// can't see it.
  static std::shared_ptr<SharedSegment> open(
      pid_t owner, int descriptor, size_t num_bytes);

  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  /// The descriptor with which another process calls open() while this exists.
  int descriptor() const { return descriptor_; }

 private:
  SharedSegment(int descriptor, std::span<std::byte> bytes)
      : descriptor_(descriptor), bytes_(bytes) {}
  /// Owns the descriptor from then on. Null if it can't be mapped.
  static std::shared_ptr<SharedSegment> map(int descriptor, size_t num_bytes);

  int descriptor_;
  std::span<std::byte> bytes_;
};

}  // namespace pp
