#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "runtime/schedule/schedule.h"

namespace pp {

// A schedule as text: one row a rank, one cell an action ("2F0", "3SEND_F1",
// "(0F1;7B0)OVERLAP_F_B"). The same files torch's schedules dump and load, in
// both of its forms: compute actions only, or with messages. docs/schedules.md
// has the grammar.

/// One line a rank, no empty cells.
std::string to_csv(const Schedule& schedule);

/// Reads either form. Blanks around a cell are dropped. An empty cell is a
/// bubble and left out; where there are messages too, it is refused, as torch
/// does. Placement is read off the rows. Only the text is checked: validate()
/// says whether the schedule can be executed.
///
/// file    its name, for messages
/// throws  Error(Input) with file, row and column, counted from 1
Schedule parse_csv(std::string_view text, std::string_view file);

/// throws Error(Input) as parse_csv does, or where the file can't be read
Schedule load_csv(const std::filesystem::path& path);

}  // namespace pp
