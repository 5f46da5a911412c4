#include "tests/transport/contract.h"

#include <barrier>

#include <ATen/ops/full.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "runtime/transport/connect/connect.h"
#include "runtime/transport/local/local.h"

namespace pp::testing {

std::vector<Backend> backends() {
  std::vector<Backend> all = {
      {"local", [](int num_ranks) -> Connect {
         auto hub = std::make_shared<LocalHub>(num_ranks);
         return [hub](int rank) { return hub->transport(rank); };
       }}};
  for (const TransportEntry& entry : all_transports()) {
    all.push_back({std::string(entry.name), [&entry](int num_ranks) -> Connect {
                     auto store = c10::make_intrusive<c10d::HashStore>();
                     return [store, num_ranks, &entry](int rank) {
                       return connect_ranks({store, rank, num_ranks}, entry);
                     };
                   }});
  }
  return all;
}

void TransportContract::run(
    int num_ranks, const std::function<void(Transport& transport)>& body) {
  const Connect connect = GetParam().job(num_ranks);
  std::barrier<> all_done(num_ranks);
  spawn_ranks(num_ranks, [&](int rank) {
    const auto transport = connect(rank);
    try {
      body(*transport);
    } catch (...) {
      all_done.arrive_and_drop();
      throw;
    }
    all_done.arrive_and_wait();
  });
}

Message numbered(int number) {
  Message message;
  message.stage = 1;
  message.microbatch = number;
  message.tensors = {at::full({3}, number)};
  return message;
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace pp::testing
