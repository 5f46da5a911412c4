// A value that a process left in the job's store, or that a rank sent. The
// first byte chooses its reader.
#include <array>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "runtime/checkpoint/inventory.h"
#include "runtime/checkpoint/save_board.h"
#include "runtime/launch/job_board.h"
#include "runtime/launch/job_claim.h"
#include "runtime/launch/stall.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/from_rank.h"
#include "runtime/secret/signed_store.h"
#include "runtime/transport/connect/connect.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

using Store = c10::intrusive_ptr<c10d::Store>;

Store store_with(const std::string& key, const std::string& value) {
  Store store = c10::make_intrusive<c10d::HashStore>();
  store->set(key, value);
  return store;
}

void read_identity(const std::string& value) {
  const JobIdentity identity = identity_from_json(value);
  describe(identity);
  may_be_one_job(identity, identity);
  require(
      to_json(identity_from_json(to_json(identity))) == to_json(identity),
      "a written identity reads back as it was");
}

void claim(const std::string& value) {
  const Store store = store_with("claim/0", value);
  claim_rank(*store, {}, {}, /*restarts=*/true, "localhost");
}

void read_cause(const std::string& value) {
  JobBoard board(store_with("cause", value));
  const auto cause = board.cause();
  if (cause) {
    to_string(*cause);
    to_json(*cause);
    JobFailed failed(*cause);
  }
}

void read_process(const std::string& value) {
  liveness(parse_process(value));
}

/// Rank 1 waited too long for rank 0, which left this value.
void read_activity(const std::string& value) {
  JobBoard board(store_with("activity/0", value));
  const ActivityState activity = board.activity(0);
  RankState waits{.host = "a", .activity = {}, .silence = ""};
  waits.activity.peer = 0;
  const RankState other{.host = "b", .activity = activity, .silence = ""};
  Cause waited;
  waited.rank = 1;
  waited.message = "waited 60 s for a message from rank 0";
  to_json(explain_stall(waited, {other, waits}));
}

void read_agreement(const std::string& value) {
  RankContext context;
  context.rank = 1;
  context.size = 2;
  context.check_interrupted = [] {};
  context.store = store_with("agree/plan", value);
  agree(context, "plan", {{"train.steps", "10"}});
}

void read_written_part(const std::string& value) {
  RankContext context;
  context.store = store_with("checkpoint/3/part/0", value);
  SaveBoard(context, 3, 1).parts();
}

void read_list(const std::string& value) {
  candidates_of({"[]", value, value});
}

void read_listed(const std::string& value) {
  const Listed listed = parse_listed(value, 1);
  require(
      parse_listed(listed_text(listed), 1).same_as(listed),
      "a written entry reads back as it was");
}

void read_contents(const std::string& value) {
  combine({value, value}, "/checkpoints/step_3");
}

void read_number(const std::string& value) {
  number_from_rank(value, 1, "its number", 0, 1);
}

/// Connects rank 0 through shared memory to a rank that left this address.
void read_address(const std::string& value) {
  const Store store = store_with("shared_memory/address/1", value);
  store->set("shared_memory/sees/1", std::string("11"));
  connect_ranks({.store = store, .rank = 0, .size = 2}, all_transports()[0]);
}

/// Connects rank 0 to a rank that left this list of ranks that it reaches.
void read_reach(const std::string& value) {
  const Store store = store_with("shared_memory/sees/1", value);
  store->set("shared_memory/address/1", std::string());
  connect_ranks({.store = store, .rank = 0, .size = 2}, all_transports()[0]);
}

/// Has this value under every key.
class FullStore : public c10d::HashStore {
 public:
  explicit FullStore(const std::string& value)
      : value_(value.begin(), value.end()) {}
  std::vector<uint8_t> get(const std::string&) override { return value_; }
  std::vector<uint8_t> compareSet(
      const std::string&,
      const std::vector<uint8_t>&,
      const std::vector<uint8_t>&) override {
    return value_;
  }

 private:
  std::vector<uint8_t> value_;
};

/// Reads a value that must be signed with a secret.
void read_signed(const std::string& value) {
  SignedStore store(
      c10::make_intrusive<FullStore>(value),
      JobSecret("what this job's processes know"),
      "job");
  accepts([&] { store.add("beat/1", 1); });
  store.get("host/1");
  require(false, "nobody forges a signature");
}

constexpr std::array kReaders = {
    read_identity,
    claim,
    read_cause,
    read_process,
    read_activity,
    read_agreement,
    read_written_part,
    read_list,
    read_listed,
    read_contents,
    read_number,
    read_address,
    read_reach,
    read_signed};

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  fuzz::Numbers input(data, size);
  const size_t choice = input.next<uint8_t>() % fuzz::kReaders.size();
  const auto value = input.rest();
  fuzz::accepts([&] {
    fuzz::kReaders[choice](
        std::string(fuzz::text_of(value.data(), value.size())));
  });
  return 0;
}
