#pragma once

#include <string>

#include "runtime/job/first_job.h"

namespace pp {

/// The loss of a first job.
struct FirstJobLoss {
  std::string name = {};  ///< empty: the model computes its own loss
  std::string output =
      {};  ///< the output that it reads; empty: the model has only one
  std::string reason = {};  ///< why this loss was chosen, as a sentence
  std::string target = {};  ///< what the target must be: "int64 [rows]"
  /// Whether each token of the output is compared with a token.
  bool is_per_token = false;
};

/// Guesses the loss from the names and shapes of inputs and outputs, and from
/// the type of the target if its file exists.
FirstJobLoss guess_loss(
    const FirstJobModel& model, const FirstJobRequest& request);

/// Returns sizes as text, "[rows, 3, any]".
/// first  the text of dimension 0; empty: its own size
std::string sizes_text(
    const FirstJobModel& model,
    const std::vector<ir::Dim>& sizes,
    const std::string& first);

}  // namespace pp
