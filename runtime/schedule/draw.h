#pragma once

#include <string>
#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// The texts and options of a picture, besides its timeline.
struct Caption {
  std::string title;
  double update_time = 1;  ///< the optimizer's; drawn if there are backwards
};

/// The caption of the schedule called `name`: "1F1B: 4 ranks, 8 microbatches".
Caption caption_of(std::string_view name, const Schedule& schedule);

/// Draws one line per rank for a terminal, with time to the right.
///
/// width   columns to fit into; the time scale is chosen accordingly
/// color   use ANSI colours, one per microbatch, with bright forwards and dim
///         backwards. Without colours, each action shows its kind's letter and
///         its microbatch.
std::string draw_text(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption,
    int width,
    bool color);

/// Draws a picture with one colour per microbatch. Forward, input gradient,
/// weight gradient, full backward and update differ in shade and pattern.
std::string draw_svg(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Writes a Chrome trace with one track per rank and flow arrows for messages.
/// One unit of time is shown as a millisecond.
std::string draw_trace(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Writes the whole schedule and timeline as JSON, for programs.
std::string draw_json(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// "bubble 27.3 %, peak 4 microbatches (rank 0), critical path 33"
std::string summary(const Timeline& timeline);

}  // namespace pp
