#include "runtime/launch/tcp_store.h"

#include <charconv>
#include <filesystem>
#include <system_error>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "runtime/launch/loopback.h"
#include "runtime/secret/signed_store.h"

namespace pp {

using AnyStore = c10::intrusive_ptr<c10d::Store>;

c10d::TCPStoreOptions client_options(int port) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.waitWorkers = false;
  options.timeout = kStoreTimeout;
  return options;
}

c10::intrusive_ptr<c10d::TCPStore> make_server(int port) {
  auto options = client_options(port);
  options.isServer = true;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

c10::intrusive_ptr<c10d::TCPStore> make_local_server() {
  const int listener = listen_on_loopback();
  auto options = client_options(port_of(listener));
  options.isServer = true;
  options.masterListenFd = listener;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

std::set<int> connections_to(int port) {
  std::set<int> found;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    sockaddr_in6 peer{};
    socklen_t size = sizeof(peer);
    // Both address families have the port at the same offset.
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) &&
        ntohs(peer.sin6_port) == port) {
      found.insert(fd);
    }
  }
  return found;
}

AnyStore open_keys(const AnyStore& store, const std::string& prefix) {
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store);
}

AnyStore keys_of_job(
    const AnyStore& store, const JobSecret& secret, const std::string& prefix) {
  if (!secret.exists()) {
    return open_keys(store, prefix);
  }
  return c10::make_intrusive<SignedStore>(store, secret, prefix);
}

}  // namespace pp
