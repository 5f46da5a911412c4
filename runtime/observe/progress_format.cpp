#include "runtime/observe/progress_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace pp {
namespace {

constexpr int kMinBar = 8;
constexpr int kMaxBar = 30;

template <typename... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

int num_digits(int64_t value) {
  return static_cast<int>(std::to_string(value).size());
}

/// Returns "step  37/200". The step is padded to the total's width, so that the
/// text after it doesn't move.
std::string step_text(const StepReport& report) {
  return print(
      "step %*lld/%lld",
      num_digits(report.total),
      static_cast<long long>(report.step),
      static_cast<long long>(report.total));
}

std::string speed_text(const ProgressRates& rates) {
  return rates.tokens_per_s > 0 ? rate_text(rates.tokens_per_s, "tok/s")
                                : rate_text(rates.samples_per_s, "samples/s");
}

/// Returns "[====>     ]" of `width` columns, brackets included.
std::string bar(double share, int width) {
  const int inside = width - 2;
  const int filled = static_cast<int>(std::floor(share * inside));
  std::string text(std::min(filled, inside), '=');
  if (filled < inside && filled > 0) {
    text.back() = '>';
  }
  text.resize(inside, ' ');
  return "[" + text + "]";
}

int length(const std::vector<std::string>& parts) {
  int sum = 0;
  for (const std::string& part : parts) {
    sum += static_cast<int>(part.size()) + 1;
  }
  return sum - 1;
}

std::string join_parts(
    const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) {
      text += separator;
    }
    text += part;
  }
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  // 100,000 hours
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 3.6e8) {
    return "-:--";
  }
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  const int hours = static_cast<int>(whole / 3600);
  const int minutes = static_cast<int>(whole / 60 % 60);
  const int rest = static_cast<int>(whole % 60);
  return hours > 0 ? print("%d:%02d:%02d", hours, minutes, rest)
                   : print("%d:%02d", minutes, rest);
}

std::string rate_text(double per_second, std::string_view unit) {
  constexpr std::array<const char*, 4> kPrefixes = {"", "k", "M", "G"};
  size_t prefix = 0;
  // 999.5 would be printed as 1000.
  while (per_second >= 999.5 && prefix + 1 < kPrefixes.size()) {
    per_second /= 1000;
    ++prefix;
  }
  const char* format = "%.0f";
  if (per_second < 9.995) {
    format = "%.2f";
  } else if (per_second < 99.95) {
    format = "%.1f";
  }
  return print(format, per_second) + kPrefixes[prefix] + " " +
         std::string(unit);
}

std::string number_text(double value) {
  const double size = std::fabs(value);
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
  if (size != 0 && (size < 1e-3 || size >= 1e5)) {
    return print("%.2e", value);
  }
  if (size >= 1000) {
    return print("%.1f", value);
  }
  return print(size >= 10 ? "%.3f" : "%.4f", value);
}

std::string bar_line(
    const StepReport& report, const ProgressRates& rates, int width) {
  // The last column stays free: some terminals wrap when it is filled.
  const int columns = std::max(width - 1, 1);
  std::vector<std::string> parts = {step_text(report)};
  if (report.loss) {
    parts.push_back("loss " + number_text(*report.loss));
  }
  if (report.grad_norm) {
    parts.push_back("grad " + number_text(*report.grad_norm));
  }
  parts.push_back(speed_text(rates));
  parts.push_back(duration_text(rates.seconds_left) + " left");
  while (parts.size() > 1 && length(parts) > columns) {
    parts.pop_back();
  }
  const int room = columns - length(parts) - 1;
  if (room >= kMinBar) {
    const double share = report.total > 0
                             ? static_cast<double>(report.step) /
                                   static_cast<double>(report.total)
                             : 0;
    parts.insert(
        parts.begin() + 1,
        bar(std::clamp(share, 0.0, 1.0), std::min(room, kMaxBar)));
  }
  return join_parts(parts, " ").substr(0, columns);
}

std::string plain_line(const StepReport& report, const ProgressRates& rates) {
  std::vector<std::string> parts = {step_text(report)};
  if (report.loss) {
    parts.push_back("loss " + number_text(*report.loss));
  }
  if (report.grad_norm) {
    parts.push_back("grad " + number_text(*report.grad_norm));
  }
  if (report.loss) {
    parts.push_back("lr " + print("%.3g", report.lr));
  }
  parts.push_back(print("%.3g", report.step_ms) + " ms/step");
  parts.push_back(speed_text(rates));
  parts.push_back(duration_text(rates.seconds_left) + " left");
  return join_parts(parts, "  ");
}

std::string eval_line(const EvalReport& report) {
  std::string numbers = "loss " + number_text(report.loss);
  for (const MetricValue& metric : report.metrics) {
    numbers += ", " + metric.name + " " + number_text(metric.value);
  }
  return "eval at step " + std::to_string(report.step) + ": " + numbers + " (" +
         print("%.1f", report.seconds) + " s)";
}

}  // namespace pp
