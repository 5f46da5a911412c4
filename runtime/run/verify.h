#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "loader/ir/input_hints.h"
#include "splitter/split_spec.h"

namespace pp {

struct VerifyOptions {
  std::string path;   ///< a model or a stage directory
  SplitSpec split;    ///< a model: where to cut
  InputHints inputs;  ///< TorchScript: what the file does not say
  std::string schedule = "1F1B";
  int microbatches = 4;
  bool forward_only = false;
  double tolerance = 1e-6;
  bool exact = false;  ///< every bit
  Log log;
};

struct VerifyRow {
  std::string kind;  ///< "output", "loss", "gradient", "buffer"
  std::string name;
  double error = 0;
  bool equal_bits = false;
  bool has_nan = false;  ///< the unsplit model's own
};

struct VerifyReport {
  std::vector<VerifyRow> rows;
  int num_stages = 0;
  bool passed = false;
  std::string text(double tolerance) const;  ///< the table, worst first
};

/// Runs the unsplit graph and the pipeline on the same inputs and compares
/// outputs, loss, every parameter's gradient and the buffers. Inputs are of the
/// export's sizes: floating ones drawn from a fixed seed, whole numbers those
/// it was exported with, where the file has them. The loss is a fixed random
/// projection of every floating output. The error of a tensor is
/// max|a-b| / max(max|b|, 1e-3 G), G the largest entry of its kind.
VerifyReport verify(const VerifyOptions& options);

/// Where verify() puts the merged model while it reads a stage directory; gone
/// when it returns.
std::filesystem::path verify_scratch_file();

}  // namespace pp
