#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/observe/progress_format.h"
#include "runtime/observe/step_report.h"

namespace pp {

/// An average that follows its input with a memory of about `memory` values,
/// and is the plain mean until it has seen that many.
class SmoothedRate {
 public:
  explicit SmoothedRate(double memory = 20) : memory_(memory) {}
  void add(double value);
  double value() const { return value_; }

 private:
  double memory_;
  double count_ = 0;
  double value_ = 0;
};

struct ProgressOptions {
  bool terminal = false;  ///< a bar redrawn in place; else plain lines
  /// Columns, asked at every redraw, so that a resized window is followed.
  std::function<int()> width = [] { return 80; };
  double redraw_seconds = 0.1;  ///< terminal: at most one redraw in this time
  double line_seconds = 2;      ///< plain: at most one line in this time
};

/// Shows a run to whoever watches it. Used by one rank, from one thread.
class Progress {
 public:
  using Write = std::function<void(std::string_view)>;
  using Clock = std::function<double()>;  ///< seconds, steady

  Progress(ProgressOptions options, Write write, Clock clock);
  /// Leaves the cursor on a line of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(const StepReport& report);
  void eval(const EvalReport& report);
  /// A line of text above the bar ("saved checkpoints/step_50").
  void note(std::string_view line);
  /// Draws the last report if it is not on the screen yet, and ends the line.
  void finish();

 private:
  void draw();

  ProgressOptions options_;
  Write write_;
  Clock clock_;
  SmoothedRate step_seconds_;
  SmoothedRate samples_per_step_;
  SmoothedRate tokens_per_step_;
  std::optional<StepReport> last_;
  double last_drawn_ = 0;  ///< by clock_
  bool drawn_any_ = false;
  bool last_is_drawn_ = false;
  bool bar_on_screen_ = false;
};

/// Progress on a stream: a bar if it is a terminal, else lines.
///
/// bar  false: lines on a terminal too (TERM=dumb)
std::unique_ptr<Progress> make_progress(std::FILE* stream, bool bar = true);

}  // namespace pp
