#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loader/allowed/trust.h"
#include "loader/core/log.h"
#include "loader/ir/input_hints.h"
#include "splitter/cut/split_spec.h"

namespace pp {

struct VerifyOptions {
  std::string path;   ///< a model or a stage directory
  SplitSpec split;    ///< where to cut a model
  InputHints inputs;  ///< shapes that a TorchScript file lacks
  Trust trust;        ///< how far its files are trusted
  std::string schedule = "1F1B";
  int microbatches = 4;
  bool forward_only = false;
  double tolerance = 1e-6;
  bool exact = false;  ///< require equal bits
  Log log;
};

struct VerifyRow {
  std::string kind;  ///< "output", "loss", "gradient", "buffer"
  std::string name;
  double error = 0;
  bool equal_bits = false;
  bool has_nan = false;  ///< the unsplit model's value has NaN
  /// The error in double precision, if both sides ran again that way.
  std::optional<double> error_in_double = {};
};

struct VerifyReport {
  std::vector<VerifyRow> rows;
  int num_stages = 0;
  bool passed = false;
  double tolerance = 0;
  /// Why values above the tolerance weren't compared in double precision.
  std::string not_in_double;

  /// Whether a value is right: within the tolerance, or within
  /// kToleranceInDouble times the tolerance in double precision.
  bool is_right(const VerifyRow& row) const;
  std::string text() const;  ///< the table, worst first
};

/// Factor on the tolerance for errors in double precision. There, an error that
/// is rounding shrinks to a billionth; any other error keeps its size.
inline constexpr double kToleranceInDouble = 1e-3;

/// Runs the unsplit graph and the pipeline on the same inputs and compares
/// outputs, loss, every parameter's gradient and the buffers. Inputs have the
/// sizes of the export. Floating inputs are drawn from a fixed seed; integers
/// are those of the export if the file has them. The loss is a fixed random
/// projection of every floating or complex output. The error of a tensor is
/// max|a-b| / max(max|b|, 1e-3 G), G the largest entry of its kind; of integers
/// and bools, max|a-b|.
///
/// If an error exceeds the tolerance, both sides run again in double precision,
/// which distinguishes rounding that the model amplifies from a real
/// difference.
VerifyReport verify(const VerifyOptions& options);

/// Path of the merged model that verify() writes for a stage directory and
/// removes before it returns.
std::filesystem::path verify_scratch_file();

}  // namespace pp
