#include "runtime/run/checkpoint_saver.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/launch/failure.h"
#include "runtime/train/checkpoint_folder.h"
#include "runtime/transport/errors.h"

namespace pp {

namespace {

using Milliseconds = std::chrono::milliseconds;

// How long a rank that has to leave waits for the others' parts.
constexpr Milliseconds kLastWords{300};
constexpr Milliseconds kLongestPause{20};

std::string key(int64_t step, const char* what) {
  return "checkpoint/" + std::to_string(step) + "/" + what;
}

// What threads leave in the store for each other, all below one step's key:
//
//   entered/R  the rank has come to the save
//   begun/R    the leader has made its folder
//   part/K     a Written
//   committed, pruned   how many leaders have
std::string entered(int64_t step, int rank) {
  return key(step, "entered/") + std::to_string(rank);
}

std::string begun(int64_t step, int leader) {
  return key(step, "begun/") + std::to_string(leader);
}

std::vector<std::string> part_keys(int64_t step, int num_parts) {
  std::vector<std::string> keys;
  for (int part = 0; part < num_parts; ++part) {
    keys.push_back(key(step, "part/") + std::to_string(part));
  }
  return keys;
}

/// A part, and whose folder it is in.
struct Written {
  CheckpointPart part;
  int leader = 0;
};

std::string to_text(const Written& written) {
  const auto& [file, num_bytes, hash, host] = written.part;
  return nlohmann::json{file, num_bytes, hash, host, written.leader}.dump();
}

Written parse_written(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  return {
      {json.at(0), json.at(1), json.at(2), json.at(3)}, json.at(4).get<int>()};
}

bool fits(const at::Tensor& copy, const at::Tensor& tensor) {
  return copy.defined() && copy.sizes() == tensor.sizes() &&
         copy.scalar_type() == tensor.scalar_type();
}

/// Another rank may still be writing there; the next save tidies up.
void remove_quietly(const std::filesystem::path& folder) {
  try {
    remove_unfinished(folder);
  } catch (const std::exception&) {}
}

}  // namespace

CheckpointSaver::CheckpointSaver(
    RankContext& context,
    std::filesystem::path folder,
    FolderSharing sharing,
    int num_parts)
    : context_(context),
      folder_(std::move(folder)),
      sharing_(std::move(sharing)),
      num_parts_(num_parts) {}

CheckpointSaver::~CheckpointSaver() {
  leave();
}

void CheckpointSaver::save(
    const CheckpointState& state,
    const CheckpointParts& parts,
    int keep,
    Take take_how) {
  wait_until_idle();
  step_ = state.step;
  context_.store->set(entered(step_, context_.rank), std::string("1"));
  take(parts, take_how);
  idle_ = false;
  thread_ = std::thread([this, state, keep] {
    std::exception_ptr error;
    try {
      write(state, keep);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error;
    idle_ = true;
    idle_changed_.notify_all();
  });
}

/// The copies of one checkpoint are written over by the next: fresh memory
/// costs more than the copying.
void CheckpointSaver::take(const CheckpointParts& parts, Take take_how) {
  const at::NoGradGuard no_grad;
  if (take_how == Take::Tensors || !owned_) {
    parts_.clear();
  }
  owned_ = take_how == Take::Copies;
  if (!owned_) {
    parts_ = parts;
    for (auto& [stage, tensors] : parts_) {
      for (auto& [name, tensor] : tensors) {
        tensor = tensor.cpu();  // itself, but for a device's
      }
    }
    return;
  }
  for (const auto& [stage, tensors] : parts) {
    for (const auto& [name, tensor] : tensors) {
      at::Tensor& copy = parts_[stage][name];
      if (!fits(copy, tensor)) {
        copy = at::empty_like(
            tensor,
            tensor.options().device(at::kCPU),
            at::MemoryFormat::Contiguous);
      }
      copy.copy_(tensor);
    }
  }
}

void CheckpointSaver::write(const CheckpointState& state, int keep) {
  c10d::Store& store = *context_.store;
  const int leader = sharing_.leader_of(context_.rank);
  const std::string ready = begun(state.step, leader);
  if (leader == context_.rank) {
    began_ = true;
    begin_checkpoint(folder_, state.step);
    store.set(ready, std::string("1"));
  } else if (
      parts_.empty() ||  // of replicas the first one writes
      !wait_for([&] { return store.check({ready}); })) {
    return;
  }
  write_parts(state.step);
  if (leader != context_.rank || !lead(state, keep) || context_.rank != 0) {
    return;
  }
  for (const int each : sharing_.leaders()) {
    store.deleteKey(begun(state.step, each));
  }
  for (const std::string& each : part_keys(state.step, num_parts_)) {
    store.deleteKey(each);
  }
  store.deleteKey(key(state.step, "committed"));
  store.deleteKey(key(state.step, "pruned"));
  for (int rank = 0; rank < context_.size; ++rank) {
    store.deleteKey(entered(state.step, rank));
  }
}

void CheckpointSaver::write_parts(int64_t step) {
  const auto keys = part_keys(step, num_parts_);
  for (const auto& [stage, tensors] : parts_) {
    Written written{
        write_checkpoint_part(folder_, step, stage, tensors),
        sharing_.leader_of(context_.rank)};
    if (!sharing_.is_one()) {
      written.part.host = host_name();
    }
    context_.store->set(keys.at(stage), to_text(written));
  }
}

/// The rest of a leader's work. False: it is leaving, and there may be no such
/// checkpoint.
bool CheckpointSaver::lead(const CheckpointState& state, int keep) {
  c10d::Store& store = *context_.store;
  const auto num_leaders = static_cast<int64_t>(sharing_.leaders().size());
  const auto all_have = [&](const char* done) {
    return [&store, num_leaders, name = key(state.step, done)] {
      return store.add(name, 0) >= num_leaders;
    };
  };
  const auto keys = part_keys(state.step, num_parts_);
  if (!wait_for([&] { return store.check(keys); })) {
    return false;
  }
  const auto path = commit(state);
  began_ = false;
  store.add(key(state.step, "committed"), 1);
  if (!wait_for(all_have("committed"))) {
    return false;
  }
  prune_checkpoints(folder_, state.step, keep);
  store.add(key(state.step, "pruned"), 1);
  if (context_.rank == 0) {
    const std::lock_guard lock(mutex_);
    saved_.push_back(path);
  }
  // Then nobody looks at these keys any more.
  return context_.rank != 0 || wait_for(all_have("pruned"));
}

std::filesystem::path CheckpointSaver::commit(const CheckpointState& state) {
  CheckpointContent content{state, {}};
  std::set<std::string> here;
  for (const std::string& name : part_keys(state.step, num_parts_)) {
    const Written written = parse_written(context_.store->get_to_str(name));
    content.parts.push_back(written.part);
    if (sharing_.leader_of(context_.rank) == written.leader) {
      here.insert(written.part.file);
    }
  }
  return commit_checkpoint(folder_, content, here);
}

/// One that has not come to the save under way.
std::optional<int> CheckpointSaver::missing_rank() {
  for (int rank = 0; rank < context_.size; ++rank) {
    if (!context_.store->check({entered(step_, rank)})) {
      return rank;
    }
  }
  return std::nullopt;
}

/// False: this rank is leaving, and it is not.
bool CheckpointSaver::wait_for(const std::function<bool()>& ready) {
  std::optional<Clock::time_point> left_at;
  waits_for_others_ = true;
  for (Milliseconds pause{1}; !ready();
       pause = std::min(2 * pause, kLongestPause)) {
    if (leaving_ && !left_at) {
      left_at = Clock::now();
    }
    if (left_at && Clock::now() - *left_at > kLastWords) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  waits_for_others_ = false;
  return true;
}

void CheckpointSaver::wait_until_idle() {
  Activity& activity = *context_.activity;
  auto deadline = Clock::now() + context_.stall_timeout;
  std::optional<int> missing;
  while (!is_idle_soon()) {
    context_.check_interrupted();
    const auto still = waits_for_others_ ? missing_rank() : std::nullopt;
    if (still != missing) {
      missing = still;
      missing ? activity.begin_wait(*missing, false) : activity.end_wait();
    }
    if (!missing) {
      deadline = Clock::now() + context_.stall_timeout;  // the disks' pace
    } else if (Clock::now() > deadline) {
      activity.mark_stalled();
      throw Stalled(
          ErrorKind::Runtime,
          "waited " + time_text(context_.stall_timeout) + " for rank " +
              std::to_string(*missing) + " to come to the checkpoint of step " +
              std::to_string(step_));
    }
  }
  if (missing) {
    activity.end_wait();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
  if (error_) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

bool CheckpointSaver::is_idle_soon() {
  std::unique_lock lock(mutex_);
  return idle_changed_.wait_for(lock, kLongestPause, [this] { return idle_; });
}

std::vector<std::filesystem::path> CheckpointSaver::poll() {
  const std::lock_guard lock(mutex_);
  if (error_) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
  return std::exchange(saved_, {});
}

std::vector<std::filesystem::path> CheckpointSaver::leave() noexcept {
  leaving_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
  // Not sooner: others would fail to write there, and theirs be the cause.
  if (began_) {
    remove_quietly(folder_);
    began_ = false;
  }
  return std::exchange(saved_, {});
}

std::vector<std::filesystem::path> CheckpointSaver::finish() {
  wait_until_idle();
  return poll();
}

}  // namespace pp
