#include "runtime/launch/signals.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSameRequest{250};

bool is_ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWatch::SignalWatch(std::function<void(const CaughtSignal&)> callback)
    : callback_(std::move(callback)) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (!is_ignored(SIGHUP)) {
    sigaddset(&set, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &set, &previous_);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || stop_ < 0) {
    const int error = errno;
    if (signals_ >= 0) {
      close(signals_);
    }
    pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
    throw runtime_error(
        std::string("can't watch for signals: ") + std::strerror(error));
  }
  thread_ = std::thread([this] { run(); });
}

SignalWatch::~SignalWatch() {
  const uint64_t one = 1;
  // Writing 1 to an eventfd fails only when its counter is at 2^64 - 2.
  [[maybe_unused]] const auto written = write(stop_, &one, sizeof(one));
  thread_.join();
  close(signals_);
  close(stop_);
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void SignalWatch::run() {
  std::array<pollfd, 2> sources{
      pollfd{signals_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
  std::optional<Clock::time_point> last;
  while (true) {
    poll(sources.data(), sources.size(), -1);
    if ((sources[1].revents & POLLIN) != 0) {
      return;
    }
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof(info)) == sizeof(info)) {
      const auto now = Clock::now();
      if (last && now - *last < kSameRequest) {
        continue;
      }
      last = now;
      callback_({static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL});
    }
  }
}

}  // namespace pp
