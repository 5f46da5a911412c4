#include "runtime/launch/loopback.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 ||
      ::bind(
          listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) !=
          0) {
    const std::string reason = std::strerror(errno);
    if (listener >= 0) {
      ::close(listener);
    }
    throw runtime_error("can't serve the job's store on 127.0.0.1: " + reason);
  }
  return listener;
}

int port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  check(
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0,
      "the socket must be bound");
  return ntohs(address.sin_port);
}

}  // namespace pp
