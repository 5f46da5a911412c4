#include "runtime/observe/progress.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace pp {
namespace {

constexpr std::string_view kClearToEnd = "\x1b[K";

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

void SmoothedRate::add(double value) {
  count_ = std::min(count_ + 1, memory_);
  value_ += (value - value_) / count_;
}

Progress::Progress(ProgressOptions options, Write write, Clock clock)
    : options_(std::move(options)),
      write_(std::move(write)),
      clock_(std::move(clock)) {}

Progress::~Progress() {
  if (bar_on_screen_) {
    write_("\n");
  }
}

void Progress::step(const StepReport& report) {
  const double seconds = report.step_ms / 1000;
  step_seconds_.add(seconds);
  samples_per_step_.add(report.samples_per_s * seconds);
  tokens_per_step_.add(report.tokens_per_s.value_or(0) * seconds);
  last_ = report;
  last_is_drawn_ = false;
  const double pause =
      options_.terminal ? options_.redraw_seconds : options_.line_seconds;
  if (!drawn_any_ || report.step == report.total ||
      clock_() - last_drawn_ >= pause) {
    draw();
  }
}

void Progress::draw() {
  const double seconds = std::max(step_seconds_.value(), 1e-9);
  const ProgressRates rates = {
      samples_per_step_.value() / seconds,
      tokens_per_step_.value() / seconds,
      static_cast<double>(last_->total - last_->step) * step_seconds_.value()};
  if (options_.terminal) {
    // A single write that overwrites the line and clears the rest avoids
    // flicker.
    write_(
        "\r" + bar_line(*last_, rates, options_.width()) +
        std::string(kClearToEnd));
    bar_on_screen_ = true;
  } else {
    write_(plain_line(*last_, rates) + "\n");
  }
  last_drawn_ = clock_();
  drawn_any_ = true;
  last_is_drawn_ = true;
}

void Progress::eval(const EvalReport& report) {
  note(eval_line(report));
}

void Progress::note(std::string_view line) {
  std::string text(line);
  if (bar_on_screen_) {
    text = "\r" + text + std::string(kClearToEnd);
  }
  write_(text + "\n");
  if (bar_on_screen_) {
    draw();
  }
}

void Progress::finish() {
  if (last_ && !last_is_drawn_) {
    draw();
  }
  if (bar_on_screen_) {
    write_("\n");
    bar_on_screen_ = false;
  }
}

std::unique_ptr<Progress> make_progress(std::FILE* stream, bool bar) {
  const int descriptor = fileno(stream);
  ProgressOptions options;
  options.terminal = bar && isatty(descriptor) == 1;
  options.width = [descriptor] { return terminal_width(descriptor); };
  return std::make_unique<Progress>(
      std::move(options),
      [stream](std::string_view text) {
        std::fwrite(text.data(), 1, text.size(), stream);
        std::fflush(stream);
      },
      steady_seconds);
}

}  // namespace pp
