#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/schedule/csv.h"

namespace pp {
namespace {

constexpr std::string_view kOverlap = "OVERLAP_F_B";

// Longer numbers in a cell are refused: no real schedule comes near them, and
// sizes computed from shorter ones don't overflow.
constexpr size_t kMaxDigits = 9;

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char letter) {
    return letter == ' ' || letter == '\t' || letter == '\r';
  };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  Schedule read(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
      text.remove_prefix(3);  // a byte order mark, which spreadsheets write
    }
    if (text.ends_with('\n')) {
      text.remove_suffix(1);
    }
    row_ = 0;
    for (const std::string& line : split_text(text, '\n')) {
      ++row_;
      read_row(line);
    }
    check_cells();
    return finish();
  }

 private:
  [[noreturn]] void refuse(
      size_t row, size_t column, const std::string& why) const {
    throw input_error(
        std::string(file_) + ", row " + std::to_string(row) + ", column " +
        std::to_string(column) + ": " + why);
  }
  [[noreturn]] void refuse_cell(
      std::string_view cell, const std::string& why) const {
    refuse(row_, column_, "'" + std::string(cell) + "' " + why);
  }

  void read_row(const std::string& line) {
    auto& program = schedule_.ranks.emplace_back();
    column_ = 0;
    if (trim(line).empty()) {
      return;
    }
    for (const std::string& raw : split_text(line, ',')) {
      ++column_;
      const std::string_view cell = trim(raw);
      if (!cell.empty()) {
        read_cell(program, cell);
      } else if (first_empty_.row == 0) {
        first_empty_ = {row_, column_};
      }
    }
  }

  void read_cell(std::vector<Action>& program, std::string_view cell) {
    if (!cell.starts_with('(')) {
      add(program, cell, parse(cell, cell));
      return;
    }
    const size_t close = cell.find(')');
    const size_t middle = cell.find(';');
    if (close == std::string_view::npos || middle > close ||
        cell.substr(close + 1) != kOverlap) {
      refuse_cell(
          cell, "is not a valid pair; write it like (0F1;7B0)OVERLAP_F_B");
    }
    Action first = parse(cell, trim(cell.substr(1, middle - 1)));
    const Action second =
        parse(cell, trim(cell.substr(middle + 1, close - middle - 1)));
    if (!is_compute(first.kind) || !is_compute(second.kind)) {
      refuse_cell(
          cell, "pairs actions that can't overlap; only F, B, I and W can");
    }
    first.overlaps_next = true;
    add(program, cell, first);
    add(program, cell, second);
  }

  int32_t number(std::string_view cell, std::string_view digits) const {
    if (digits.size() > kMaxDigits) {
      refuse_cell(cell, "has a number with more than 9 digits");
    }
    int32_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  Action parse(std::string_view cell, std::string_view text) const {
    const auto is_digit = [](char letter) {
      return letter >= '0' && letter <= '9';
    };
    const auto name_begin = std::ranges::find_if_not(text, is_digit);
    auto name_end = text.end();
    while (name_end != name_begin && is_digit(*(name_end - 1))) {
      --name_end;
    }
    const std::string_view stage(text.begin(), name_begin);
    const std::string_view name(name_begin, name_end);
    const std::string_view microbatch(name_end, text.end());
    if (stage.empty() || name.empty()) {
      refuse_cell(
          cell,
          "is not an action; write a stage, a kind and a microbatch, as in 2F0 "
          "or 3SEND_F1");
    }
    const auto kind = try_kind(name);
    if (!kind) {
      refuse_kind(cell, name);
    }
    if (has_microbatch(*kind) == microbatch.empty()) {
      refuse_cell(
          cell,
          microbatch.empty()
              ? "lacks a microbatch"
              : "is for a whole stage and must not name a microbatch");
    }
    const int32_t stage_index = number(cell, stage);
    if (stage_index >= kMaxStages) {
      refuse_cell(
          cell,
          "names a stage above the largest possible, " +
              std::to_string(kMaxStages - 1));
    }
    return {
        stage_index,
        microbatch.empty() ? kNoMicrobatch : number(cell, microbatch),
        *kind};
  }

  [[noreturn]] void refuse_kind(
      std::string_view cell, std::string_view name) const {
    std::vector<std::string> names;
    for (int kind = 0; kind < kNumActionKinds; ++kind) {
      names.emplace_back(kind_name(static_cast<ActionKind>(kind)));
    }
    refuse_cell(
        cell,
        "has an unknown action kind '" + std::string(name) +
            "'; the kinds are " + join(names));
  }

  void add(
      std::vector<Action>& program,
      std::string_view cell,
      const Action& action) {
    const auto rank = static_cast<int32_t>(schedule_.ranks.size()) - 1;
    const auto [owner, is_new] = ranks_.emplace(action.stage, rank);
    if (owner->second != rank) {
      refuse_cell(
          cell,
          "is on rank " + std::to_string(rank) + ", but stage " +
              std::to_string(action.stage) + " is on rank " +
              std::to_string(owner->second) + " (row " +
              std::to_string(owner->second + 1) + ")");
    }
    if (action.microbatch > last_microbatch_.number) {
      last_microbatch_ = {action.microbatch, row_, column_};
    }
    num_forwards_ += action.kind == ActionKind::Forward ? 1 : 0;
    has_others_ |= !is_compute(action.kind);
    program.push_back(action);
  }

  void check_cells() const {
    if (has_others_ && first_empty_.row != 0) {
      refuse(
          first_empty_.row,
          first_empty_.column,
          "the cell is empty; empty cells (bubbles) are allowed only if all "
          "actions are F, B, I or W, and this file also has others");
    }
    if (last_microbatch_.number >= num_forwards_) {
      refuse(
          last_microbatch_.row,
          last_microbatch_.column,
          "microbatch " + std::to_string(last_microbatch_.number) +
              " is too large: it and all microbatches below it need a forward, "
              "but the file has only " +
              std::to_string(num_forwards_));
    }
  }

  Schedule finish() {
    if (ranks_.empty()) {
      throw input_error(std::string(file_) + " has no actions");
    }
    for (const auto& [stage, rank] : ranks_) {
      if (stage != static_cast<int32_t>(schedule_.stage_to_rank.size())) {
        throw input_error(
            std::string(file_) + " has stage " + std::to_string(stage) +
            ", but no row runs stage " +
            std::to_string(schedule_.stage_to_rank.size()));
      }
      schedule_.stage_to_rank.push_back(rank);
    }
    return std::move(schedule_);
  }

  struct Place {
    size_t row = 0;
    size_t column = 0;
  };
  struct LastMicrobatch {
    int32_t number = kNoMicrobatch;
    size_t row = 0;
    size_t column = 0;
  };

  std::string_view file_;
  Schedule schedule_;
  std::map<int32_t, int32_t> ranks_;  // by stage
  size_t row_ = 0;
  size_t column_ = 0;
  Place first_empty_;
  LastMicrobatch last_microbatch_;
  int64_t num_forwards_ = 0;
  bool has_others_ = false;
};

}  // namespace

Schedule parse_csv(std::string_view text, std::string_view file) {
  return Reader(file).read(text);
}

Schedule load_csv(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) {
    text << in.rdbuf();
  }
  if (!in.is_open() || in.bad()) {
    throw input_error(
        "can't read the schedule " + path.string() + ": " +
        std::strerror(errno));
  }
  return parse_csv(text.str(), path.string());
}

}  // namespace pp
