#include "runtime/schedule/draw.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "runtime/schedule/lower.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

struct Drawn {
  Schedule schedule;
  Timeline timeline;
  Caption caption;
};

Drawn drawn(std::string_view name, const Shape& shape) {
  Drawn out;
  out.schedule = find_schedule(name).generate(shape);
  out.timeline = simulate(out.schedule, {});
  out.caption.title =
      std::string(name) + ", <" + std::to_string(shape.num_ranks) + " ranks>";
  return out;
}

std::string text_of(const Drawn& d, int width, bool color = false) {
  return draw_text(d.schedule, d.timeline, d.caption, width, color);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

// A line without its escape sequences.
std::string without_colors(const std::string& line) {
  std::string out;
  bool escaped = false;
  for (const char letter : line) {
    escaped |= letter == '\x1b';
    if (!escaped) {
      out += letter;
    }
    escaped &= letter != 'm';
  }
  return out;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size())) {
    ++found;
  }
  return found;
}

TEST(Caption, NamesSizes) {
  EXPECT_EQ(
      caption_of("1F1B", find_schedule("1F1B").generate({4, 4, 8})).title,
      "1F1B: 4 ranks, 8 microbatches");
  EXPECT_EQ(
      caption_of("GPipe", find_schedule("GPipe").generate({1, 2, 1})).title,
      "GPipe: 1 rank, 2 stages, 1 microbatch");
}

TEST(DrawText, ShowsTimeToTheRight) {
  EXPECT_EQ(
      text_of(drawn("1F1B", {2, 2, 2}), 80),
      "1F1B, <2 ranks>\n"
      "rank 0 F0 F1 ......B0    ...B1    U  \n"
      "rank 1 ...F0 B0    F1 B1    U  ......\n"
      "bubble 33.3 %, peak 2 live microbatches (rank 0), critical path 9 in 6 "
      "actions\n");
}

TEST(DrawText, ShowsKindsIfLabelsDontFit) {
  EXPECT_EQ(lines_of(text_of(drawn("1F1B", {2, 2, 2}), 12))[1], "0 FF..B0.B1U");
}

TEST(DrawText, FitsEveryWidth) {
  for (const std::string_view name : {"GPipe", "ZBVZeroBubble", "VMin"}) {
    const int per_rank = name == "GPipe" ? 1 : 2;
    const Drawn d = drawn(name, {4, 4 * per_rank, 32});
    for (const int width : {30, 61, 80, 120, 300}) {
      for (const bool color : {false, true}) {
        const auto lines = lines_of(text_of(d, width, color));
        for (size_t i = 1; i + 1 < lines.size(); ++i) {
          EXPECT_LE(
              without_colors(lines[i]).size(), static_cast<size_t>(width));
          EXPECT_EQ(
              without_colors(lines[i]).size(), without_colors(lines[1]).size());
        }
      }
    }
  }
}

TEST(DrawText, ColorsTellMicrobatchesAndKindsApart) {
  const std::string text = text_of(drawn("1F1B", {1, 1, 2}), 80, true);
  std::set<std::string> colors;
  for (size_t at = text.find("\x1b[48;2;"); at != std::string::npos;
       at = text.find("\x1b[48;2;", at + 1)) {
    colors.insert(text.substr(at, text.find('m', at) - at));
  }
  EXPECT_EQ(colors.size(), 5U);  // F0 B0 F1 B1 and the update
  EXPECT_EQ(count(text_of(drawn("1F1B", {1, 1, 2}), 80), "\x1b"), 0U);
}

TEST(DrawText, InferenceHasNoUpdate) {
  Drawn d = drawn("GPipe", {2, 2, 2});
  d.schedule = forward_only(d.schedule);
  d.timeline = simulate(d.schedule, {});
  EXPECT_EQ(lines_of(text_of(d, 80))[1], "rank 0 F0 F1 ...");
}

TEST(DrawSvg, HasABoxForEachActionAndIsWellFormed) {
  const Drawn d = drawn("DualPipeV", {4, 8, 8});
  const std::string svg = draw_svg(d.schedule, d.timeline, d.caption);
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<text"), count(svg, "</text>"));
  EXPECT_NE(svg.find("DualPipeV, &lt;4 ranks&gt;"), std::string::npos);
  EXPECT_NE(svg.find(">weight gradient<"), std::string::npos);
  EXPECT_NE(svg.find(">update<"), std::string::npos);
  size_t weights = 0;
  size_t pairs = 0;
  for (const auto& program : d.schedule.ranks) {
    for (const Action& action : program) {
      weights += action.kind == ActionKind::BackwardWeight ? 1 : 0;
      pairs += action.overlaps_next ? 1 : 0;
    }
  }
  // background, legend (F, B, I, W, W's hatch, U, idle), rows, updates, hatch
  const size_t others = 1 + 7 + 4 + 4 + weights + pairs + 1;
  EXPECT_EQ(
      count(svg, "<rect"),
      static_cast<size_t>(num_actions(d.schedule)) + others);
}

TEST(DrawSvg, StaysWithinAPageForManyMicrobatches) {
  const Drawn d = drawn("1F1B", {4, 4, 512});
  const std::string svg = draw_svg(d.schedule, d.timeline, d.caption);
  const double width = std::stod(svg.substr(svg.find("width=\"") + 7));
  EXPECT_LE(width, 1801);
}

TEST(DrawTrace, HasATrackPerRankAndAnArrowPerMessage) {
  const Drawn d = drawn("ZBVZeroBubble", {2, 4, 3});
  const auto trace =
      nlohmann::json::parse(draw_trace(d.schedule, d.timeline, d.caption));
  std::map<std::string, int> phases;
  for (const auto& event : trace["traceEvents"]) {
    ++phases[event["ph"].get<std::string>()];
  }
  EXPECT_EQ(phases["M"], 2);
  EXPECT_EQ(phases["X"], 4 * 3 * 3 + 2);  // F, I, W and two updates
  // two borders between ranks, both ways, three microbatches
  EXPECT_EQ(phases["s"], 2 * 2 * 3);
  EXPECT_EQ(phases["f"], phases["s"]);
}

TEST(DrawJson, ContainsWhatThePictureShows) {
  const Drawn d = drawn("1F1B", {2, 2, 2});
  const auto json =
      nlohmann::json::parse(draw_json(d.schedule, d.timeline, d.caption));
  EXPECT_EQ(json["stage_to_rank"], (std::vector<int>{0, 1}));
  EXPECT_EQ(json["makespan"], 9);
  EXPECT_EQ(json["ranks"][1]["actions"][1], "1B0");
  EXPECT_EQ(json["ranks"][0]["peak_live"], 2);
  EXPECT_EQ(json["ranks"][0]["timeline"][2]["begin"], 4);
  EXPECT_EQ(json["critical_path"].size(), 6U);
  EXPECT_EQ(json["transfers"].size(), 4U);
}

}  // namespace
}  // namespace pp
