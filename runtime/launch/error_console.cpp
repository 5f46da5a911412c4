#include "runtime/launch/error_console.h"

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/launch/process_id.h"

namespace pp {

std::string error_console(const EnvRanks& ranks) {
  if (ranks.one_console) {
    return "launcher";
  }
  struct stat status {};
  if (fstat(STDERR_FILENO, &status) != 0) {
    return "rank " + std::to_string(ranks.rank);
  }
  return own_process().machine + " " + std::to_string(status.st_dev) + " " +
         std::to_string(status.st_ino);
}

}  // namespace pp
