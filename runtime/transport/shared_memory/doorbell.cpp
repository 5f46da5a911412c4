#include "runtime/transport/shared_memory/doorbell.h"

#include <algorithm>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pp {

namespace {

// A process that dies between its change and its ring wakes nobody, so waiters
// look by themselves this often.
constexpr std::chrono::milliseconds kLongestPark{100};

static_assert(
    sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) &&
    std::atomic<uint32_t>::is_always_lock_free);

}  // namespace

void Doorbell::wake() noexcept {
  syscall(SYS_futex, &rings_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void Doorbell::park(
    uint32_t seen, std::chrono::steady_clock::time_point deadline) {
  using std::chrono::nanoseconds;
  const auto left = std::clamp<nanoseconds>(
      deadline - std::chrono::steady_clock::now(),
      nanoseconds{0},
      kLongestPark);
  const timespec time{
      .tv_sec = 0,
      .tv_nsec = static_cast<long>(
          std::min<nanoseconds>(left, nanoseconds{999'999'999}).count())};
  syscall(SYS_futex, &rings_, FUTEX_WAIT, seen, &time, nullptr, 0);
}

}  // namespace pp
