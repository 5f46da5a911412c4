#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <sys/types.h>

namespace pp {

/// Memory that processes of one host share. It has no name in any file system:
/// whatever becomes of the processes, nothing is left behind.
class SharedSegment {
 public:
  /// New and full of zeros; a page takes memory when it is first written.
  /// throws Error(Runtime): no memory
  static std::shared_ptr<SharedSegment> create(size_t num_bytes);
  /// One that another process has created; null where this one can't see it.
  static std::shared_ptr<SharedSegment> open(
      pid_t owner, int descriptor, size_t num_bytes);

  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  /// For open() in another process, as long as this lives.
  int descriptor() const { return descriptor_; }

 private:
  SharedSegment(int descriptor, std::span<std::byte> bytes)
      : descriptor_(descriptor), bytes_(bytes) {}
  /// Takes the descriptor; null where it can't be mapped.
  static std::shared_ptr<SharedSegment> map(int descriptor, size_t num_bytes);

  int descriptor_;
  std::span<std::byte> bytes_;
};

}  // namespace pp
