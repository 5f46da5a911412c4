#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/model.h"

namespace pp {

/// A model with the values of weight files, see bind_weights(), as a file of
/// its own: it can be split, and merged again, like one that was saved so. The
/// file lies in a hidden folder beside the stages to be; the folder goes with
/// this object, or as what a killed process left, see remove_leftovers().
class BoundModel {
 public:
  /// throws what bind_weights and writing a file throw
  BoundModel(
      Model model,
      const std::filesystem::path& weights,
      const std::filesystem::path& stage_directory);
  ~BoundModel();
  BoundModel(const BoundModel&) = delete;
  BoundModel& operator=(const BoundModel&) = delete;

  const Model& model() const { return model_; }
  /// What a user should know, a line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void remove_folder() const noexcept;

  std::filesystem::path folder_;
  Model model_;
  std::vector<std::string> notes_;
};

}  // namespace pp
