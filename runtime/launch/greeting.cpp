#include "runtime/launch/greeting.h"

#include <memory>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "runtime/rank/collectives.h"

namespace pp {
namespace {

std::string greeting_of(const std::string& job, int rank) {
  return "pp job " + job + ", rank " + std::to_string(rank);
}

}  // namespace

void greet_peers(
    Transport& transport,
    const std::string& job,
    std::chrono::milliseconds timeout) {
  const int own = transport.rank();
  std::vector<std::unique_ptr<Pending>> sends;
  std::vector<std::pair<int, std::unique_ptr<Pending>>> greetings;
  for (int peer = 0; peer < transport.size(); ++peer) {
    if (peer != own) {
      greetings.emplace_back(peer, transport.recv(peer));
      sends.push_back(
          transport.send(text_message(greeting_of(job, own)), peer));
    }
  }
  for (const auto& [peer, pending] : greetings) {
    if (text_of(pending->wait(timeout)) != greeting_of(job, peer)) {
      throw runtime_error(
          "the process that answers as rank " + std::to_string(peer) +
          " belongs to another job, or runs another version of pp");
    }
  }
  for (const auto& send : sends) {
    send->wait(timeout);
  }
}

}  // namespace pp
