#include <algorithm>
#include <cmath>
#include <sstream>

#include "loader/core/text.h"
#include "runtime/schedule/draw.h"
#include "runtime/schedule/draw/palette.h"

namespace pp {
namespace {

// All sizes are in pixels.
constexpr double kLeft = 92;
constexpr double kRight = 150;
constexpr double kTop = 64;
constexpr double kRow = 38;
constexpr double kGap = 6;
constexpr double kUnit = 26;  // the shortest action, if there is room
constexpr double kMaxWidth = 1800;
constexpr double kMinLabel = 14;  // narrower actions have no text
constexpr double kAxis = 34;
constexpr double kLegend = 40;

constexpr std::string_view kInk = "#1d2733";
constexpr std::string_view kFaint = "#6b7785";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

// A round number of units between the marks of the axis.
double tick_of(double total) {
  double tick = std::pow(10.0, std::floor(std::log10(total / 8)));
  for (const double factor : {2.0, 2.5, 2.0}) {
    if (total / tick > 16) {
      tick *= factor;
    }
  }
  return tick;
}

struct Text {
  double x = 0;
  double y = 0;
  double size = 12;
  std::string_view color = kInk;
  std::string_view anchor = "start";
  std::string_view weight = "normal";
};

class Picture {
 public:
  Picture(
      const Schedule& schedule,
      const Timeline& timeline,
      const Caption& caption)
      : schedule_(schedule),
        timeline_(timeline),
        caption_(caption),
        num_microbatches_(num_microbatches(schedule)),
        trains_(has_backward(schedule)) {
    stages_ = stages_by_rank(schedule.stage_to_rank);
    stages_.resize(schedule.ranks.size());
    for (const auto& stages : stages_) {
      shows_stages_ |= stages.size() > 1;
    }
    choose_scale();
  }

  std::string draw() {
    const auto num_ranks = static_cast<double>(schedule_.ranks.size());
    const double bottom = kTop + num_ranks * (kRow + kGap);
    const double width = std::max(kLeft + total_ * scale_ + kRight, 760.0);
    const double height = bottom + kAxis + kLegend;
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width
         << "\" height=\"" << height << "\" viewBox=\"0 0 " << width << ' '
         << height
         << "\" font-family=\"Helvetica, Arial, sans-serif\">\n"
            "<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" "
            "patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"rotate(45)\"><rect width=\"1.2\" "
            "height=\"5\" fill=\"#1d2733\" "
            "fill-opacity=\"0.22\"/></pattern></defs>\n"
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    text({kLeft, 28, 18, kInk, "start", "bold"}, caption_.title);
    text({kLeft, 48, 12, kFaint}, summary(timeline_));
    axis(bottom);
    for (size_t rank = 0; rank < schedule_.ranks.size(); ++rank) {
      row(rank, kTop + static_cast<double>(rank) * (kRow + kGap));
    }
    legend(bottom + kAxis + 6);
    out_ << "</svg>\n";
    return out_.str();
  }

 private:
  void choose_scale() {
    total_ = timeline_.makespan;
    double shortest = total_;
    for (const RankTimeline& rank : timeline_.ranks) {
      for (const TimedAction& timed : rank.actions) {
        const double duration = timed.end - timed.begin;
        shortest = duration > 0 ? std::min(shortest, duration) : shortest;
      }
      if (trains_ && !rank.actions.empty()) {
        total_ =
            std::max(total_, rank.actions.back().end + caption_.update_time);
      }
    }
    if (total_ > 0) {
      scale_ =
          std::min(kUnit / shortest, (kMaxWidth - kLeft - kRight) / total_);
    }
  }

  double x_of(double time) const { return kLeft + time * scale_; }

  void text(const Text& style, std::string_view content) {
    out_ << "<text x=\"" << style.x << "\" y=\"" << style.y << "\" font-size=\""
         << style.size << "\" fill=\"" << style.color << "\" text-anchor=\""
         << style.anchor << '"';
    if (style.weight != "normal") {
      out_ << " font-weight=\"" << style.weight << '"';
    }
    out_ << '>' << escaped(content) << "</text>\n";
  }

  void rect(
      double x, double y, double width, double height, std::string_view fill) {
    out_ << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << width
         << "\" height=\"" << height << "\" fill=\"" << fill << "\"/>\n";
  }

  void row(size_t index, double y) {
    const RankTimeline& rank = timeline_.ranks[index];
    text(
        {kLeft - 12, y + (shows_stages_ ? 16 : 23), 13, kInk, "end", "bold"},
        "rank " + std::to_string(index));
    if (shows_stages_) {
      text(
          {kLeft - 12, y + 30, 10, kFaint, "end"},
          (stages_[index].size() > 1 ? "stages " : "stage ") +
              join(stages_[index]));
    }
    rect(kLeft, y, total_ * scale_, kRow, "#eef1f4");
    double end = 0;
    for (size_t i = 0; i < rank.actions.size(); ++i) {
      action(rank, i, y);
      end = std::max(end, rank.actions[i].end);
    }
    if (trains_ && !rank.actions.empty()) {
      update(x_of(end), y, caption_.update_time * scale_);
    }
    std::ostringstream figures;
    figures.precision(3);
    figures << 100 * rank.bubble << " % idle";
    text({x_of(total_) + 12, y + 16, 11, kFaint}, figures.str());
    figures.str("");
    figures << "peak " << rank.peak_microbatches << " live";
    text({x_of(total_) + 12, y + 30, 11, kFaint}, figures.str());
  }

