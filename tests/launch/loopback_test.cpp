#include "runtime/launch/loopback.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/launch/job_store.h"

namespace pp {
namespace {

/// The addresses, in hexadecimal, at which this machine listens on a port.
std::vector<std::string> listeners(const std::string& table, int port) {
  constexpr const char* kListening = "0A";
  std::vector<std::string> out;
  std::ifstream file("/proc/net/" + table);
  std::string line;
  std::getline(file, line);  // the names of the columns
  std::string number;
  std::string local;
  std::string remote;
  std::string state;
  while (file >> number >> local >> remote >> state &&
         std::getline(file, line)) {
    const size_t colon = local.find(':');
    if (state == kListening &&
        std::stoi(local.substr(colon + 1), nullptr, 16) == port) {
      out.push_back(local.substr(0, colon));
    }
  }
  return out;
}

TEST(Loopback, StoreOfProcessesListensOnNoOtherAddress) {
  EnvRanks ranks;
  ranks.size = 2;
  const JobStore store = serve_store(ranks);
  EXPECT_EQ(
      listeners("tcp", ranks.master_port),
      std::vector<std::string>{"0100007F"});
  EXPECT_EQ(listeners("tcp6", ranks.master_port), std::vector<std::string>{});
}

}  // namespace
}  // namespace pp
