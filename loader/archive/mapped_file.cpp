#include "loader/archive/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

namespace {

/// Closes the descriptor if the constructor throws half-way.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error cannot_read(const std::filesystem::path& path, int reason) {
  return input_error(
      path.string() + ": cannot read it: " + std::strerror(reason));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path, Mode mode)
    : path_(path), mode_(mode) {
  // O_NONBLOCK: a pipe is refused below instead of waited for.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    throw cannot_read(path, errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw cannot_read(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    throw input_error(path.string() + ": is a folder, a file is needed");
  }
  if (!S_ISREG(status.st_mode)) {
    throw input_error(path.string() + ": is not a regular file");
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ > 0) {  // mmap refuses a length of 0
    const bool shared = mode == Mode::ReadOnly;
    // No swap is reserved for private pages: few of them are ever written.
    void* data = ::mmap(
        nullptr,
        size_,
        shared ? PROT_READ : PROT_READ | PROT_WRITE,
        shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE,
        file.get(),
        0);
    if (data == MAP_FAILED) {
      throw cannot_read(path, errno);
    }
    data_ = static_cast<std::byte*>(data);
  }
  descriptor_ = file.release();
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(data_, size_);
  }
  ::close(descriptor_);
}

std::byte* MappedFile::writable_data() const {
  check(mode_ == Mode::Private, "only a private mapping is writable");
  return data_;
}

}  // namespace pp