  // Two actions that run at the same time share the height of the row.
  void action(const RankTimeline& rank, size_t i, double y) {
    const TimedAction& timed = rank.actions[i];
    const bool is_first = timed.action.overlaps_next;
    const bool is_second = i > 0 && rank.actions[i - 1].action.overlaps_next;
    const bool shares = (is_first && rank.actions[i + 1].begin < timed.end) ||
                        (is_second && timed.begin < rank.actions[i - 1].end);
    const double height = shares ? kRow / 2 : kRow;
    const double top = shares && is_second ? y + kRow / 2 : y;
    const double x = x_of(timed.begin);
    const double width = (timed.end - timed.begin) * scale_;
    box(timed.action, x, top, width, height);
    if (is_second) {
      const TimedAction& first = rank.actions[i - 1];
      const double from = x_of(first.begin);
      out_ << "<rect x=\"" << from + 1 << "\" y=\"" << y + 1 << "\" width=\""
           << x_of(std::max(first.end, timed.end)) - from - 2 << "\" height=\""
           << kRow - 2 << "\" fill=\"none\" stroke=\"" << kInk
           << "\" stroke-width=\"1.6\"/>\n";
    }
  }

  void box(
      const Action& action, double x, double y, double width, double height) {
    const Rgb color =
        color_of(action.kind, action.microbatch, num_microbatches_);
    const double gap = std::min(1.0, width / 8);
    rect(x + gap / 2, y, width - gap, height, hex(color));
    if (action.kind == ActionKind::BackwardWeight) {
      rect(x + gap / 2, y, width - gap, height, "url(#hatch)");
    }
    const std::string number = std::to_string(action.microbatch);
    const double middle = x + width / 2;
    const std::string_view ink = is_dark(color) ? "#ffffff" : kInk;
    if (width < kMinLabel - 4 + 4 * static_cast<double>(number.size())) {
      return;
    }
    const bool has_stage = shows_stages_ && height == kRow && width >= 18;
    text(
        {middle, y + height / 2 + (has_stage ? 0 : 4.5), 13, ink, "middle"},
        number);
    if (has_stage) {
      text(
          {middle, y + height - 6, 8.5, ink, "middle"},
          "s" + std::to_string(action.stage));
    }
  }

  void update(double x, double y, double width) {
    rect(x + 0.5, y, std::max(0.0, width - 1), kRow, hex(kUpdateColor));
    if (width >= kMinLabel) {
      text({x + width / 2, y + kRow / 2 + 4.5, 13, "#ffffff", "middle"}, "U");
    }
  }

  void axis(double y) {
    if (total_ <= 0) {
      return;
    }
    const double tick = tick_of(timeline_.makespan);
    for (double time = 0; time <= timeline_.makespan + tick / 1e6;
         time += tick) {
      const double x = x_of(time);
      out_ << "<line x1=\"" << x << "\" y1=\"" << kTop - 4 << "\" x2=\"" << x
           << "\" y2=\"" << y + 2
           << "\" stroke=\"#d5dbe1\" stroke-width=\"1\"/>\n";
      std::ostringstream label;
      label << time;
      text({x, y + 16, 10, kFaint, "middle"}, label.str());
    }
    text({kLeft - 12, y + 16, 10, kFaint, "end"}, "time");
  }

  void legend(double y) {
    struct Entry {
      ActionKind kind;
      std::string_view name;
    };
    double x = kLeft;
    const auto entry = [&](const Entry& item) {
      bool appears = false;
      for (const auto& program : schedule_.ranks) {
        appears |= std::ranges::any_of(program, [&](const Action& action) {
          return action.kind == item.kind;
        });
      }
      if (!appears) {
        return;
      }
      const std::string fill = hex(color_of(item.kind, 0, 1));
      rect(x, y, 18, 14, fill);
      if (item.kind == ActionKind::BackwardWeight) {
        rect(x, y, 18, 14, "url(#hatch)");
      }
      text({x + 24, y + 11.5, 12}, item.name);
      x += 44 + 6.6 * static_cast<double>(item.name.size());
    };
    entry({ActionKind::Forward, "forward"});
    entry({ActionKind::FullBackward, "backward"});
    entry({ActionKind::BackwardInput, "input gradient"});
    entry({ActionKind::BackwardWeight, "weight gradient"});
    if (trains_) {
      rect(x, y, 18, 14, hex(kUpdateColor));
      text({x + 24, y + 11.5, 12}, "update");
      x += 90;
    }
    rect(x, y, 18, 14, "#eef1f4");
    text({x + 24, y + 11.5, 12}, "idle");
    x += 70;
    text(
        {x, y + 11.5, 12, kFaint},
        shows_stages_ ? "number: microbatch; s: stage" : "number: microbatch");
  }

  const Schedule& schedule_;
  const Timeline& timeline_;
  const Caption& caption_;
  int num_microbatches_;
  bool trains_;
  bool shows_stages_ = false;
  std::vector<std::vector<int>> stages_;  // by rank
  double total_ = 0;
  double scale_ = 1;
  std::ostringstream out_;
};

}  // namespace

std::string draw_svg(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption) {
  return Picture(schedule, timeline, caption).draw();
}

}  // namespace pp
