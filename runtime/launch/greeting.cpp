#include "runtime/launch/greeting.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "runtime/rank/collectives.h"
#include "runtime/secret/random_bytes.h"

namespace pp {
namespace {

constexpr size_t kChallengeBytes = 32;

/// One rank's part in the greetings.
class Greeter {
 public:
  Greeter(
      Transport& transport,
      const std::string& job,
      const JobSecret& secret,
      std::chrono::milliseconds timeout)
      : transport_(transport), job_(job), secret_(secret), timeout_(timeout) {}

  void greet() {
    if (!secret_.exists()) {
      exchange(
          [&](int) { return greeting_of(own()); },
          [&](int peer, const std::string& said) {
            expect_greeting(said == greeting_of(peer), peer);
          });
      return;
    }
    std::map<int, std::string> own_challenges;
    std::map<int, std::string> challenges;
    exchange(
        [&](int peer) {
          own_challenges[peer] = to_hex(random_bytes(kChallengeBytes));
          return greeting_of(own()) + kChallenge + own_challenges[peer];
        },
        [&](int peer, const std::string& said) {
          const std::string start = greeting_of(peer) + kChallenge;
          expect_greeting(
              said.starts_with(start) &&
                  said.size() == start.size() + 2 * kChallengeBytes,
              peer);
          challenges[peer] = said.substr(start.size());
        });
    exchange(
        [&](int peer) {
          return proof(
              own(), peer, challenges.at(peer), own_challenges.at(peer));
        },
        [&](int peer, const std::string& said) {
          expect_proof(
              said,
              proof(peer, own(), own_challenges.at(peer), challenges.at(peer)),
              peer);
        });
  }

 private:
  static constexpr auto kChallenge = ", challenge ";

  int own() const { return transport_.rank(); }

  std::string greeting_of(int rank) const {
    return "pp job " + job_ + ", rank " + std::to_string(rank);
  }

  /// The text that rank `from` sends to rank `to`, whose challenge it answers.
  std::string proof(
      int from,
      int to,
      const std::string& answered,
      const std::string& asked) const {
    return to_hex(secret_.sign(
        "greeting",
        {job_, std::to_string(from), std::to_string(to), answered, asked}));
  }

  static void expect_greeting(bool holds, int peer) {
    if (!holds) {
      throw runtime_error(
          "the process that answers as rank " + std::to_string(peer) +
          " belongs to another job, or runs another version of pp");
    }
  }

  static void expect_proof(
      const std::string& said, const std::string& expected, int peer) {
    const auto bytes = [](const std::string& text) {
      return std::span(
          reinterpret_cast<const uint8_t*>(text.data()), text.size());
    };
    if (!equal_in_constant_time(bytes(said), bytes(expected))) {
      throw runtime_error(
          "the process that answers as rank " + std::to_string(peer) +
          " doesn't know the job's secret (PP_JOB_SECRET)");
    }
  }

  /// Sends a text to every other rank, and reads one from each.
  template <typename Say, typename Hear>
  void exchange(Say say, Hear hear) {
    std::vector<std::unique_ptr<Pending>> sends;
    std::vector<std::pair<int, std::unique_ptr<Pending>>> texts;
    for (int peer = 0; peer < transport_.size(); ++peer) {
      if (peer != own()) {
        texts.emplace_back(peer, transport_.recv(peer));
        sends.push_back(transport_.send(text_message(say(peer)), peer));
      }
    }
    for (const auto& [peer, pending] : texts) {
      hear(peer, text_of(pending->wait(timeout_)));
    }
    for (const auto& send : sends) {
      send->wait(timeout_);
    }
  }

  Transport& transport_;
  const std::string& job_;
  const JobSecret& secret_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

void greet_peers(
    Transport& transport,
    const std::string& job,
    const JobSecret& secret,
    std::chrono::milliseconds timeout) {
  Greeter(transport, job, secret, timeout).greet();
}

}  // namespace pp
