#include "runtime/run/checkpoint_saver.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
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

std::string entered(int64_t step, int rank) {
  return key(step, "entered/") + std::to_string(rank);
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
    RankContext& context, std::filesystem::path folder, int num_parts)
    : context_(context), folder_(std::move(folder)), num_parts_(num_parts) {}

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
    return;
  }
  for (const auto& [stage, tensors] : parts) {
    for (const auto& [name, tensor] : tensors) {
      at::Tensor& copy = parts_[stage][name];
      if (!fits(copy, tensor)) {
        copy = at::empty_like(tensor, at::MemoryFormat::Contiguous);
      }
      copy.copy_(tensor);
    }
  }
}

void CheckpointSaver::write(const CheckpointState& state, int keep) {
  c10d::Store& store = *context_.store;
  const std::string begun = key(state.step, "begun");
  const std::string written = key(state.step, "written");
  if (parts_.empty() && context_.rank != 0) {
    return;  // of replicas the first one writes
  }
  if (context_.rank == 0) {
    began_ = true;
    begin_checkpoint(folder_, state.step);
    store.set(begun, std::string("1"));
  } else if (!wait_for([&] { return store.check({begun}); })) {
    return;
  }
  for (const auto& [stage, tensors] : parts_) {
    write_checkpoint_part(folder_, state.step, stage, tensors);
  }
  store.add(written, static_cast<int64_t>(parts_.size()));
  if (context_.rank != 0) {
    return;
  }
  if (!wait_for([&] { return store.add(written, 0) >= num_parts_; })) {
    return;
  }
  const auto path = commit_checkpoint(folder_, state, num_parts_, keep);
  began_ = false;
  store.deleteKey(begun);
  store.deleteKey(written);
  for (int rank = 0; rank < context_.size; ++rank) {
    store.deleteKey(entered(state.step, rank));
  }
  const std::lock_guard lock(mutex_);
  saved_.push_back(path);
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
  if (began_ && context_.rank == 0) {
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
