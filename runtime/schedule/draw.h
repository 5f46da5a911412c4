#pragma once

#include <string>
#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// What a picture says besides its timeline.
struct Caption {
  std::string title;       ///< as caption_of makes it
  double update_time = 1;  ///< of the optimizer, shown where there is training
};

/// The caption of a schedule by name: "1F1B: 4 ranks, 8 microbatches".
Caption caption_of(std::string_view name, const Schedule& schedule);

/// One line a rank, time to the right, for a terminal.
///
/// width   columns to fit into; the time scale is chosen so that it does
/// color   ANSI colours: one a microbatch; forwards bright, backwards dim.
///         Without, each action is its kind's letter and microbatch.
std::string draw_text(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption,
    int width,
    bool color);

/// A picture: one colour a microbatch; forward, input gradient, weight
/// gradient, full backward and update told apart by shade and pattern.
std::string draw_svg(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Chrome trace: one track a rank, flow arrows for messages. One unit of time
/// is shown as a millisecond.
std::string draw_trace(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// Everything of the schedule and the timeline, for programs.
std::string draw_json(
    const Schedule& schedule, const Timeline& timeline, const Caption& caption);

/// "bubble 27.3 %, peak 4 microbatches (rank 0), critical path 33"
std::string summary(const Timeline& timeline);

}  // namespace pp
