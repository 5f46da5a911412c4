#include "runtime/rank/agree.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/rank/from_rank.h"
#include "runtime/transport/errors.h"

namespace pp {

namespace {

/// Returns the settings as JSON. Replaces bytes that aren't UTF-8, which paths
/// may hold.
std::string published_text(const Agreement& own) {
  return nlohmann::json(own).dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Agreement parse_agreement(const std::string& text, const std::string& what) {
  return from_rank(text, 0, what, [](const nlohmann::json& json) {
    return json.get<Agreement>();
  });
}

/// "rank 1 has train.steps = 3, rank 0 has 4"
std::string first_difference(
    const Agreement& own, const Agreement& of_rank_0, int rank) {
  const auto text_of = [](const Agreement& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::string("none") : found->second;
  };
  Agreement names = own;
  names.insert(of_rank_0.begin(), of_rank_0.end());
  for (const auto& [name, ignored] : names) {
    const std::string here = text_of(own, name);
    const std::string there = text_of(of_rank_0, name);
    if (here != there) {
      return "rank " + std::to_string(rank) + " has " + name + " = " + here +
             ", but rank 0 has " + there;
    }
  }
  return "";
}

}  // namespace

void agree(RankContext& context, const std::string& key, const Agreement& own) {
  using std::chrono::milliseconds;
  const std::string name = "agree/" + key;
  if (context.rank == 0) {
    context.store->set(name, published_text(own));
    return;
  }
  // A wait inside the store can't be interrupted, so poll it.
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
  const Agreement of_rank_0 =
      parse_agreement(context.store->get_to_str(name), "its " + key);
  const Agreement here = parse_agreement(published_text(own), key);
  if (of_rank_0 != here) {
    throw usage_error(
        first_difference(here, of_rank_0, context.rank) +
        "; every rank must be given the same job and files");
  }
}

}  // namespace pp
