#pragma once

#include <string>
#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// The parts of a picture other than its timeline.
struct Caption {
  std::string title;
  /// Time of the optimizer's update, which is drawn if there are backwards.
  double update_time = 1;
};

/// Returns the caption of the schedule called `name`: "1F1B: 4 ranks, 8
/// microbatches".
Caption caption_of(std::string_view name, const Schedule& schedule);

/// Draws one line per rank for a terminal, with time to the right.
///
/// width   columns of the terminal; the time scale is chosen so that the lines
///         fit
/// color   whether to use ANSI colours: one per microbatch, bright for forwards
///         and dim for backwards. Without colours, each action shows its kind's
///         letter and its microbatch
std::string draw_text(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption,
    int width,
    bool color);

/// Returns an SVG picture with one colour per microbatch. Forward, input
/// gradient, weight gradient, full backward and update differ in shade and
/// pattern.
std::string draw_svg(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Returns a Chrome trace with one track per rank and flow arrows for messages.
/// One unit of time is shown as a millisecond.
std::string draw_trace(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Returns the whole schedule and timeline as JSON, for other programs.
std::string draw_json(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Returns a summary: "bubble 27.3 %, peak 4 microbatches (rank 0), critical
/// path 33".
std::string summary(const Timeline& timeline);

}  // namespace pp
