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

/// A moving average over about `memory` values. It is the plain mean until it
/// has seen that many.
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
  /// Returns the terminal's columns. It is called at every redraw, so the
  /// window may be resized.
  std::function<int()> width = [] { return 80; };
  double redraw_seconds = 0.1;  ///< terminal: least time between redraws
  double line_seconds = 2;      ///< plain: least time between lines
};

/// Shows the progress of a run. Used by one rank, from one thread.
class Progress {
 public:
  using Write = std::function<void(std::string_view)>;
  using Clock = std::function<double()>;  ///< seconds, steady

  Progress(ProgressOptions options, Write write, Clock clock);
  /// Leaves the cursor at the beginning of a line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(const StepReport& report);
  void eval(const EvalReport& report);
  /// Prints a line above the bar ("saved checkpoints/step_50").
  void note(std::string_view line);
  /// Draws the last report if it isn't on the screen yet, and ends the line.
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
  double last_drawn_ = 0;  ///< when, by clock_
  bool drawn_any_ = false;
  bool last_is_drawn_ = false;
  bool bar_on_screen_ = false;
};

/// Makes a Progress that writes to a stream: a bar if the stream is a terminal,
/// otherwise lines.
///
/// bar  false: lines on a terminal too (TERM=dumb)
std::unique_ptr<Progress> make_progress(std::FILE* stream, bool bar = true);

}  // namespace pp
