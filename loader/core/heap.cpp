#include "loader/core/heap.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include <malloc.h>

namespace pp {

void keep_freed_memory() {
  constexpr std::array kUserSettings{
      "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"};
  if (std::ranges::any_of(kUserSettings, [](const char* name) {
        return std::getenv(name) != nullptr;
      })) {
    return;
  }
  // The largest value that glibc accepts; larger blocks are mapped separately.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

}  // namespace pp
