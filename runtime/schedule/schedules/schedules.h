#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

// The functions that generate the schedules, each described in its own file.
// See ScheduleEntry::generate for sizes and errors.
Schedule gpipe(const Shape& shape);
Schedule one_f_one_b(const Shape& shape);
Schedule interleaved_1f1b(const Shape& shape);
Schedule looped_bfs(const Shape& shape);
Schedule interleaved_zero_bubble(const Shape& shape);
Schedule zbv_zero_bubble(const Shape& shape);
Schedule dual_pipe_v(const Shape& shape);
Schedule v_half(const Shape& shape);
Schedule v_min(const Shape& shape);

}  // namespace pp
