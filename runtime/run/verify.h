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
  std::string path;   ///< path of a model or of a stage directory
  SplitSpec split;    ///< where to cut a model
  InputHints inputs;  ///< shapes that a TorchScript file lacks
  Trust trust;        ///< how far the model's files are trusted
  std::string schedule = "1F1B";
  int microbatches = 4;
  bool forward_only = false;
  double tolerance = 1e-6;
  bool exact = false;  ///< whether equal bits are required
  Log log;
};

struct VerifyRow {
  std::string kind;  ///< "output", "loss", "gradient", "buffer"
  std::string name;
  double error = 0;
  bool equal_bits = false;
  bool has_nan = false;  ///< whether the unsplit model's value has NaN
  /// The error in double precision; nullopt if the two sides were not run again
  /// in double precision.
  std::optional<double> error_in_double = {};
};

struct VerifyReport {
  std::vector<VerifyRow> rows;
  int num_stages = 0;
  bool passed = false;
  double tolerance = 0;
  /// Why values with errors above the tolerance weren't compared in double
  /// precision; empty if they were, or if there are none.
  std::string not_in_double;

  /// Whether a value is right: its error is within the tolerance or, in double
  /// precision, within kToleranceInDouble times the tolerance.
  bool is_right(const VerifyRow& row) const;
  std::string text() const;  ///< the rows as a table, worst first
};

/// The factor by which the tolerance is multiplied for errors in double
/// precision. There, an error that is due to rounding shrinks to a billionth;
/// any other error keeps its size.
inline constexpr double kToleranceInDouble = 1e-3;

/// Runs the unsplit graph and the pipeline on the same inputs, and compares
/// outputs, loss, every parameter's gradient and the buffers. Inputs have the
/// sizes of the export. Floating-point inputs are drawn from a fixed seed;
/// integers are those of the export if the file has them. The loss is a fixed
/// random projection of every floating-point or complex output. The error of a
/// tensor is max|a-b| / max(max|b|, 1e-3 G), where G is the largest entry of
/// all tensors of its kind; for integers and bools it is max|a-b|.
///
/// If an error exceeds the tolerance, both sides run again in double precision,
/// which distinguishes rounding that the model amplifies from a real
/// difference.
VerifyReport verify(const VerifyOptions& options);

/// Returns the path of the merged model that verify() writes for a stage
/// directory and removes before it returns.
std::filesystem::path verify_scratch_file();

}  // namespace pp
