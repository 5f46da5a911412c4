#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/model/formats.h"
#include "loader/model/model.h"

namespace pp {

/// A model with the values of weight files (see bind_weights()), saved as a
/// file of its own, so that it can be split and merged like any other model
/// file. The file is in a hidden folder next to the future stage directory. The
/// destructor removes it; after a crash, remove_leftovers() does.
class BoundModel {
 public:
  /// Binds `model` to the weight files and writes it.
  /// weights  the files, see bind_weights()
  /// throws   see bind_weights() and write_model()
  BoundModel(
      Model model,
      const std::filesystem::path& weights,
      const std::filesystem::path& stage_directory,
      const ModelFormats& formats);
  ~BoundModel();
  BoundModel(const BoundModel&) = delete;
  BoundModel& operator=(const BoundModel&) = delete;

  const Model& model() const { return model_; }
  /// The notes of bind_weights() for the user, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void remove_folder() const noexcept;

  std::filesystem::path folder_;
  Model model_;
  std::vector<std::string> notes_;
};

}  // namespace pp
