#include "runtime/launch/greeting.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ops/zeros.h>

#include "loader/core/error.h"
#include "runtime/rank/collectives.h"
#include "runtime/transport/local/local.h"

namespace pp {
namespace {

constexpr std::chrono::seconds kLimit{10};
const JobSecret kSecret("what this job's processes know");

struct Greeting {
  std::string job;
  JobSecret secret;
};

/// The error of each rank's greeting.
std::vector<std::string> greet(const std::vector<Greeting>& all) {
  LocalHub hub(static_cast<int>(all.size()));
  std::vector<std::string> errors(all.size());
  {
    std::vector<std::jthread> threads;
    for (size_t rank = 0; rank < all.size(); ++rank) {
      threads.emplace_back([&, rank] {
        const auto transport = hub.transport(static_cast<int>(rank));
        try {
          greet_peers(*transport, all[rank].job, all[rank].secret, kLimit);
        } catch (const Error& error) {
          errors[rank] = error.what();
        }
      });
    }
  }
  return errors;
}

/// The error of rank 0's greeting when `peer` is the program of rank 1.
std::string error_with_peer(const std::function<void(Transport&)>& peer) {
  LocalHub hub(2);
  const std::jthread other([&] {
    const auto transport = hub.transport(1);
    try {
      peer(*transport);
    } catch (const Error&) {
      // Rank 0 has refused it and is gone.
    }
  });
  const auto transport = hub.transport(0);
  try {
    greet_peers(*transport, "1", kSecret, kLimit);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void say(Transport& transport, const std::string& text) {
  transport.send(text_message(text), 0)->wait(kLimit);
}

std::string hear(Transport& transport) {
  return text_of(transport.recv(0)->wait(kLimit));
}

/// Passes everything on to `inner` and keeps the texts that are sent.
class Recorder : public Transport {
 public:
  explicit Recorder(Transport& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  std::unique_ptr<Pending> send(Message message, int to) override {
    sent.push_back(text_of(message));
    return inner_.send(std::move(message), to);
  }
  std::unique_ptr<Pending> recv(int from) override { return inner_.recv(from); }
  void interrupt(const Error& cause) noexcept override {
    inner_.interrupt(cause);
  }

  std::vector<std::string> sent;

 private:
  Transport& inner_;
};

constexpr auto kAnotherJob =
    "the process that answers as rank 1 belongs to another job, or runs "
    "another version of pp";
constexpr auto kWithoutSecret =
    "the process that answers as rank 1 doesn't know the job's secret "
    "(PP_JOB_SECRET)";

TEST(Greeting, RanksOfOneJobRecogniseEachOther) {
  EXPECT_EQ(
      greet({{"1", {}}, {"1", {}}, {"1", {}}}), std::vector<std::string>(3));
  EXPECT_EQ(
      greet({{"1", kSecret}, {"1", kSecret}, {"1", kSecret}}),
      std::vector<std::string>(3));
}

TEST(Greeting, ARankOfAnotherJobIsNamed) {
  EXPECT_EQ(greet({{"1", {}}, {"2", {}}}).front(), kAnotherJob);
  EXPECT_EQ(greet({{"1", kSecret}, {"2", kSecret}}).front(), kAnotherJob);
}

TEST(Greeting, AnotherSecretIsNoticedOnBothSides) {
  const JobSecret other("what another job's processes know");
  EXPECT_EQ(
      greet({{"1", kSecret}, {"1", other}}),
      (std::vector<std::string>{
          kWithoutSecret,
          "the process that answers as rank 0 doesn't know the job's secret "
          "(PP_JOB_SECRET)"}));
  EXPECT_EQ(greet({{"1", kSecret}, {"1", {}}}).front(), kAnotherJob);
}

TEST(Greeting, AnEarlierGreetingProvesNothing) {
  std::vector<std::string> earlier;
  EXPECT_EQ(
      error_with_peer([&](Transport& transport) {
        Recorder recorder(transport);
        greet_peers(recorder, "1", kSecret, kLimit);
        earlier = recorder.sent;
      }),
      "");
  ASSERT_EQ(earlier.size(), 2u);
  EXPECT_EQ(
      error_with_peer([&](Transport& transport) {
        for (const std::string& text : earlier) {
          const auto answer = transport.recv(0);
          say(transport, text);
          answer->wait(kLimit);
        }
      }),
      kWithoutSecret);
}

// The peer asks rank 0 its own question, and returns its answer.
TEST(Greeting, ARanksOwnGreetingProvesNothing) {
  EXPECT_EQ(
      error_with_peer([](Transport& transport) {
        std::string greeting = hear(transport);
        greeting.replace(greeting.find("rank 0"), 6, "rank 1");
        say(transport, greeting);
        say(transport, hear(transport));
      }),
      kWithoutSecret);
}

TEST(Greeting, AChallengeOfAnotherLengthIsNoGreeting) {
  EXPECT_EQ(
      error_with_peer([](Transport& transport) {
        say(transport, "pp job 1, rank 1, challenge 00");
      }),
      kAnotherJob);
}

TEST(Greeting, SomethingElseThanAGreetingIsAnError) {
  const std::string said = error_with_peer([](Transport& transport) {
    Message tensor;
    tensor.tensors.push_back(at::zeros({3}));
    tensor.requires_grad.push_back(0);
    transport.send(std::move(tensor), 0)->wait(kLimit);
  });
  EXPECT_NE(said.find("sent a message that isn't text"), std::string::npos)
      << said;
}

}  // namespace
}  // namespace pp
