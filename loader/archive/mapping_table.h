#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include <sys/types.h>

#include "loader/core/log.h"

namespace pp {

/// A mapped file, with the properties it had when it was opened.
struct Mapping {
  const std::byte* start = nullptr;
  size_t size = 0;
  /// Not owned; valid until forget_mapping().
  const char* path = nullptr;
  dev_t device = 0;
  ino_t inode = 0;
  timespec changed_at{};
};

// The table of this process's mappings. It is global, since a signal handler
// has nothing else to look at. MappedFile keeps it; everything is thread-safe.

void note_mapping(const Mapping& mapping);
/// Removes a mapping from the table. Call it before the memory is unmapped.
void forget_mapping(const std::byte* start);

/// Installs a SIGBUS handler. When the process touches a page that a mapped
/// file has lost (the file was truncated or overwritten), it prints one line
/// with the file's name and exits with the code of a runtime error, instead of
/// being killed without a message. Other SIGBUS signals keep their effect. Call
/// it once, in main().
void end_on_lost_pages();

/// Says what happened to the mapped file at `address` after its bytes couldn't
/// be read. Empty if no file is mapped there.
std::string lost_pages_text(const void* address);

/// Returns the files that were written to while they were mapped, each only
/// once.
std::vector<std::string> take_changed_files();
/// Logs a warning for each of take_changed_files().
void warn_of_changed_files(const Log& log);
/// Warns like warn_of_changed_files(), and refuses files that have become
/// shorter, because the rest of their last page reads as zeros. Call it before
/// results are saved.
/// throws  Error(Runtime) naming the file
void check_mapped_files(const Log& log);

}  // namespace pp
