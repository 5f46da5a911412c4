#pragma once

#include <string>
#include <string_view>

#include "runtime/observe/step_report.h"

namespace pp {

/// Returns a duration as "0:12", "12:03" or "1:02:03"; "-:--" if it is unknown,
/// that is, negative, not finite or over 100,000 hours.
std::string duration_text(double seconds);

/// Returns a rate as "12.3k tok/s", "845 tok/s" or "3.21 tok/s".
std::string rate_text(double per_second, std::string_view unit);

/// Returns a number as "2.3104", "0.0021", "1.25e-07" or "nan": with four or
/// five digits, so that its width hardly changes from step to step.
std::string number_text(double value);

/// Smoothed values that a line shows in addition to the report.
struct ProgressRates {
  double samples_per_s = 0;
  double tokens_per_s = 0;  ///< 0: the line shows samples instead
  double seconds_left = -1;
};

/// Returns a progress bar, "step  37/200 [====>     ] loss 2.3104 grad 0.8412
/// 12.3k tok/s 0:12 left", in one line.
///
/// width  the terminal's columns. The text is always shorter, so it never
///        wraps: if it doesn't fit, the bar is dropped first, then the other
///        parts from the right
std::string bar_line(
    const StepReport& report, const ProgressRates& rates, int width);

/// Returns a plain line, "step 37/200  loss 2.3104  grad 0.8412  lr 3e-04  81
/// ms/step  12.3k tok/s  0:12 left".
std::string plain_line(const StepReport& report, const ProgressRates& rates);

/// Returns an evaluation's line, "eval at step 50: loss 2.2871, accuracy 0.4120
/// (0.8 s)".
std::string eval_line(const EvalReport& report);

}  // namespace pp
