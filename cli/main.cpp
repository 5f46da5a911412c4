#include <cstdlib>

#include <sys/resource.h>

#include "cli/command_line.h"
#include "loader/archive/mapping_table.h"
#include "loader/core/heap.h"

namespace {

/// Raises this process's limit of open files as far as the system allows. A job
/// may map hundreds of files, and many systems allow only 1024 by default.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  pp::keep_freed_memory();
  raise_descriptor_limit();
  pp::end_on_lost_pages();
  pp::cli::Invocation with;
  with.argv.assign(argv, argv + argc);
  with.getenv = [](const char* name) { return std::getenv(name); };
  return pp::cli::run_command_line(with);
}
