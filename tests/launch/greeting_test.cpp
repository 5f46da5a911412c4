#include "runtime/launch/greeting.h"

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

/// The error of each rank's greeting when rank R says that it is of jobs[R].
std::vector<std::string> greet(const std::vector<std::string>& jobs) {
  LocalHub hub(static_cast<int>(jobs.size()));
  std::vector<std::string> errors(jobs.size());
  {
    std::vector<std::jthread> threads;
    for (size_t rank = 0; rank < jobs.size(); ++rank) {
      threads.emplace_back([&, rank] {
        const auto transport = hub.transport(static_cast<int>(rank));
        try {
          greet_peers(*transport, jobs[rank], kLimit);
        } catch (const Error& error) {
          errors[rank] = error.what();
        }
      });
    }
  }
  return errors;
}

TEST(Greeting, RanksOfOneJobRecogniseEachOther) {
  EXPECT_EQ(greet({"1", "1", "1"}), std::vector<std::string>(3));
}

TEST(Greeting, ARankOfAnotherJobIsNamed) {
  const std::string first = greet({"1", "2"}).front();
  EXPECT_EQ(
      first,
      "the process that answers as rank 1 belongs to another job, or runs "
      "another version of pp");
}

TEST(Greeting, SomethingElseThanAGreetingIsAnError) {
  LocalHub hub(2);
  std::string said;
  {
    const std::jthread peer([&] {
      const auto transport = hub.transport(1);
      Message tensor;
      tensor.tensors.push_back(at::zeros({3}));
      tensor.requires_grad.push_back(0);
      transport->send(std::move(tensor), 0)->wait(kLimit);
    });
    const auto transport = hub.transport(0);
    try {
      greet_peers(*transport, "1", kLimit);
    } catch (const Error& error) {
      said = error.what();
    }
  }
  EXPECT_NE(said.find("sent a message that isn't text"), std::string::npos)
      << said;
}

}  // namespace
}  // namespace pp
