#include "loader/archive/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/archive/mapping_table.h"
#include "loader/core/error.h"

namespace pp {

namespace {

/// With O_NONBLOCK, opening a pipe doesn't wait; pipes are refused later.
Descriptor open_for_reading(const std::filesystem::path& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

/// The bytes after the file's end on its last page. AddressSanitizer reports a
/// read of them; without it, they read as zeros.
std::span<std::byte> rest_of_last_page(std::byte* data, size_t size) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return {data + size, (page - size % page) % page};
}

Error cannot_read(const std::filesystem::path& path, int reason) {
  return input_error(
      path.string() + ": cannot read it: " + std::strerror(reason));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path, Mode mode)
    : path_(path), mode_(mode) {
  const Descriptor file = open_for_reading(path);
  if (!file) {
    throw cannot_read(path, errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw cannot_read(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    throw input_error(path.string() + ": is a folder; a file is needed");
  }
  if (!S_ISREG(status.st_mode)) {
    throw input_error(path.string() + ": is not a regular file");
  }
  size_ = static_cast<size_t>(status.st_size);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (size_ > 0) {  // mmap refuses a length of 0
    const bool shared = mode == Mode::ReadOnly;
    // Don't reserve swap for private pages: few of them are ever written.
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
    const auto rest = rest_of_last_page(data_, size_);
    ASAN_POISON_MEMORY_REGION(rest.data(), rest.size());
    note_mapping(
        {.start = data_,
         .size = size_,
         .path = path_.c_str(),
         .device = device_,
         .inode = inode_,
         .changed_at = status.st_mtim});
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    const auto rest = rest_of_last_page(data_, size_);
    ASAN_UNPOISON_MEMORY_REGION(rest.data(), rest.size());
    forget_mapping(data_);
    ::munmap(data_, size_);
  }
}

std::byte* MappedFile::writable_data() const {
  check(mode_ == Mode::Private, "only a private mapping is writable");
  return data_;
}

Descriptor MappedFile::open_again() const {
  Descriptor file = open_for_reading(path_);
  struct stat status {};
  const bool is_same = file && ::fstat(file.get(), &status) == 0 &&
                       status.st_dev == device_ && status.st_ino == inode_;
  return is_same ? std::move(file) : Descriptor(-1);
}

}  // namespace pp
