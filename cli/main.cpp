#include <cstdlib>

#include <sys/resource.h>

#include "cli/command_line.h"
#include "loader/archive/mapping_table.h"
#include "loader/core/heap.h"

namespace {

/// A job may map hundreds of files; many systems allow 1024 at first and more
/// to those who ask.
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
