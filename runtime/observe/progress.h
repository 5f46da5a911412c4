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

/// A moving average over about `memory` values. Until it has seen that many
/// values, it is their plain mean.
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
  bool terminal = false;  ///< true: a bar redrawn in place; false: plain lines
  /// Returns the terminal's width in columns. It is called at every redraw,
  /// because the window may be resized.
  std::function<int()> width = [] { return 80; };
  /// On a terminal: shortest time between redraws.
  double redraw_seconds = 0.1;
  double line_seconds = 2;  ///< plain lines: shortest time between them
};

/// Shows the progress of a run. One thread of one rank uses it.
class Progress {
 public:
  using Write = std::function<void(std::string_view)>;
  using Clock = std::function<double()>;  ///< returns seconds of a steady clock

  Progress(ProgressOptions options, Write write, Clock clock);
  /// Ends the bar, so that the cursor is at the beginning of a line.
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
  double last_drawn_ = 0;  ///< clock_() at the last draw
  bool drawn_any_ = false;
  bool last_is_drawn_ = false;
  bool bar_on_screen_ = false;
};

/// Makes a Progress that writes to a stream: a bar if the stream is a terminal,
/// otherwise lines.
///
/// bar  whether a terminal gets a bar; false for a terminal that can't redraw a
///      line (TERM=dumb)
std::unique_ptr<Progress> make_progress(std::FILE* stream, bool bar = true);

}  // namespace pp
