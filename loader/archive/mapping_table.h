#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include <sys/types.h>

#include "loader/core/log.h"

namespace pp {

/// A mapped file, with the properties that the file had when it was opened.
struct Mapping {
  const std::byte* start = nullptr;
  size_t size = 0;
  /// The file's path. Not owned; must stay valid until forget_mapping().
  const char* path = nullptr;
  dev_t device = 0;
  ino_t inode = 0;
  timespec changed_at{};
};

// MappedFile keeps a table of this process's mappings. The table is global
// because a signal handler can use only global data. All functions are
// thread-safe.

void note_mapping(const Mapping& mapping);
/// Removes the mapping that begins at `start`. Call this before unmapping the
/// memory.
void forget_mapping(const std::byte* start);

/// Installs a SIGBUS handler. When the process touches a page that a mapped
/// file has lost (the file was truncated or overwritten), the handler prints
/// one line with the file's name and exits with the exit code of
/// ErrorKind::Runtime. Other causes of SIGBUS keep their effect. Call this
/// once, in main().
void end_on_lost_pages();

/// Explains why bytes at `address`, in a mapped file, couldn't be read. Returns
/// an empty string if no file is mapped there.
std::string lost_pages_text(const void* address);

/// Returns the files that were written to while they were mapped. A file that
/// an earlier call returned is not returned again.
std::vector<std::string> take_changed_files();
/// Logs a warning for each file from take_changed_files().
void warn_of_changed_files(const Log& log);
/// Logs warnings like warn_of_changed_files(), and refuses files that have
/// become shorter, because the rest of their last page reads as zeros. Call
/// this before saving results.
/// throws  Error(Runtime) naming a file that has become shorter
void check_mapped_files(const Log& log);

}  // namespace pp
