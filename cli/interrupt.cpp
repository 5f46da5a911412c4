#include "cli/interrupt.h"

#include <cstdlib>
#include <system_error>
#include <utility>

#include "cli/console.h"
#include "loader/archive/leftovers.h"

namespace pp::cli {

EndOnSignal::EndOnSignal(
    std::vector<std::filesystem::path> outputs,
    std::vector<std::filesystem::path> scratch)
    : watch_([outputs = std::move(outputs),
              scratch = std::move(scratch)](const CaughtSignal& caught) {
        for (const std::filesystem::path& output : outputs) {
          remove_leftovers(output, LeftBy::ThisProcess);
        }
        for (const std::filesystem::path& file : scratch) {
          remove_leftovers(file, LeftBy::ThisProcess);
          std::error_code ignored;
          std::filesystem::remove(file, ignored);
        }
        print_error("interrupted");
        // Other threads are still running, so destructors must not run here. A
        // thread that fails because its files are gone waits for this one.
        constexpr int kSignalBase = 128;
        std::_Exit(kSignalBase + caught.number);
      }) {}

}  // namespace pp::cli
