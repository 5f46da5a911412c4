#include "runtime/transport/shared_memory/shared_segment.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

std::shared_ptr<SharedSegment> SharedSegment::map(
    int descriptor, size_t num_bytes) {
  void* start = mmap(
      nullptr,
      num_bytes,
      PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_NORESERVE,
      descriptor,
      0);
  if (start == MAP_FAILED) {
    close(descriptor);
    return nullptr;
  }
  return std::shared_ptr<SharedSegment>(new SharedSegment(
      descriptor, {static_cast<std::byte*>(start), num_bytes}));
}

std::shared_ptr<SharedSegment> SharedSegment::create(size_t num_bytes) {
  const int descriptor = memfd_create("pp", MFD_CLOEXEC);
  if (descriptor >= 0 &&
      ftruncate(descriptor, static_cast<off_t>(num_bytes)) != 0) {
    close(descriptor);
  } else if (descriptor >= 0) {
    if (auto segment = map(descriptor, num_bytes)) {
      return segment;
    }
  }
  throw runtime_error(
      "can't allocate " + human_bytes(num_bytes) +
      " of memory to share with the other ranks of this host: " +
      std::strerror(errno));
}

std::shared_ptr<SharedSegment> SharedSegment::open(
    pid_t owner, int64_t descriptor, size_t num_bytes) {
  const std::string path =
      "/proc/" + std::to_string(owner) + "/fd/" + std::to_string(descriptor);
  const int opened = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (opened < 0) {
    return nullptr;
  }
  // In another container, another process may have that number.
  if (fstat(opened, &status) != 0 ||
      static_cast<size_t>(status.st_size) != num_bytes) {
    close(opened);
    return nullptr;
  }
  return map(opened, num_bytes);
}

SharedSegment::~SharedSegment() {
  munmap(bytes_.data(), bytes_.size());
  close(descriptor_);
}

}  // namespace pp
