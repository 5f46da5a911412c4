#include "runtime/launch/agree.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/transport/errors.h"

namespace pp {

namespace {

/// "rank 1 has train.steps = 3, rank 0 has 4"
std::string first_difference(
    const Agreement& mine, const Agreement& theirs, int rank) {
  const auto text_of = [](const Agreement& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::string("none") : found->second;
  };
  Agreement names = mine;
  names.insert(theirs.begin(), theirs.end());
  for (const auto& [name, ignored] : names) {
    const std::string here = text_of(mine, name);
    const std::string there = text_of(theirs, name);
    if (here != there) {
      return "rank " + std::to_string(rank) + " has " + name + " = " + here +
             ", rank 0 has " + there;
    }
  }
  return "";
}

}  // namespace

void agree(
    RankContext& context, const std::string& key, const Agreement& mine) {
  using std::chrono::milliseconds;
  const std::string name = "agree/" + key;
  if (context.rank == 0) {
    context.store->set(name, nlohmann::json(mine).dump());
    return;
  }
  // A wait in the store could not be interrupted, so look now and then.
  const auto deadline =
      std::chrono::steady_clock::now() + context.stall_timeout;
  for (milliseconds pause{1}; !context.store->check({name});
       pause = std::min(2 * pause, milliseconds{50})) {
    context.check_interrupted();
    if (std::chrono::steady_clock::now() > deadline) {
      throw runtime_error(
          "rank 0 did not publish its " + key + " within " +
          time_text(context.stall_timeout));
    }
    std::this_thread::sleep_for(pause);
  }
  const auto theirs =
      nlohmann::json::parse(context.store->get_to_str(name)).get<Agreement>();
  if (theirs != mine) {
    throw usage_error(
        first_difference(mine, theirs, context.rank) +
        "; every rank must be given the same job and files");
  }
}

}  // namespace pp
