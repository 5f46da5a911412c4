#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runtime/job/job.h"
#include "runtime/launch/launch.h"

namespace pp {

/// Whether a training goes on from the newest checkpoint of its folder.
enum class Resume {
  No,    ///< it starts anew; an earlier run's checkpoints are set aside
  Yes,   ///< none there is an error
  IfAny  ///< none there: it starts anew
};

/// What a checkpoint must be to go on from it.
struct ResumePoint {
  Resume resume = Resume::No;
  /// A restart by torchrun goes on from checkpoints of this launch only.
  bool this_launch = false;
};

/// What the user asked for, or, of a job that torchrun restarts, that it goes
/// on.
ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env);

/// For who stopped a training: "--resume goes on from runs/checkpoints/step_4".
std::string how_to_resume(const Job& job);

}  // namespace pp
