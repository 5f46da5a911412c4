#include "runtime/launch/job_store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "loader/core/first_line.h"
#include "runtime/launch/failure.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// No call of ours waits for another rank inside the store, so one that takes
// longer means that the store is gone.
constexpr milliseconds kStoreTimeout{20000};
constexpr milliseconds kProbePause{20};

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& host, int port, int type) {
  addrinfo hints{};
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    throw runtime_error(
        "MASTER_ADDR '" + host +
        "' does not resolve to an address: " + gai_strerror(error));
  }
  return {found, freeaddrinfo};
}

class Socket {
 public:
  Socket(const addrinfo& address, int flags)
      : fd_(socket(
            address.ai_family,
            address.ai_socktype | SOCK_CLOEXEC | flags,
            address.ai_protocol)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool accepts(const addrinfo& address) {
  const Socket socket(address, SOCK_NONBLOCK);
  if (socket.fd() < 0) {
    return false;
  }
  connect(socket.fd(), address.ai_addr, address.ai_addrlen);
  pollfd ready{socket.fd(), POLLOUT, 0};
  constexpr int kTimeoutMs = 1000;
  if (poll(&ready, 1, kTimeoutMs) != 1) {
    return false;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0;
}

/// Waits until somebody serves the store. c10d's own client would retry too,
/// but once a second, with a warning each time, and deaf to `stop`.
void wait_for_server(const EnvRanks& ranks, const LaunchOptions& options) {
  const auto deadline = Clock::now() + options.join_timeout;
  while (true) {
    const Addresses addresses =
        resolve(ranks.master_addr, ranks.master_port, SOCK_STREAM);
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
      if (accepts(*a)) {
        return;
      }
    }
    if (options.stop.stop_requested()) {
      Cause cause;
      cause.rank = ranks.rank;
      cause.host = host_name();
      cause.message = "interrupted while waiting for the job's store";
      cause.interrupted = true;
      throw JobFailed(cause);
    }
    if (Clock::now() > deadline) {
      throw runtime_error(
          "nobody serves the job's store at " + ranks.master_addr + ":" +
          std::to_string(ranks.master_port) + " after " +
          std::to_string(options.join_timeout.count()) +
          " s; is rank 0 running, and are MASTER_ADDR and MASTER_PORT the "
          "same on every rank?");
    }
    std::this_thread::sleep_for(kProbePause);
  }
}

/// This process's connections to that port.
std::set<int> connections_to(int port) {
  std::set<int> found;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_in6 peer{};
    socklen_t size = sizeof(peer);
    // The port lies at the same place for both families of addresses.
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) &&
        ntohs(peer.sin6_port) == port) {
      found.insert(fd);
    }
  }
  return found;
}

c10::intrusive_ptr<c10d::Store> prefixed(
    const c10::intrusive_ptr<c10d::Store>& store, const std::string& prefix) {
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store);
}

c10d::TCPStoreOptions client_options(int port) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.waitWorkers = false;
  options.timeout = kStoreTimeout;
  return options;
}

/// Keys of one attempt of one job: torchrun's own scheme, then ours.
std::string key_prefix(const EnvRanks& ranks) {
  return "/worker/attempt_" + std::to_string(ranks.restart_count) + "/pp";
}

}  // namespace

JobStore join_store(const EnvRanks& ranks, const LaunchOptions& options) {
  JobStore out;
  out.name = ranks.master_addr + ":" + std::to_string(ranks.master_port);
  auto store_options = client_options(ranks.master_port);
  try {
    if (ranks.rank == 0 && !ranks.agent_store) {
      store_options.isServer = true;
      out.server =
          c10::make_intrusive<c10d::TCPStore>(ranks.master_addr, store_options);
      store_options.isServer = false;
    }
    wait_for_server(ranks, options);
    const auto connect = [&] {
      const std::set<int> before = connections_to(ranks.master_port);
      auto store =
          c10::make_intrusive<c10d::TCPStore>(ranks.master_addr, store_options);
      std::ranges::set_difference(
          connections_to(ranks.master_port),
          before,
          std::back_inserter(out.sockets));
      return prefixed(std::move(store), key_prefix(ranks));
    };
    out.main = connect();
    out.watch = connect();
    return out;
  } catch (const c10::Error& error) {
    throw runtime_error(
        std::string(
            out.server || ranks.rank != 0 || ranks.agent_store
                ? "can't join the job's store at "
                : "can't serve the job's store at ") +
        out.name + ": " + first_line(error.what_without_backtrace()) +
        "; set MASTER_ADDR to rank 0's machine and MASTER_PORT to a free "
        "port");
  }
}

void limit_answers(const JobStore& store, milliseconds limit) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const timeval time{
      whole.count(), std::chrono::microseconds(limit - whole).count()};
  for (const int socket : store.sockets) {
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      setsockopt(socket, SOL_SOCKET, option, &time, sizeof(time));
    }
  }
}

JobStore serve_store(int* port) {
  JobStore out;
  auto options = client_options(0);
  options.isServer = true;
  auto server = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
  *port = server->getPort();
  out.name = "127.0.0.1:" + std::to_string(*port);
  out.main = prefixed(server, key_prefix({}));
  out.server = std::move(server);
  return out;
}

std::string reachable_address(const EnvRanks& ranks) {
  const Addresses addresses =
      resolve(ranks.master_addr, ranks.master_port, SOCK_DGRAM);
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    // Connecting a datagram socket sends nothing; it picks the route.
    const Socket socket(*a, 0);
    sockaddr_storage own{};
    socklen_t size = sizeof(own);
    std::array<char, NI_MAXHOST> text{};
    if (socket.fd() >= 0 &&
        connect(socket.fd(), a->ai_addr, a->ai_addrlen) == 0 &&
        getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&own), &size) ==
            0 &&
        getnameinfo(
            reinterpret_cast<const sockaddr*>(&own),
            size,
            text.data(),
            text.size(),
            nullptr,
            0,
            NI_NUMERICHOST) == 0) {
      return text.data();
    }
  }
  throw runtime_error(
      "this machine has no route to MASTER_ADDR '" + ranks.master_addr + "'");
}

}  // namespace pp
