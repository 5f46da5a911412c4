#include "loader/archive/temp_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "loader/archive/mapping_table.h"
#include "loader/core/error.h"

namespace pp {

namespace {

Error cannot_write(const std::filesystem::path& path, int reason) {
  return runtime_error(
      path.string() + ": cannot write it: " + std::strerror(reason));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

/// Number of written bytes after which their writeback to the disk is started.
constexpr uint64_t kWritebackBytes = uint64_t{16} << 20U;

/// Whether copy_file_range() failed because the file systems don't support it.
bool kernel_cannot_copy(int reason) {
  return reason == EXDEV || reason == EINVAL || reason == ENOSYS ||
         reason == EOPNOTSUPP || reason == EPERM;
}

}  // namespace

TempFile::TempFile(const std::filesystem::path& target) : target_(target) {
  std::error_code missing;
  if (!target.has_filename() ||
      std::filesystem::is_directory(target, missing)) {
    throw cannot_write(target, EISDIR);
  }
  const std::string stem =
      "." + target.filename().string() + ".tmp." + std::to_string(::getpid());
  // The name exists if another thread writes the same target, or if a process
  // with this id was killed.
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    const std::string suffix =
        attempt == 0 ? "" : "." + std::to_string(attempt);
    path_ = folder_of(target) / (stem + suffix);
    descriptor_ =
        ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST && errno != EINTR) {
      throw cannot_write(target, errno);
    }
  }
}

TempFile::~TempFile() {
  ::close(descriptor_);
  if (!committed_) {
    ::unlink(path_.c_str());
  }
}

void TempFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      const int reason = errno;
      // EFAULT: `bytes` is in a mapped file that has lost these pages.
      const std::string lost =
          reason == EFAULT ? lost_pages_text(bytes.data()) : "";
      throw lost.empty()
          ? cannot_write(target_, reason)
          : runtime_error(target_.string() + ": cannot write it: " + lost);
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
    grow(static_cast<uint64_t>(written));
  }
}

/// Counts written bytes and starts their writeback to the disk early, which
/// leaves less to the final sync.
void TempFile::grow(uint64_t num_bytes) {
  size_ += num_bytes;
  if (size_ - writeback_started_ >= kWritebackBytes) {
    ::sync_file_range(
        descriptor_,
        static_cast<off_t>(writeback_started_),
        static_cast<off_t>(size_ - writeback_started_),
        SYNC_FILE_RANGE_WRITE);
    writeback_started_ = size_;
  }
}

void TempFile::copy(
    const MappedFile& from, uint64_t offset, uint64_t num_bytes) {
  const Descriptor file = from.open_again();
  if (!file) {
    write(from.bytes().subspan(offset, num_bytes));
    return;
  }
  copy_range(file.get(), from.path(), offset, num_bytes);
}

void TempFile::append(const TempFile& other) {
  copy_range(other.descriptor_, other.path_, 0, other.size_);
}

void TempFile::copy_range(
    int from,
    const std::filesystem::path& from_path,
    uint64_t offset,
    uint64_t num_bytes) {
  auto position = static_cast<off_t>(offset);
  while (num_bytes > 0) {
    const size_t chunk = std::min<uint64_t>(num_bytes, 1U << 30);
    const ssize_t copied =
        ::copy_file_range(from, &position, descriptor_, nullptr, chunk, 0);
    if (copied < 0 && errno == EINTR) {
      continue;
    }
    if (copied < 0 && !kernel_cannot_copy(errno)) {
      throw cannot_write(target_, errno);
    }
    // Some file systems report 0 instead of an error.
    if (copied <= 0) {
      copy_through_memory(
          from, from_path, static_cast<uint64_t>(position), num_bytes);
      return;
    }
    num_bytes -= static_cast<uint64_t>(copied);
    grow(static_cast<uint64_t>(copied));
  }
}

void TempFile::copy_through_memory(
    int from,
    const std::filesystem::path& from_path,
    uint64_t offset,
    uint64_t num_bytes) {
  std::vector<std::byte> buffer(std::min<uint64_t>(num_bytes, 1U << 20));
  while (num_bytes > 0) {
    const ssize_t got = ::pread(
        from,
        buffer.data(),
        std::min<uint64_t>(num_bytes, buffer.size()),
        static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      throw runtime_error(
          from_path.string() + ": cannot copy from it: " +
          (got < 0 ? std::strerror(errno)
                   : "it was truncated during the copy"));
    }
    write({buffer.data(), static_cast<size_t>(got)});
    offset += static_cast<uint64_t>(got);
    num_bytes -= static_cast<uint64_t>(got);
  }
}

void TempFile::commit(Sync sync) {
  check(!committed_, "a temporary file is committed once");
  if ((sync == Sync::Now && ::fsync(descriptor_) != 0) ||
      ::rename(path_.c_str(), target_.c_str()) != 0) {
    throw cannot_write(target_, errno);
  }
  committed_ = true;
  if (sync == Sync::Now) {
    sync_path(folder_of(target_));
  }
}

}  // namespace pp
