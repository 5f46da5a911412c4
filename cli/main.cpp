#include <cstdlib>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  pp::cli::Invocation with;
  with.argv.assign(argv, argv + argc);
  with.getenv = [](const char* name) { return std::getenv(name); };
  return pp::cli::run_command_line(with);
}
