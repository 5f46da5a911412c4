#include "runtime/launch/signals.h"

#include <array>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

SignalWatch::SignalWatch(std::function<void(const CaughtSignal&)> callback)
    : callback_(std::move(callback)) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &previous_);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = eventfd(0, EFD_CLOEXEC);
  check(signals_ >= 0 && stop_ >= 0, "two file descriptors");
  thread_ = std::thread([this] { run(); });
}

SignalWatch::~SignalWatch() {
  const uint64_t one = 1;
  // An eventfd takes a one unless it has taken 2^64 - 2 before.
  [[maybe_unused]] const auto written = write(stop_, &one, sizeof(one));
  thread_.join();
  close(signals_);
  close(stop_);
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void SignalWatch::run() {
  std::array<pollfd, 2> sources{
      pollfd{signals_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
  while (true) {
    poll(sources.data(), sources.size(), -1);
    if ((sources[1].revents & POLLIN) != 0) {
      return;
    }
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof(info)) == sizeof(info)) {
      callback_({static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL});
    }
  }
}

}  // namespace pp
