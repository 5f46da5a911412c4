#include "runtime/launch/master_address.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/launch/abandonable_call.h"

namespace pp {
namespace {

// A name server that doesn't answer would keep getaddrinfo for half a minute.
constexpr std::chrono::milliseconds kResolveLimit{9000};

struct Resolved {
  int error = 0;
  Addresses addresses;
};

Resolved look_up(const std::string& host, int port, int type) {
  addrinfo hints{};
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  Resolved out;
  out.error =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (out.error == 0) {
    out.addresses = Addresses(found, freeaddrinfo);
  }
  return out;
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
  // It doesn't wait: poll() and SO_ERROR tell how it went.
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0 &&
      errno != EINPROGRESS) {
    return false;
  }
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

}  // namespace

Addresses resolve_master(
    const EnvRanks& ranks, int socket_type, const KeepWaiting& keep_waiting) {
  const auto found = abandonable_call(
      [host = ranks.master_addr, port = ranks.master_port, socket_type] {
        return look_up(host, port, socket_type);
      },
      kResolveLimit,
      keep_waiting);
  const std::string name = "MASTER_ADDR '" + ranks.master_addr + "'";
  if (!found) {
    throw runtime_error(
        name + " doesn't resolve to an address within " +
        std::to_string(kResolveLimit.count() / 1000) +
        " s: no name server answers");
  }
  if (found->error != 0) {
    throw runtime_error(
        name + " doesn't resolve to an address: " + gai_strerror(found->error));
  }
  return found->addresses;
}

bool accepts_connections(const Addresses& addresses) {
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    if (accepts(*a)) {
      return true;
    }
  }
  return false;
}

std::string reachable_address(
    const EnvRanks& ranks, const KeepWaiting& keep_waiting) {
  const Addresses addresses = resolve_master(ranks, SOCK_DGRAM, keep_waiting);
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    // Connecting a datagram socket sends nothing, but chooses the route.
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
