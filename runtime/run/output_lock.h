#pragma once

#include <filesystem>

namespace pp {

/// Whether a lock file names a process that has ended, or names none. On a file
/// system without locks, the lock is then stale. A process on another machine
/// counts as running.
///
/// path  a lock file of two lines: the host's name, and the process as
///       process_id.h writes it
bool is_stale_lock(const std::filesystem::path& path);

/// Locks an output folder for one job as long as the object exists, so that no
/// other job writes there. Rank 0 locks it for all ranks. The system releases a
/// dead process's lock, so users never have to remove one. On a file system
/// without locks, a lock file is ignored if its process ran on this machine and
/// has ended.
class OutputLock {
 public:
  /// Creates the folder if it doesn't exist, and locks it. Waits up to two
  /// seconds for another job that is about to end.
  /// throws  Error(Usage) naming the folder and the other job's host and
  ///         process: the folder is locked; Error(Runtime): the folder can't be
  ///         created or written
  explicit OutputLock(const std::filesystem::path& dir);
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;
  /// Removes the lock. Also removes the folders that the constructor created,
  /// if they are empty.
  ~OutputLock();

 private:
  bool try_take();

  std::filesystem::path dir_;
  std::filesystem::path path_;
  std::filesystem::path existing_;  ///< the nearest folder that existed before
  int file_ = -1;
};

}  // namespace pp
