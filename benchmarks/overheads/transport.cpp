#include <array>
#include <cerrno>
#include <deque>
#include <system_error>
#include <thread>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "benchmarks/overheads/overheads.h"
#include "runtime/transport/connect/connect.h"
#include "runtime/transport/local/local.h"

namespace pp::benchmarks {
namespace {

constexpr int64_t kBytes = 4 << 20;
constexpr int kMessages = 48;
constexpr int kRounds = 15;
constexpr std::chrono::milliseconds kSoon{20000};

using Ends = std::array<std::unique_ptr<Transport>, 2>;

Ends local_ends() {
  LocalHub hub(2);
  return {hub.transport(0), hub.transport(1)};
}

Ends process_ends(TransportKind kind) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  Ends ends;
  const auto connect = [&](int rank) {
    ends[static_cast<size_t>(rank)] = connect_ranks({store, rank, 2}, kind);
  };
  std::thread other(connect, 1);
  connect(0);
  other.join();
  return ends;
}

Message activation() {
  Message message;
  message.stage = 0;
  message.microbatch = 0;
  message.tensors = {at::ones({kBytes / 4})};
  return message;
}

/// One way of a message that goes there and back, in seconds.
double one_way(Ends& ends) {
  std::vector<double> took;
  std::thread other([&] {
    for (int i = 0; i < kMessages; ++i) {
      Message got = ends[1]->recv(0)->wait(kSoon);
      ends[1]->send(std::move(got), 0)->wait(kSoon);
    }
  });
  Message message = activation();
  for (int i = 0; i < kMessages; ++i) {
    took.push_back(seconds([&] {
      const auto back = ends[0]->recv(1);
      ends[0]->send(std::move(message), 1)->wait(kSoon);
      message = back->wait(kSoon);
    }));
  }
  other.join();
  return median(took) / 2;
}

/// Messages one after the other, two of them under way as in a schedule, until
/// all are there, in GB/s.
double stream(Ends& ends) {
  const auto all = [](const auto& start) {
    std::deque<std::unique_ptr<Pending>> under_way;
    for (int i = 0; i < kMessages; ++i) {
      under_way.push_back(start());
      if (under_way.size() == 2) {
        under_way.front()->wait(kSoon);
        under_way.pop_front();
      }
    }
    under_way.front()->wait(kSoon);
  };
  const Message message = activation();
  const double took = seconds([&] {
    std::thread receiver([&] { all([&] { return ends[1]->recv(0); }); });
    all([&] { return ends[0]->send(message, 1); });
    receiver.join();
  });
  return 1e-9 * kMessages * static_cast<double>(kBytes) / took;
}

void require(bool ok, const char* what) {
  if (!ok) {
    throw std::system_error(errno, std::generic_category(), what);
  }
}

/// Both ends of a TCP connection on the loopback.
class Sockets {
 public:
  Sockets() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    require(listener >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener, any, size) == 0, "bind");
    require(::listen(listener, 1) == 0, "listen");
    require(::getsockname(listener, any, &size) == 0, "getsockname");
    ends_[0] = ::socket(AF_INET, SOCK_STREAM, 0);
    require(::connect(ends_[0], any, size) == 0, "connect");
    ends_[1] = ::accept(listener, nullptr, nullptr);
    require(ends_[1] >= 0, "accept");
    ::close(listener);
    for (const int end : ends_) {
      const int on = 1;
      ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
  }
  ~Sockets() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  /// As stream(), with nothing but the kernel's own copies.
  double stream() const {
    std::vector<char> out(kBytes, 1);
    std::vector<char> in(kBytes);
    const double took = seconds([&] {
      std::thread receiver([&] {
        for (int i = 0; i < kMessages; ++i) {
          for (size_t done = 0; done < in.size();) {
            const ssize_t n =
                ::recv(ends_[1], in.data() + done, in.size() - done, 0);
            require(n > 0, "recv");
            done += static_cast<size_t>(n);
          }
        }
      });
      for (int i = 0; i < kMessages; ++i) {
        for (size_t done = 0; done < out.size();) {
          const ssize_t n =
              ::send(ends_[0], out.data() + done, out.size() - done, 0);
          require(n > 0, "send");
          done += static_cast<size_t>(n);
        }
      }
      receiver.join();
    });
    return 1e-9 * kMessages * static_cast<double>(kBytes) / took;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace

MessageSpeed message_speed() {
  Ends local = local_ends();
  Ends shared = process_ends(TransportKind::Auto);
  Ends gloo = process_ends(TransportKind::Gloo);
  const Sockets sockets;
  std::vector<double> local_s;
  std::vector<double> shared_gb;
  std::vector<double> gloo_gb;
  std::vector<double> tcp_gb;
  for (int i = 0; i < kRounds; ++i) {
    local_s.push_back(one_way(local));
    shared_gb.push_back(stream(shared));
    gloo_gb.push_back(stream(gloo));
    tcp_gb.push_back(sockets.stream());
  }
  return {
      1e6 * median(local_s),
      median(shared_gb),
      median(gloo_gb),
      median(tcp_gb)};
}

}  // namespace pp::benchmarks
