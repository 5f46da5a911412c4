#include <cstdlib>

#include "cli/command_line.h"
#include "loader/core/heap.h"

int main(int argc, char** argv) {
  pp::keep_freed_memory();
  pp::cli::Invocation with;
  with.argv.assign(argv, argv + argc);
  with.getenv = [](const char* name) { return std::getenv(name); };
  return pp::cli::run_command_line(with);
}
