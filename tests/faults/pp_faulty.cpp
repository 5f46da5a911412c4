// pp_faulty ARGS...: `pp` with one fault, if the environment asks for it:
//
//   PP_FAULT="KIND RANK N DIR [SECONDS | FILE]"
//
// KIND happens on RANK when it begins its N-th action. First the rank writes to
// DIR/fault what it is doing and when. Every rank writes its process number to
// DIR/pid.R. KIND is one of
//   throw    an exception
//   block    SECONDS in which the rank does nothing
//   fill     writes FILE until its disk is full
//   kill, stop, term   that signal to this process
//   orphan   SIGKILL to the process that started this one
//   cut      half of the next message to a peer is sent, then the connection
//            is shut
//   mute     from then on everything sent to one peer is silently dropped

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/command_line.h"
#include "loader/core/error.h"
#include "runtime/rank/rank_context.h"

namespace {

using pp::RankContext;

struct Fault {
  std::string kind;
  int rank = -1;
  int action = 0;
  std::string dir;
  std::string argument;
};

Fault parse(const char* text) {
  Fault fault;
  std::istringstream in(text);
  in >> fault.kind >> fault.rank >> fault.action >> fault.dir >> fault.argument;
  return fault;
}

/// The fault of `writev` below. It is global because the function it replaces
/// is.
struct Link {
  enum Fault { None, Cut, Mute };
  std::atomic<int> fault{None};
  std::atomic<int> socket{-1};  ///< the one affected; -1: the next used
  int store_port = 0;
};
Link link_to_peer;  // NOLINT

/// Whether the socket is connected to another rank, and not to the job's store.
bool leads_to_peer(int socket) {
  for (const auto& name_of : {getsockname, getpeername}) {
    sockaddr_in6 address{};
    socklen_t size = sizeof(address);
    if (name_of(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        (address.sin6_family != AF_INET && address.sin6_family != AF_INET6)) {
      return false;
    }
    // Both address families have the port at the same offset.
    if (ntohs(address.sin6_port) == link_to_peer.store_port) {
      return false;
    }
  }
  return true;
}

ssize_t real_writev(int socket, const iovec* parts, int num_parts) {
  return syscall(SYS_writev, socket, parts, num_parts);
}

ssize_t cut(int socket, const iovec* parts, int num_parts, size_t num_bytes) {
  std::vector<iovec> half;
  size_t left = num_bytes / 2;
  for (int i = 0; i < num_parts && left > 0; ++i) {
    const size_t size = std::min(left, parts[i].iov_len);
    half.push_back({parts[i].iov_base, size});
    left -= size;
  }
  real_writev(socket, half.data(), static_cast<int>(half.size()));
  shutdown(socket, SHUT_RDWR);
  errno = ECONNRESET;
  return -1;
}

void note(
    const Fault& fault, const std::string& name, const std::string& text) {
  const std::string path = fault.dir + "/" + name;
  std::ofstream(path + ".part") << text;
  std::rename((path + ".part").c_str(), path.c_str());
}

void fill(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const std::vector<char> block(4096);
  while (file.write(block.data(), static_cast<long>(block.size())).flush()) {}
}

void happen(
    const Fault& fault, int stage, int microbatch, std::string_view kind) {
  std::ostringstream text;
  text << stage << ' ' << microbatch << ' ' << stage << kind;
  if (microbatch >= 0) {
    text << microbatch;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  text << std::fixed << ' ' << std::chrono::duration<double>(now).count();
  note(fault, "fault", text.str());
  if (fault.kind == "throw") {
    throw pp::runtime_error("injected");
  }
  if (fault.kind == "block") {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(std::stod(fault.argument)));
  } else if (fault.kind == "fill") {
    fill(fault.argument);
  } else if (fault.kind == "cut") {
    link_to_peer.fault = Link::Cut;
  } else if (fault.kind == "mute") {
    link_to_peer.fault = Link::Mute;
  } else if (fault.kind == "orphan") {
    kill(getppid(), SIGKILL);
  } else {
    kill(
        getpid(),
        fault.kind == "kill"   ? SIGKILL
        : fault.kind == "stop" ? SIGSTOP
                               : SIGTERM);
  }
}

}  // namespace

// Replaces the C library's function, also for LibTorch: Gloo sends with it.
extern "C" ssize_t writev(int socket, const iovec* parts, int num_parts) {
  const int fault = link_to_peer.fault;
  if (fault == Link::None || !leads_to_peer(socket)) {
    return real_writev(socket, parts, num_parts);
  }
  int expected = -1;
  link_to_peer.socket.compare_exchange_strong(expected, socket);
  if (link_to_peer.socket != socket) {
    return real_writev(socket, parts, num_parts);
  }
  size_t num_bytes = 0;
  for (int i = 0; i < num_parts; ++i) {
    num_bytes += parts[i].iov_len;
  }
  return fault == Link::Cut ? cut(socket, parts, num_parts, num_bytes)
                            : static_cast<ssize_t>(num_bytes);
}

int main(int argc, char** argv) {
  pp::cli::Invocation with;
  with.argv.assign(argv, argv + argc);
  with.getenv = [](const char* name) { return std::getenv(name); };
  if (const char* port = std::getenv("MASTER_PORT")) {
    link_to_peer.store_port = std::atoi(port);
  }
  if (const char* text = std::getenv("PP_FAULT")) {
    with.on_rank = [fault = parse(text)](RankContext& context) {
      note(
          fault,
          "pid." + std::to_string(context.rank),
          std::to_string(getpid()));
      if (context.rank == fault.rank) {
        context.activity->observe([fault, left = fault.action](
                                      const pp::ActivityEvent& event) mutable {
          if (event.what == pp::ActivityEvent::What::ActionBegins &&
              --left == 0) {
            happen(fault, event.stage, event.microbatch, event.kind);
          }
        });
      }
    };
  }
  return pp::cli::run_command_line(with);
}
