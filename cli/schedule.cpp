#include "runtime/schedule/schedule.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "runtime/schedule/cost_text.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/draw.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/simulate.h"
#include "runtime/schedule/validate.h"

namespace pp::cli {

namespace {

// Larger schedules are too large to look at; time and memory grow with the
// size.
constexpr int64_t kMaxForwards = 1 << 20;
constexpr std::array<std::string_view, 5> kFormats{
    "text", "csv", "json", "svg", "trace"};

struct Options {
  std::string name;
  bool list = false;
  int ranks = 0;
  int microbatches = 0;
  int stages_per_rank = 0;
  bool lowered = false;
  std::string cost;
  std::string format;  ///< empty: chosen by the extension of `output`
  std::string output;
  bool no_color = false;  ///< https://no-color.org
};

int list_schedules() {
  std::string out;
  for (const ScheduleEntry& entry : all_schedules()) {
    std::string name(entry.name);
    name.resize(24, ' ');
    out += name + std::string(entry.summary) + "\n";
  }
  print(out);
  return 0;
}

int num_microbatches_of(const Schedule& schedule) {
  int32_t most = 0;
  for (const auto& rank : schedule.ranks) {
    for (const Action& action : rank) {
      most = std::max(most, action.microbatch);
    }
  }
  return most + 1;
}

bool trains(const Schedule& schedule) {
  for (const auto& rank : schedule.ranks) {
    for (const Action& action : rank) {
      if (is_compute(action.kind) && action.kind != ActionKind::Forward) {
        return true;
      }
    }
  }
  return false;
}

/// Refuses numbers of ranks, stages and microbatches that are given along with
/// a file, which sets them itself.
void refuse_sizes(const Options& options) {
  const char* given = options.ranks > 0             ? "--ranks"
                      : options.microbatches > 0    ? "--microbatches"
                      : options.stages_per_rank > 0 ? "--stages-per-rank"
                                                    : nullptr;
  if (given != nullptr) {
    throw usage_error(
        std::string(given) + " can't be given with " + options.name +
        ": the file sets the schedule's ranks, stages and microbatches");
  }
}

Schedule make_schedule(const Options& options) {
  if (options.name.ends_with(".csv")) {
    refuse_sizes(options);
    return load_csv(options.name);
  }
  const ScheduleEntry& entry = find_schedule(options.name);
  if (options.ranks == 0 || options.microbatches == 0) {
    throw usage_error(
        "--ranks and --microbatches are required, e.g. pp schedule " +
        options.name + " --ranks 4 --microbatches 8");
  }
  const int per_rank = options.stages_per_rank > 0
                           ? options.stages_per_rank
                           : entry.default_stages_per_rank;
  const int64_t num_forwards =
      int64_t{options.ranks} * per_rank * options.microbatches;
  if (num_forwards > kMaxForwards) {
    throw usage_error(
        std::to_string(options.ranks) + " ranks x " + std::to_string(per_rank) +
        " stages x " + std::to_string(options.microbatches) +
        " microbatches are too many to show: the product may be at most " +
        std::to_string(kMaxForwards));
  }
  return entry.generate(
      {options.ranks, options.ranks * per_rank, options.microbatches});
}

/// Checks the schedule. If it came from a file, the error is Error(Input).
void check_schedule(const Options& options, const Schedule& schedule) {
  try {
    validate(schedule, num_microbatches_of(schedule), trains(schedule));
  } catch (const Error& error) {
    if (options.name.ends_with(".csv")) {
      throw input_error(options.name + ": " + error.what());
    }
    throw;
  }
}

int terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
             ? size.ws_col
             : 100;
}

std::string format_of(const Options& options) {
  if (!options.format.empty()) {
    return options.format;
  }
  const std::string extension =
      std::filesystem::path(options.output).extension().string();
  const auto* found =
      std::ranges::find(kFormats, extension.empty() ? "" : extension.substr(1));
  return std::string(found == kFormats.end() ? kFormats.front() : *found);
}

std::string draw(const Options& options, const Schedule& schedule) {
  const std::string format = format_of(options);
  if (format == "csv") {
    return to_csv(schedule);
  }
  const Timeline timeline = simulate(
      schedule, options.cost.empty() ? CostTable{} : parse_costs(options.cost));
  const Caption caption = caption_of(options.name, schedule);
  if (format == "json") {
    return draw_json(schedule, timeline, caption);
  }
  if (format == "svg") {
    return draw_svg(schedule, timeline, caption);
  }
  if (format == "trace") {
    return draw_trace(schedule, timeline, caption);
  }
  const bool to_terminal =
      options.output.empty() && isatty(STDOUT_FILENO) != 0 && !options.no_color;
  return draw_text(schedule, timeline, caption, terminal_width(), to_terminal);
}

}  // namespace

std::function<int()> setup_schedule(CLI::App& app, const Invocation& with) {
  auto options = std::make_shared<Options>();
  const char* no_color = with.getenv("NO_COLOR");
  options->no_color = no_color != nullptr && *no_color != '\0';
  app.add_option("name", options->name, "Name of a schedule, or a .csv file")
      ->type_name("NAME|FILE.csv");
  app.add_flag("--list", options->list, "List the names of all schedules");
  app.add_option("--ranks", options->ranks, "Number of ranks")
      ->check(CLI::Range(1, 1 << 16));
  app.add_option(
         "--microbatches", options->microbatches, "Microbatches per step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option(
         "--stages-per-rank",
         options->stages_per_rank,
         "Stages per rank (default: the schedule's own)")
      ->check(CLI::Range(1, 1 << 16));
  app.add_flag(
      "--lowered", options->lowered, "Include sends, receives and waits");
  app.add_option(
         "--cost", options->cost, "Costs of actions, e.g. F=1,I=1,W=1,comm=0")
      ->type_name("COSTS");
  app.add_option(
         "--format",
         options->format,
         "Format (default: from FILE's extension, else text)")
      ->check(CLI::IsMember({"text", "csv", "json", "svg", "trace"}));
  app.add_option("-o,--output", options->output, "Write to this file")
      ->type_name("FILE")
      ->check(not_empty());
  return [options] {
    if (options->list) {
      return list_schedules();
    }
    if (options->name.empty()) {
      throw usage_error(
          "expected a schedule name; 'pp schedule --list' lists them");
    }
    Schedule schedule = make_schedule(*options);
    check_schedule(*options, schedule);
    if (options->lowered) {
      schedule = lower(std::move(schedule));
    }
    const std::string text = draw(*options, schedule);
    if (options->output.empty()) {
      print_colored(text);
    } else {
      write_file(options->output, text);
    }
    return 0;
  };
}

}  // namespace pp::cli
