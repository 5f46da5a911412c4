#include "runtime/run/resume.h"

#include "runtime/run/checkpoints.h"
#include "runtime/train/checkpoint.h"

namespace pp {

ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env) {
  if (env && env->restart_count > 0 && asked == Resume::No) {
    return {Resume::IfAny, true};
  }
  return {env && env->restart_count > 0 ? Resume::IfAny : asked, false};
}

std::string how_to_resume(const Job& job) {
  const auto saved = list_checkpoints(checkpoint_folder(job));
  return saved.empty() ? "there is no checkpoint yet"
                       : "--resume goes on from " + saved.back().string();
}

}  // namespace pp
