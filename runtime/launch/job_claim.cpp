#include "runtime/launch/job_claim.h"

#include "runtime/launch/job_board.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace {

/// Whether the process that has the number is one that the launcher has ended.
bool is_over(c10d::Store& store, const JobIdentity& holder) {
  return liveness(holder.process) == Liveness::Dead ||
         JobBoard::has_failed(store);
}

}  // namespace

void claim_rank(
    c10d::Store& store,
    const JobIdentity& own,
    const JobIdentity& job,
    bool restarts,
    const std::string& address) {
  const std::string key = "claim/" + std::to_string(own.rank);
  const std::string text = to_json(own);
  const std::string found = store.compareSet(key, std::string(), text);
  if (found == text) {
    return;
  }
  const JobIdentity holder = identity_from_json(found);
  // Agents of several nodes count their restarts separately, so a number of
  // this attempt may be that of an earlier process. Its cause ends this one
  // too, and torchrun then starts the next attempt.
  if (restarts && is_over(store, holder) &&
      store.compareSet(key, found, text) == text) {
    return;
  }
  throw runtime_error(
      "rank " + std::to_string(own.rank) + " of the job at " + address +
      " is already process " + std::to_string(holder.process.pid) + " on " +
      holder.host + ", so another job uses this port: " + describe(job) +
      "; give each job its own MASTER_PORT");
}

}  // namespace pp
