#include <algorithm>
#include <cmath>
#include <sstream>

#include "loader/core/count_text.h"
#include "runtime/schedule/draw.h"
#include "runtime/schedule/draw/palette.h"

namespace pp {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr char kIdle = '.';
constexpr int kMinColumns = 10;

// The content of a range of columns.
struct Block {
  int begin = 0;
  int end = 0;
  std::string label;
  char letter = ' ';  // shown if the label doesn't fit
  Rgb color;
};

class Grid {
 public:
  Grid(
      const Schedule& schedule,
      const Timeline& timeline,
      const Caption& caption,
      int columns,
      bool color)
      : timeline_(timeline),
        caption_(caption),
        num_microbatches_(num_microbatches(schedule)),
        trains_(has_backward(schedule)),
        color_(color) {
    choose_scale(std::max(columns, kMinColumns));
  }

  std::string row(const RankTimeline& rank) const {
    std::string line;
    int column = 0;
    for (const Block& block : blocks(rank)) {
      const int begin = std::max(block.begin, column);
      if (block.end <= begin) {
        continue;  // too short for a column of its own
      }
      append_idle(line, begin - column);
      append_block(line, block, block.end - begin);
      column = block.end;
    }
    append_idle(line, columns_ - column);
    return line;
  }

 private:
  // Chooses a scale with room for labels if the columns allow it, else with
  // whole columns for the shortest action, else whatever fits.
  void choose_scale(int columns) {
    double total = timeline_.makespan;
    double shortest = trains_ ? caption_.update_time : total;
    for (const RankTimeline& rank : timeline_.ranks) {
      for (const TimedAction& timed : rank.actions) {
        const double duration = timed.end - timed.begin;
        shortest = duration > 0 ? std::min(shortest, duration) : shortest;
      }
      if (trains_ && !rank.actions.empty()) {
        total = std::max(total, rank.actions.back().end + caption_.update_time);
      }
    }
    if (total <= 0) {
      return;
    }
    const auto widest = static_cast<double>(
        label({0, std::max(0, num_microbatches_ - 1), ActionKind::Forward})
            .size() +
        1);
    const double fit = std::floor(columns * shortest / total);
    scale_ = fit >= 1 ? std::min(fit, widest) / shortest : columns / total;
    columns_ = static_cast<int>(std::lround(total * scale_));
  }

  std::string label(const Action& action) const {
    const std::string number = std::to_string(action.microbatch);
    return color_ ? number : std::string(kind_name(action.kind)) + number;
  }

  std::vector<Block> blocks(const RankTimeline& rank) const {
    std::vector<Block> blocks;
    const auto column = [&](double time) {
      return static_cast<int>(std::lround(time * scale_));
    };
    for (const TimedAction& timed : rank.actions) {
      const Action& action = timed.action;
      blocks.push_back(
          {column(timed.begin),
           column(timed.end),
           label(action),
           kind_name(action.kind).front(),
           color_of(action.kind, action.microbatch, num_microbatches_)});
    }
    if (trains_ && !rank.actions.empty()) {
      const double end = rank.actions.back().end;
      blocks.push_back(
          {column(end),
           column(end + caption_.update_time),
           "U",
           'U',
           kUpdateColor});
    }
    return blocks;
  }

  void append_idle(std::string& line, int width) const {
    if (width <= 0) {
      return;
    }
    if (color_) {
      line += kDim;
    }
    line.append(static_cast<size_t>(width), color_ ? ' ' : kIdle);
    if (color_) {
      line += kReset;
    }
  }

  void append_block(std::string& line, const Block& block, int width) const {
    const auto columns = static_cast<size_t>(width);
    std::string text;
    if (block.label.size() <= columns) {
      text = block.label;
      text.resize(columns, ' ');
    } else {
      text.assign(columns, color_ ? ' ' : '-');
      text.front() = color_ ? ' ' : block.letter;
    }
    if (!color_) {
      line += text;
      return;
    }
    const Rgb& c = block.color;
    line += "\x1b[48;2;" + std::to_string(c.red) + ';' +
            std::to_string(c.green) + ';' + std::to_string(c.blue) + 'm' +
            (is_dark(c) ? "\x1b[97m" : "\x1b[30m") + text;
    line += kReset;
  }

  const Timeline& timeline_;
  const Caption& caption_;
  int num_microbatches_;
  bool trains_;
  bool color_;
  double scale_ = 1;
  int columns_ = 0;
};

}  // namespace

Caption caption_of(std::string_view name, const Schedule& schedule) {
  const size_t stages = schedule.stage_to_rank.size();
  const size_t ranks = schedule.ranks.size();
  const int microbatches = num_microbatches(schedule);
  Caption caption;
  caption.title =
      std::string(name) + ": " + count_text(ranks, "rank", "ranks") + ", " +
      (stages == ranks ? "" : count_text(stages, "stage", "stages") + ", ") +
      count_text(microbatches, "microbatch", "microbatches");
  return caption;
}

std::string summary(const Timeline& timeline) {
  size_t most = 0;
  for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    if (timeline.ranks[rank].peak_microbatches >
        timeline.ranks[most].peak_microbatches) {
      most = rank;
    }
  }
  std::ostringstream text;
  text.precision(3);
  text << "bubble " << 100 * timeline.bubble << " %, peak "
       << timeline.ranks[most].peak_microbatches << " live microbatches (rank "
       << most << ")";
  text.precision(6);
  text << ", critical path " << timeline.makespan << " in "
       << timeline.critical_path.size() << " actions";
  return text.str();
}

std::string draw_text(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption,
    int width,
    bool color) {
  const size_t digits = std::to_string(timeline.ranks.size() - 1).size();
  const std::string name = width >= 60 ? "rank " : "";
  const int margin = static_cast<int>(name.size() + digits) + 1;
  const Grid grid(schedule, timeline, caption, width - margin, color);
  std::string text = caption.title.empty() ? "" : caption.title + "\n";
  for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    const std::string number = std::to_string(rank);
    text += name + std::string(digits - number.size(), ' ') + number + ' ' +
            grid.row(timeline.ranks[rank]) + '\n';
  }
  return text + summary(timeline) + '\n';
}

}  // namespace pp
