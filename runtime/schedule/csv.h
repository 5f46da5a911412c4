#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "runtime/schedule/schedule.h"

namespace pp {

// A schedule as text: one row per rank, one cell per action ("2F0", "3SEND_F1",
// "(0F1;7B0)OVERLAP_F_B"). These are the files that torch's schedules dump and
// load, in both forms: compute actions only, or with messages.
// docs/schedules.md has the grammar.

/// Writes one line per rank, without empty cells.
std::string to_csv(const Schedule& schedule);

/// Parses either form. Blanks around a cell are dropped. An empty cell is a
/// bubble and is skipped; in a file with messages it is refused, as in torch.
/// The rows determine the placement. Only the text is checked; validate() says
/// whether the schedule can be executed.
///
/// file    its name, for error messages
/// throws  Error(Input) with file, row and column, counted from 1
Schedule parse_csv(std::string_view text, std::string_view file);

/// Reads and parses a file.
/// throws Error(Input) as parse_csv does, or if the file can't be read
Schedule load_csv(const std::filesystem::path& path);

}  // namespace pp
