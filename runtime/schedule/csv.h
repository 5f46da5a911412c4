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

/// Returns the schedule as text, one line per rank, without empty cells.
std::string to_csv(const Schedule& schedule);

/// Parses a schedule's text in either form. Blanks around a cell are dropped.
/// An empty cell is a bubble and is skipped; in a file with messages it is an
/// error, as in torch. The rows determine which rank owns each stage. Only the
/// text is checked; validate() says whether the schedule can be executed.
///
/// file    the file's name, for error messages
/// throws  Error(Input) with file, row and column, which are counted from 1
Schedule parse_csv(std::string_view text, std::string_view file);

/// Reads a file and parses it with parse_csv().
/// throws  what parse_csv() throws; Error(Input): the file can't be read
Schedule load_csv(const std::filesystem::path& path);

}  // namespace pp
