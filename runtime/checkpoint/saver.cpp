#include "runtime/checkpoint/saver.h"

#include <algorithm>
#include <set>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>

#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/writer.h"
#include "runtime/rank/failure.h"
#include "runtime/transport/errors.h"

namespace pp {

namespace {

using Milliseconds = std::chrono::milliseconds;

/// How long a rank that has to leave waits for the others' parts.
constexpr Milliseconds kGracePeriod{300};
constexpr Milliseconds kLongestPause{20};

bool fits(const at::Tensor& copy, const at::Tensor& tensor) {
  return copy.defined() && copy.sizes() == tensor.sizes() &&
         copy.scalar_type() == tensor.scalar_type();
}

/// Ignores errors: another rank may still be writing there, and the next save
/// removes what is left.
void try_remove_unfinished(const std::filesystem::path& folder) {
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
    Tensors tensors,
    std::optional<int64_t> first_bad,
    std::optional<int64_t> best) {
  wait_until_idle();
  step_ = state.step;
  board_.emplace(context_, step_, num_parts_);
  board_->note_entered();
  keep_tensors(parts, tensors);
  idle_ = false;
  thread_ = std::thread([this, state, keep, first_bad, best] {
    std::exception_ptr error;
    try {
      write(state, [&] {
        prune_checkpoints(folder_, state.step, keep, first_bad, best);
      });
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error;
    idle_ = true;
    idle_changed_.notify_all();
  });
}

/// Keeps the tensors to save. Copies go to the memory of the previous
/// checkpoint's copies, because new memory costs more than the copying.
void CheckpointSaver::keep_tensors(
    const CheckpointParts& parts, Tensors tensors) {
  const at::NoGradGuard no_grad;
  if (tensors == Tensors::AsTheyAre || !parts_are_copies_) {
    parts_.clear();
  }
  parts_are_copies_ = tensors == Tensors::Copied;
  if (!parts_are_copies_) {
    parts_ = parts;
    for (auto& [stage, by_name] : parts_) {
      for (auto& [name, tensor] : by_name) {
        tensor = tensor.cpu();  // the tensor itself, unless it is on a device
      }
    }
    return;
  }
  for (const auto& [stage, by_name] : parts) {
    for (const auto& [name, tensor] : by_name) {
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

/// The thread's work for one checkpoint.
void CheckpointSaver::write(const CheckpointState& state, const Prune& prune) {
  const int leader = sharing_.leader_of(context_.rank);
  if (leader != context_.rank) {
    follow(leader);
    return;
  }
  has_unfinished_folder_ = true;
  begin_checkpoint(folder_, state.step);
  board_->note_begun();
  write_parts();
  if (lead(state, prune) && context_.rank == 0) {
    board_->clear(sharing_);
  }
}

/// The work of a rank that leads no folder. It ends when the whole checkpoint
/// is saved, so that a slow disk delays all ranks alike. A rank that continued
/// earlier would mistake a leader that waits for its disk for one that hangs.
void CheckpointSaver::follow(int leader) {
  if (!parts_.empty()) {  // only the first replica writes
    if (!wait_for([&] { return board_->has_begun(leader); })) {
      return;
    }
    write_parts();
  }
  if (wait_for([&] { return board_->num_pruned() >= num_leaders(); })) {
    board_->note_done();
  }
}

int64_t CheckpointSaver::num_leaders() const {
  return static_cast<int64_t>(sharing_.leaders().size());
}

void CheckpointSaver::write_parts() {
  for (const auto& [stage, tensors] : parts_) {
    SaveBoard::WrittenPart written{
        write_checkpoint_part(folder_, step_, stage, tensors),
        sharing_.leader_of(context_.rank)};
    if (!sharing_.is_one()) {
      written.part.host = host_name();
    }
    board_->note_written(stage, written);
  }
}

/// The work of a leader after its folder is made. Returns false if the rank is
/// leaving; then the checkpoint may be incomplete.
bool CheckpointSaver::lead(const CheckpointState& state, const Prune& prune) {
  if (!wait_for([&] { return board_->has_all_parts(); })) {
    return false;
  }
  const auto path = commit(state);
  has_unfinished_folder_ = false;
  board_->note_committed();
  if (!wait_for([&] { return board_->num_committed() >= num_leaders(); })) {
    return false;
  }
  prune();
  board_->note_pruned();
  board_->note_done();
  if (context_.rank != 0) {
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    saved_.push_back(path);
  }
  // Once all are done, nobody looks at the board any more.
  return wait_for([&] { return board_->num_done() >= context_.size; });
}

std::filesystem::path CheckpointSaver::commit(const CheckpointState& state) {
  CheckpointContent content{state, {}};
  std::set<std::string> here;
  for (const auto& [part, leader] : board_->parts()) {
    content.parts.push_back(part);
    if (sharing_.leader_of(context_.rank) == leader) {
      here.insert(part.file);
    }
  }
  return commit_checkpoint(folder_, content, here);
}

/// Returns a rank that has not reached the save in progress, if there is one.
std::optional<int> CheckpointSaver::missing_rank() const {
  for (int rank = 0; rank < context_.size; ++rank) {
    if (!board_->has_entered(rank)) {
      return rank;
    }
  }
  return std::nullopt;
}

/// Returns false if the rank is leaving and the condition still does not hold.
bool CheckpointSaver::wait_for(const std::function<bool()>& condition) {
  std::optional<Clock::time_point> left_at;
  waits_for_others_ = true;
  for (Milliseconds pause{1}; !condition();
       pause = std::min(2 * pause, kLongestPause)) {
    if (leaving_ && !left_at) {
      left_at = Clock::now();
    }
    if (left_at && Clock::now() - *left_at > kGracePeriod) {
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
    const auto now_missing = waits_for_others_ ? missing_rank() : std::nullopt;
    if (now_missing != missing) {
      missing = now_missing;
      missing ? activity.begin_wait(*missing, false) : activity.end_wait();
    }
    if (!missing) {
      // The disks may take as long as they need.
      deadline = Clock::now() + context_.stall_timeout;
    } else if (Clock::now() > deadline) {
      activity.mark_stalled();
      throw Stalled(
          ErrorKind::Runtime,
          "waited " + time_text(context_.stall_timeout) + " for rank " +
              std::to_string(*missing) + " to reach the checkpoint of step " +
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
  // Remove the folder only after this rank's thread has ended. Otherwise writes
  // of other ranks would fail, and that could be mistaken for the cause.
  if (has_unfinished_folder_) {
    try_remove_unfinished(folder_);
    has_unfinished_folder_ = false;
  }
  return std::exchange(saved_, {});
}

std::vector<std::filesystem::path> CheckpointSaver::finish() {
  wait_until_idle();
  return poll();
}

}  // namespace pp
